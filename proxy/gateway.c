/* SPDX-License-Identifier: MIT */
#include "proxy/gateway.h"

#include "base/err.h"
#include "base/facts.h"
#include "base/text.h"
#include "proxy/intake.h"
#include "proxy/routes.h"

#include <ctype.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TABLE "inet borderlens"

/* In the order of the rules. */
static const struct {
	const char *name, *help;
} counters[] = {
    {"tcp_taken", "TCP given to the appliance"},
    {"tcp_closed", "TCP dropped: nobody listened"},
    {"neighbour", "IPv6 neighbour discovery, let to the host"},
    {"dhcp_host", "DHCP, let to the host"},
    {"martian_all", "from or to addresses that nobody has (127.0.0.0/8, ...), dropped"},
    {"port0_all", "UDP from or to port 0, dropped"},
    {"udp_taken", "UDP given to the appliance"},
    {"udp_dns", "DNS over UDP (port 53), dropped: nobody took it"},
    {"udp_ntp", "NTP (UDP port 123), dropped: nobody took it"},
    {"udp_quic", "QUIC (UDP port 443), dropped: nobody took it"},
    {"udp_other", "other UDP, dropped: nobody took it"},
    {"broadcast_all", "to everybody on the cameras' net, dropped here"},
    {"multicast_all", "to groups, dropped here"},
    {"extension_all", "IPv6 with extension headers, dropped"},
    {"icmp_all", "ICMP and ICMPv6, dropped"},
    {"gre_all", "GRE (protocol 47), dropped"},
    {"esp_all", "ESP (protocol 50), dropped"},
    {"sit_all", "IPv6 in IPv4 (protocol 41), dropped"},
    {"other_all", "all other protocols, dropped"},
    {"fragment_all", "fragments, which the kernel puts together before they are judged"},
    {"forward_from", "routed past the appliance from a camera, dropped"},
    {"forward_to", "routed past the appliance to a camera, dropped"},
};

enum {
	COUNTERS = sizeof(counters) / sizeof(counters[0]),
	BEFORE_FRAGMENTS = -450, /* NF_IP_PRI_CONNTRACK_DEFRAG is -400 */
};

/* ---- the rules ---- */

/* The name stands in nft's text between quotes; "*" would be a wildcard. */
static int
check_name(const char *name, struct err *err)
{
	if (name[0] == '\0')
		return err_set(err, ERR_INPUT, "an interface without a name");
	for (const char *at = name; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("._-:@", *at) == NULL)
			return err_set(err, ERR_INPUT, "\"%s\" is no interface's name", name);
	}
	return 0;
}

void
gateway_plan_of(const struct config *config, struct gateway_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	memcpy(plan->cameras, config->gateway.cameras, sizeof(plan->cameras));
	plan->cameras_count = config->gateway.cameras_count;
	plan->mode = config->gateway.mode;
	plan->listen_port = config->gateway.listen_port;
}

static int
add_cameras(const struct gateway_plan *plan, struct text *out, struct err *err)
{
	text_add(out, "\tset cameras {\n\t\ttype ifname\n\t\telements = { ");
	for (size_t i = 0; i < plan->cameras_count; i++) {
		const char *name = plan->cameras[i];

		if (check_name(name, err) != 0)
			return -1;
		text_add(out, "%s\"%s\"", i > 0 ? ", " : "", name);
	}
	text_add(out, " }\n\t}\n");
	return 0;
}

/* ---- what is dropped, by camera and kind ---- */

/* Each has a chain of its counter's name, into which its packets go. */
static const struct {
	enum anomaly kind;
	const char *counter;
} dropped[] = {
    {ANOMALY_ICMP, "icmp_all"},
    {ANOMALY_GRE, "gre_all"},
    {ANOMALY_ESP, "esp_all"},
    {ANOMALY_6IN4, "sit_all"},
    {ANOMALY_MULTICAST, "multicast_all"},
    {ANOMALY_BROADCAST, "broadcast_all"},
    {ANOMALY_IPV6_EXTENSION, "extension_all"},
    {ANOMALY_OTHER, "other_all"},
    {ANOMALY_PORT_0, "port0_all"},
    {ANOMALY_MARTIAN, "martian_all"},
};

/* The kind stands in the lower half of the mark, where the set finds it.  A set
 * that is full takes no new camera and ends its rule: so the drop is another
 * rule. */
static void
add_notes(struct text *out)
{
	for (int family = 4; family <= 6; family += 2)
		text_add(out,
		    "\tset unseen%d {\n\t\ttype ifname . ether_addr . ipv%d_addr . mark\n"
		    "\t\tsize %d\n\t\tflags dynamic,timeout\n\t\ttimeout %dm\n\t}\n",
		    family, family, GATEWAY_UNSEEN_MAX, GATEWAY_UNSEEN_MINUTES);
	text_add(out,
	    "\tchain note {\n"
	    "\t\tupdate @unseen4 { iifname . ether saddr . ip saddr . meta mark counter }\n"
	    "\t\tupdate @unseen6 { iifname . ether saddr . ip6 saddr . meta mark counter }\n"
	    "\t}\n");
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		text_add(out,
		    "\tchain %s {\n\t\tmeta mark set %d jump note\n\t\tcounter name \"%s\" drop\n\t}\n",
		    dropped[i].counter, (int)dropped[i].kind, dropped[i].counter);
	text_add(out, "\tchain gap {\n\t\tmeta mark set %d jump note\n\t\tdrop\n\t}\n",
	    (int)ANOMALY_GAP);
}

/* Before the kernel puts fragments together, which it does for the rules that
 * follow; what comes of them goes their way. */
static void
add_fragments(struct text *out)
{
	text_add(out,
	    "\tchain fragment {\n"
	    "\t\tmeta mark set meta mark & 0x%08x | %d jump note\n"
	    "\t\tmeta mark set meta mark & 0x%08x counter name \"fragment_all\"\n\t}\n"
	    "\tchain before {\n"
	    "\t\ttype filter hook prerouting priority %d; policy accept;\n"
	    "\t\tip frag-off & 0x3fff != 0 iifname @cameras jump fragment\n"
	    "\t\tmeta nfproto ipv6 exthdr frag exists iifname @cameras jump fragment\n"
	    "\t}\n",
	    ~(unsigned)ROUTES_MARK_MASK, (int)ANOMALY_FRAGMENT, ~(unsigned)ROUTES_MARK_MASK,
	    BEFORE_FRAGMENTS);
}

/* ---- the cameras' chain ---- */

/* What a camera may say to the host itself, else it cannot be on the net.
 * Neighbour discovery never leaves the link: RFC 4861 section 7.1.1 asks for
 * the hop limit that no router can have passed on. */
static void
add_host_services(struct text *out)
{
	text_add(out,
	    "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } "
	    "ip6 hoplimit 255 counter name \"neighbour\" accept\n"
	    "\t\tudp dport { 67, 547 } fib daddr type { local, broadcast, multicast } "
	    "counter name \"dhcp_host\" accept\n");
}

static void
add_mark(struct text *out, const char *counter)
{
	text_add(out, "meta mark set meta mark & 0x%08x | 0x%x counter name \"%s\" accept\n",
	    ~(unsigned)ROUTES_MARK_MASK, ROUTES_MARK, counter);
}

static bool
takes_udp(const struct gateway_plan *plan)
{
	return plan->mode == GATEWAY_TPROXY && plan->udp_count > 0;
}

static void
add_worker_chains(const struct gateway_plan *plan, struct text *out)
{
	for (size_t i = 0; takes_udp(plan) && i < plan->udp_count; i++) {
		text_add(out, "\tchain udp%zu {\n\t\tmeta l4proto udp tproxy to :%u ", i,
		    (unsigned)plan->udp_ports[i]);
		add_mark(out, "udp_taken");
		text_add(out, "\t}\n");
	}
}

/* To the worker of intake_worker.  A chain whose tproxy finds no socket comes
 * back. */
static void
add_steering(const struct gateway_plan *plan, const char *match, const char *zero, struct text *out)
{
	text_add(out, "\t\tmeta l4proto udp %s vmap { ", match);
	for (unsigned i = 0; i < INTAKE_STEER_VALUES; i++) {
		const struct addr camera = {.ip = {[15] = (uint8_t)i}};

		text_add(out, "%s%s", i > 0 ? ", " : "", zero);
		text_add(out, zero[0] == ':' ? "%x" : "%u", i);
		text_add(out, " : jump udp%zu", intake_worker(&camera, plan->udp_count));
	}
	text_add(out, " }\n");
}

static void
add_udp(const struct gateway_plan *plan, struct text *out)
{
	text_add(out, "\t\tmeta nfproto ipv4 fib daddr type broadcast goto broadcast_all\n"
		      "\t\tip daddr 224.0.0.0/4 goto multicast_all\n"
		      "\t\tudp sport 0 goto port0_all\n"
		      "\t\tudp dport 0 goto port0_all\n");
	if (takes_udp(plan)) {
		add_steering(plan, "ip saddr & 0.0.0.255", "0.0.0.", out);
		add_steering(plan, "ip6 saddr & ::ff", "::", out);
	}
	text_add(out, "\t\tudp dport 53 counter name \"udp_dns\" goto gap\n"
		      "\t\tudp dport 123 counter name \"udp_ntp\" goto gap\n"
		      "\t\tudp dport 443 counter name \"udp_quic\" goto gap\n"
		      "\t\tmeta l4proto udp counter name \"udp_other\" goto gap\n");
}

/* What the kernel drops without a word as it routes it: RFC 1812 sections 5.3.7
 * and 4.2.2.11.  Such packets of IPv6 do not come as far as the rules. */
static void
add_martians(struct text *out)
{
	text_add(out, "\t\tip saddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255 } "
		      "goto martian_all\n"
		      "\t\tip daddr { 0.0.0.0/8, 127.0.0.0/8 } goto martian_all\n");
}

/* Packets of connections that exist find their socket in the tproxy statement
 * too, and only a transparent one, so that no service of the host answers a
 * camera.  A tproxy statement that finds no socket goes on to the next rule:
 * behind it stands the drop. */
static void
add_from_camera(const struct gateway_plan *plan, struct text *out)
{
	text_add(out, "\tchain from_camera {\n");
	add_host_services(out);
	add_martians(out);
	text_add(out, "\t\tip6 daddr ff00::/8 goto multicast_all\n"
		      "\t\tip6 nexthdr { 0, 43, 51, 60, 135, 139, 140 } goto extension_all\n");
	if (plan->mode == GATEWAY_TPROXY) {
		text_add(out, "\t\tmeta l4proto tcp tproxy to :%u ", (unsigned)plan->listen_port);
		add_mark(out, "tcp_taken");
		text_add(out, "\t\tmeta l4proto tcp counter name \"tcp_closed\" goto gap\n");
	} else {
		text_add(out, "\t\tmeta l4proto tcp counter name \"tcp_taken\" accept\n");
	}
	add_udp(plan, out);
	text_add(out, "\t\tmeta l4proto vmap { icmp : goto icmp_all, ipv6-icmp : goto icmp_all, "
		      "gre : goto gre_all, esp : goto esp_all, ipv6 : goto sit_all }\n"
		      "\t\tgoto other_all\n"
		      "\t}\n"
		      "\tchain prerouting {\n"
		      "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
		      "\t\tiifname @cameras goto from_camera\n"
		      "\t}\n");
}

/* With REDIRECT a packet has the host's address once it is changed, so what
 * reaches the host must be looked at again: a connection from before the rules
 * is not redirected any more. */
static void
add_redirect(const struct gateway_plan *plan, struct text *out)
{
	text_add(out,
	    "\tchain divert {\n"
	    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	    "\t\tiifname @cameras meta l4proto tcp redirect to :%u\n"
	    "\t}\n"
	    "\tchain to_host {\n",
	    (unsigned)plan->listen_port);
	add_host_services(out);
	text_add(out,
	    "\t\ttcp dport %u accept\n"
	    "\t\tcounter name \"tcp_closed\" goto gap\n"
	    "\t}\n"
	    "\tchain input {\n"
	    "\t\ttype filter hook input priority filter - 10; policy accept;\n"
	    "\t\tiifname @cameras goto to_host\n"
	    "\t}\n",
	    (unsigned)plan->listen_port);
}

int
gateway_rules(const struct gateway_plan *plan, struct text *out, struct err *err)
{
	/* Made first, so that deleting it cannot fail: one transaction, between
	 * whose old and new rules no packet finds none. */
	text_add(out, "add table " TABLE "\ndelete table " TABLE "\ntable " TABLE " {\n");
	if (add_cameras(plan, out, err) != 0)
		return -1;
	for (size_t i = 0; i < COUNTERS; i++)
		text_add(out, "\tcounter %s { }\n", counters[i].name);
	add_notes(out);
	add_fragments(out);
	add_worker_chains(plan, out);
	add_from_camera(plan, out);
	if (plan->mode == GATEWAY_REDIRECT)
		add_redirect(plan, out);
	text_add(out, "\tchain forward {\n"
		      "\t\ttype filter hook forward priority filter - 10; policy accept;\n"
		      "\t\tiifname @cameras counter name \"forward_from\" drop\n"
		      "\t\toifname @cameras counter name \"forward_to\" drop\n"
		      "\t}\n"
		      "}\n");
	if (out->cut)
		return err_set(err, ERR_LIMIT, "the gateway's rules are too long");
	return 0;
}

/* ---- talking to the kernel ---- */

/* The first line of what libnftables complains about, without its place in our
 * text, which nobody sees. */
static int
say_why(struct nft_ctx *nft, struct err *err)
{
	const char *why = nft_ctx_get_error_buffer(nft);
	const char *error = strstr(why, "Error: ");
	size_t length;

	if (error != NULL)
		why = error + strlen("Error: ");
	length = strcspn(why, "\n");
	return err_set(err, ERR_SYS, "nftables: %.*s", (int)(length > 0 ? length : 1),
	    length > 0 ? why : "?");
}

/* out (may be NULL): what the commands print. */
static int
run_nft(const char *commands, struct text *out, struct err *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int ret = -1;

	if (nft == NULL)
		return err_set(err, ERR_NOMEM, "nftables: no memory");
	if (nft_ctx_buffer_output(nft) != 0 || nft_ctx_buffer_error(nft) != 0) {
		(void)err_set(err, ERR_NOMEM, "nftables: no memory");
		goto out;
	}
	if (nft_run_cmd_from_buffer(nft, commands) != 0) {
		(void)say_why(nft, err);
		goto out;
	}
	if (out != NULL)
		text_add(out, "%s", nft_ctx_get_output_buffer(nft));
	ret = 0;
out:
	nft_ctx_free(nft);
	return ret;
}

/* A name of a socket that is in no file system belongs to a network namespace,
 * as the rules do, and is free again however its holder ends (unix(7)). */
int
gateway_claim(struct err *err)
{
	static const char name[] = "borderlens-gateway";
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	memcpy(at.sun_path + 1, name, sizeof(name) - 1);
	if (bind(fd, (struct sockaddr *)&at,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name))) == 0)
		return fd;
	if (errno == EADDRINUSE)
		(void)err_set(err, ERR_LIMIT,
		    "another appliance has its rules in this network already "
		    "(gateway.manage: false is for a second one)");
	else
		(void)err_sys(err, "claim the gateway's rules");
	(void)close(fd);
	return -1;
}

int
gateway_set(const struct gateway_plan *plan, struct err *err)
{
	char rules[GATEWAY_RULES_MAX];
	struct text text = text_in(rules, sizeof(rules));

	if (gateway_rules(plan, &text, err) != 0 || run_nft(rules, NULL, err) != 0)
		return -1;
	return routes_set(plan->cameras, plan->cameras_count, plan->mode == GATEWAY_TPROXY, err);
}

int
gateway_remove(bool *was_there, struct err *err)
{
	struct err absent = {0};

	*was_there = run_nft("list table " TABLE, NULL, &absent) == 0;
	if (run_nft("add table " TABLE "\ndelete table " TABLE, NULL, err) != 0)
		return -1;
	return routes_remove(err);
}

/* ---- counters ---- */

/* The number behind a word; 0 where the word is not in line. */
static uint64_t
number_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at != NULL ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* "counter NAME {", and then "packets N bytes N", as nft lists them. */
static void
read_counter_line(const char *line, struct gateway_counter *out, size_t *count)
{
	static const char word[] = "counter ";
	const char *name = strstr(line, word);

	if (name != NULL && *count < GATEWAY_COUNTERS_MAX) {
		struct gateway_counter *counter = &out[(*count)++];
		struct text text = text_in(counter->name, sizeof(counter->name));

		*counter = (struct gateway_counter){0};
		name += strlen(word);
		text_add(&text, "%.*s", (int)strcspn(name, " {"), name);
	} else if (*count > 0 && strstr(line, "packets ") != NULL) {
		out[*count - 1].packets = number_behind(line, "packets ");
		out[*count - 1].bytes = number_behind(line, "bytes ");
	}
}

int
gateway_counters(struct gateway_counter *out, size_t *count, struct err *err)
{
	char listing[GATEWAY_RULES_MAX];
	struct text text = text_in(listing, sizeof(listing));
	char *line, *rest = listing;

	if (run_nft("list counters table " TABLE, &text, err) != 0)
		return -1;
	*count = 0;
	while ((line = strsep(&rest, "\n")) != NULL)
		read_counter_line(line, out, count);
	return 0;
}

const char *
gateway_counter_help(const char *name)
{
	for (size_t i = 0; i < COUNTERS; i++) {
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].help;
	}
	return "";
}
