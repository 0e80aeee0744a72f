/* SPDX-License-Identifier: MIT */
#include "proxy/gateway.h"

#include "base/err.h"
#include "base/text.h"
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
    {"udp_dns", "DNS over UDP (port 53), dropped"},
    {"udp_ntp", "NTP (UDP port 123), dropped"},
    {"udp_quic", "QUIC (UDP port 443), dropped"},
    {"udp_other", "other UDP, dropped"},
    {"icmp_all", "ICMP and ICMPv6, dropped"},
    {"other_all", "all other protocols, dropped"},
    {"forward_from", "routed past the appliance from a camera, dropped"},
    {"forward_to", "routed past the appliance to a camera, dropped"},
};

enum { COUNTERS = sizeof(counters) / sizeof(counters[0]) };

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

static int
add_cameras(const struct config *config, struct text *out, struct err *err)
{
	text_add(out, "\tset cameras {\n\t\ttype ifname\n\t\telements = { ");
	for (size_t i = 0; i < config->gateway.cameras_count; i++) {
		const char *name = config->gateway.cameras[i];

		if (check_name(name, err) != 0)
			return -1;
		text_add(out, "%s\"%s\"", i > 0 ? ", " : "", name);
	}
	text_add(out, " }\n\t}\n");
	return 0;
}

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

/* Packets of connections that exist find their socket in the tproxy statement
 * too, and only a transparent one, so that no service of the host answers a
 * camera.  A tproxy statement that finds no socket goes on to the next rule:
 * behind it stands the drop. */
static void
add_from_camera(const struct config *config, struct text *out)
{
	text_add(out, "\tchain from_camera {\n");
	add_host_services(out);
	if (config->gateway.mode == GATEWAY_TPROXY)
		text_add(out,
		    "\t\tmeta l4proto tcp tproxy to :%u meta mark set meta mark & 0x%08x | 0x%x "
		    "counter name \"tcp_taken\" accept\n"
		    "\t\tmeta l4proto tcp counter name \"tcp_closed\" drop\n",
		    (unsigned)config->gateway.listen_port, ~(unsigned)ROUTES_MARK_MASK,
		    ROUTES_MARK);
	else
		text_add(out, "\t\tmeta l4proto tcp counter name \"tcp_taken\" accept\n");
	text_add(out, "\t\tudp dport 53 counter name \"udp_dns\" drop\n"
		      "\t\tudp dport 123 counter name \"udp_ntp\" drop\n"
		      "\t\tudp dport 443 counter name \"udp_quic\" drop\n"
		      "\t\tmeta l4proto udp counter name \"udp_other\" drop\n"
		      "\t\tmeta l4proto { icmp, ipv6-icmp } counter name \"icmp_all\" drop\n"
		      "\t\tcounter name \"other_all\" drop\n"
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
add_redirect(const struct config *config, struct text *out)
{
	text_add(out,
	    "\tchain divert {\n"
	    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	    "\t\tiifname @cameras meta l4proto tcp redirect to :%u\n"
	    "\t}\n"
	    "\tchain to_host {\n",
	    (unsigned)config->gateway.listen_port);
	add_host_services(out);
	text_add(out,
	    "\t\ttcp dport %u accept\n"
	    "\t\tcounter name \"tcp_closed\" drop\n"
	    "\t}\n"
	    "\tchain input {\n"
	    "\t\ttype filter hook input priority filter - 10; policy accept;\n"
	    "\t\tiifname @cameras goto to_host\n"
	    "\t}\n",
	    (unsigned)config->gateway.listen_port);
}

int
gateway_rules(const struct config *config, struct text *out, struct err *err)
{
	/* Made first, so that deleting it cannot fail: one transaction, between
	 * whose old and new rules no packet finds none. */
	text_add(out, "add table " TABLE "\ndelete table " TABLE "\ntable " TABLE " {\n");
	if (add_cameras(config, out, err) != 0)
		return -1;
	for (size_t i = 0; i < COUNTERS; i++)
		text_add(out, "\tcounter %s { }\n", counters[i].name);
	add_from_camera(config, out);
	if (config->gateway.mode == GATEWAY_REDIRECT)
		add_redirect(config, out);
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
gateway_set(const struct config *config, struct err *err)
{
	char rules[GATEWAY_RULES_MAX];
	struct text text = text_in(rules, sizeof(rules));

	if (gateway_rules(config, &text, err) != 0 || run_nft(rules, NULL, err) != 0)
		return -1;
	if (config->gateway.mode == GATEWAY_TPROXY)
		return routes_set(config->gateway.cameras, config->gateway.cameras_count, err);
	return routes_remove(err);
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
