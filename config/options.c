/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include "base/text.h"
#include "config/places.h"
#include "config/setters_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)

static const char *const mode_words[] = {"tproxy", "redirect"};
static const char *const source_words[] = {"appliance", "camera"};
static const char *const bad_words[] = {"block", "mirror"};
static const char *const rejected_words[] = {"passthrough", "block"};
static const char *const ntp_words[] = {"relay", "answer"};
static const char *const quic_words[] = {"refuse", "allow", "block"};

static const struct option table[] = {
    {"site", OPTION_LINE, AT(site), 0, 1, 63, "site", NULL,
	"The site's name; it stands in every record.", "north-gate"},
    {"state_dir", OPTION_PATH, AT(state_dir), 0, 0, 0, "/var/lib/borderlens", NULL,
	"Where the store, the CA and what was learned are kept.", NULL},
    {"run_dir", OPTION_PATH, AT(run_dir), 0, 0, 0, "/run/borderlens", NULL,
	"Where sockets and spools are, for as long as the appliance runs.", NULL},

    {"gateway.cameras", OPTION_INTERFACES, AT(gateway.cameras), AT(gateway.cameras_count), 0,
	CONFIG_INTERFACES_MAX, NULL, NULL,
	"The interfaces that cameras are on; needed where `manage` is true.", "[eth1]"},
    {"gateway.mode", OPTION_WORD, AT(gateway.mode), 0, 2, 2, "tproxy", mode_words,
	"How connections reach the appliance: tproxy or redirect.", NULL},
    {"gateway.manage", OPTION_BOOL, AT(gateway.manage), 0, 0, 0, "true", NULL,
	"Own the nftables rules and routes; false: somebody else redirects to `listen`.", NULL},
    {"gateway.listen", OPTION_PORT, AT(gateway.listen_port), 0, 1, UINT16_MAX, "8443", NULL,
	"The port that connections are redirected to.", NULL},
    {"gateway.listen_udp", OPTION_PORT, AT(gateway.listen_udp_port), 0, 0, UINT16_MAX, "0", NULL,
	"The first worker's port for datagrams; each next worker has the next one.  0: the kernel chooses.  Where `manage` is false, 0 takes none: the rules of somebody else must know them, and send each camera to the worker of its address (its last byte modulo `workers`).",
	NULL},
    {"gateway.source", OPTION_WORD, AT(gateway.source), 0, 1, 2, "appliance", source_words,
	"Whose address servers see: appliance (camera is not available yet).", NULL},
    {"gateway.allow_private", OPTION_PREFIXES, AT(gateway.allow_private),
	AT(gateway.allow_private_count), 0, CONFIG_PREFIXES_MAX, NULL, NULL,
	"Private address blocks that cameras may reach; all others are refused.", "[]"},
    {"workers", OPTION_COUNT_AUTO, AT(workers), 0, 1, CONFIG_WORKERS_MAX, "auto", NULL,
	"How many processes serve connections; auto: one a core.", NULL},

    {"tls.ca", OPTION_CA, AT(tls.ca_auto), 0, 0, 0, "auto", NULL,
	"The CA that cameras trust; auto: made at the first start, unique to the box; or {cert: FILE, key: FILE}.",
	NULL},
    {"tls.ca.cert", OPTION_FILE, AT(tls.ca_cert), 0, 0, 0, NULL, NULL,
	"The CA's certificate (PEM), in place of auto.", NULL},
    {"tls.ca.key", OPTION_FILE, AT(tls.ca_key), 0, 0, 0, NULL, NULL,
	"The CA's private key (PEM), in place of auto.", NULL},
    {"tls.upstream.ca", OPTION_STORE, AT(tls.upstream_ca), 0, 0, 0, "system", NULL,
	"Whom servers must be certified by: the system's store, or a file (PEM).", NULL},
    {"tls.upstream.min", OPTION_TLS, AT(tls.upstream_min), 0, 0x0301, 0x0304, "1.2", NULL,
	"The lowest TLS version spoken with servers.", NULL},
    {"tls.upstream.bad", OPTION_WORD, AT(tls.upstream_bad), 0, 2, 2, "block", bad_words,
	"What becomes of a server whose certificate is not good, where no rule says it (`servers`): block, or mirror (the camera is shown the same flaw, and decides).  To accept one is a matter of a rule.",
	NULL},
    {"tls.upstream.crl", OPTION_TABLES, AT(tls.crl), AT(tls.crl_count), 0, CONFIG_LISTS_MAX, NULL,
	NULL,
	"Lists of revoked certificates (CRLs, PEM or DER); one that is out of date fails what it would tell of.",
	"[]"},
    {"tls.upstream.names", OPTION_NAMES, AT(tls.names), AT(tls.names_count), 0, CONFIG_NAMES_MAX,
	NULL, NULL,
	"Whom servers must be that cameras ask for without a name: \"ADDRESS[:PORT] NAME\".  One that is not named here is held to its address; where its certificate does not speak for that, it is recorded as name-unchecked.",
	"[\"203.0.113.7:8883 mqtt.cloud.example\"]"},
    {"tls.camera.min", OPTION_TLS, AT(tls.camera_min), 0, 0x0301, 0x0304, "1.0", NULL,
	"The lowest TLS version spoken with cameras.", NULL},
    {"tls.camera.mirror_version", OPTION_BOOL, AT(tls.mirror_version), 0, 0, 0, "false", NULL,
	"Speak no higher TLS version with a camera than its server does, down to tls.camera.min.",
	NULL},
    {"tls.rejected", OPTION_WORD, AT(tls.rejected), 0, 2, 2, "passthrough", rejected_words,
	"What becomes of a camera that refuses our certificate: passthrough (its next connection passes undecrypted where the address rules allow it) or block.",
	NULL},

    {"ntp", OPTION_WORD, AT(ntp), 0, 2, 2, "relay", ntp_words,
	"What becomes of a camera's question for the time (UDP port 123): relay (to the server that it asked, where the rules allow it) or answer (by the box, from its own clock; nothing leaves).  While the kernel does not call that clock synchronized, the answer says so, and most cameras take no time of it.",
	NULL},
    {"quic", OPTION_WORD, AT(quic), 0, 3, 3, "refuse", quic_words,
	"What becomes of QUIC that the rules would let through, as it cannot be opened: refuse (the camera is told by ICMP, and takes TLS over TCP), allow (it passes undecrypted) or block (it is told nothing).",
	NULL},

    {"dns.resolver", OPTION_SERVER, AT(dns_resolver), 0, 53, 53, NULL, NULL,
	"Where cameras' lookups (port 53, UDP and TCP) go, whatever server they ask; answers come as from that one.  Not set: to the server that was asked, where the rules allow it.",
	"192.0.2.53"},

    {"geo.country", OPTION_FILES, AT(geo.country), AT(geo.country_count), 1, CONFIG_DATABASES_MAX,
	NULL, NULL,
	"Databases of countries (.mmdb), one or a list: MaxMind's own tell located and registered; a flat one (country_code) tells registered when its name, type or description says 'whois' or 'registered', and located otherwise.",
	"[/var/lib/borderlens/geo/country.mmdb]"},
    {"geo.asn", OPTION_FILE, AT(geo.asn), 0, 0, 0, NULL, NULL, "The database of networks (.mmdb).",
	"/var/lib/borderlens/geo/asn.mmdb"},
    {"geo.operators", OPTION_TABLE, AT(geo.operators), 0, 0, 0, NULL, NULL,
	"Who controls a network: asn,organisation,parent,control,confidence,source,as_of.",
	"/usr/share/borderlens/operators.csv"},
    {"geo.vendors", OPTION_TABLE, AT(geo.vendors), 0, 0, 0, NULL, NULL,
	"Whose cloud a name is: suffix,vendor,purpose,port,source,as_of.",
	"/usr/share/borderlens/vendors.csv"},
    {"geo.kinds", OPTION_TABLE, AT(geo.kinds), 0, 0, 0, NULL, NULL,
	"Which blocks and networks are anycast or satellite, and so in no country: network,kind,organisation,confidence,source,as_of.",
	"/usr/share/borderlens/kinds.csv"},
    {"geo.overrides", OPTION_OVERRIDES, AT(geo.overrides), 0, 0, 0, NULL, NULL,
	"What the site knows better of a block, a network or a name (docs/geo.md); it goes before everything above.",
	"overrides.yaml"},

    {"rules", OPTION_RULES, AT(rules), 0, 1, CONFIG_RULESETS_MAX, NULL, NULL,
	"The rule sets; all apply, the most restrictive wins.  Required.",
	"[rulesets/eu-gdpr.yaml]"},
    {"devices", OPTION_DEVICES, AT(devices), 0, 0, 0, NULL, NULL,
	"The file that names the cameras.", "devices.yaml"},

    {"record.eve", OPTION_PATH, AT(record.eve), 0, 0, 0, NULL, NULL,
	"Where EVE JSON lines are written; not set: nowhere.", "/var/log/borderlens/eve.json"},
    {"record.keep.flows", OPTION_S, AT(record.keep_flows_s), 0, 3600, 315360000, "90d", NULL,
	"How long records of connections are kept.", NULL},
    {"record.anomalies", OPTION_MS, AT(record.anomalies_ms), 0, 200, 3600000, "60s", NULL,
	"How often it is told, by camera and kind, what was dropped unlooked at.", NULL},
    {"record.spool_mib", OPTION_NUMBER, AT(record.spool_mib), 0, 4, 1024, "32", NULL,
	"MiB of the file in run_dir, one a worker, in which events wait to be stored; 3 of them are counters, each other has room for some 450 open connections.  Where it is full new connections are refused.",
	NULL},
    {"console.listen", OPTION_LISTEN, AT(console_listen), 0, 0, 0, "127.0.0.1:8480", NULL,
	"Where the console answers.", NULL},

    {"timeout.hello", OPTION_MS, AT(timeout.hello_ms), 0, 100, 60000, "10s", NULL,
	"How long a camera may take to say what it wants (the whole ClientHello).", NULL},
    {"timeout.connect", OPTION_MS, AT(timeout.connect_ms), 0, 100, 120000, "10s", NULL,
	"How long a server may take to accept the connection.", NULL},
    {"timeout.handshake", OPTION_MS, AT(timeout.handshake_ms), 0, 100, 120000, "15s", NULL,
	"How long each side's TLS handshake may take.", NULL},
    {"timeout.idle", OPTION_MS, AT(timeout.idle_ms), 0, 1000, 86400000, "10m", NULL,
	"How long a connection may be silent in both directions.", NULL},
    {"timeout.half_close", OPTION_MS, AT(timeout.half_close_ms), 0, 1000, 3600000, "60s", NULL,
	"How long a connection that one side closed or reset may stay open.", NULL},
    {"timeout.udp_idle", OPTION_MS, AT(timeout.udp_idle_ms), 0, 1000, 3600000, "30s", NULL,
	"How long a flow of UDP that was never answered is kept after its last datagram.", NULL},
    {"timeout.udp_two_way", OPTION_MS, AT(timeout.udp_two_way_ms), 0, 1000, 86400000, "180s", NULL,
	"The same of one that was answered.", NULL},
    {"limit.connections", OPTION_NUMBER, AT(limit.connections), 0, 1, 1000000, "10000", NULL,
	"Connections open at once in one worker.", NULL},
    {"limit.per_camera", OPTION_NUMBER, AT(limit.per_camera), 0, 1, 1000000, "8000", NULL,
	"Connections open at once from one address.", NULL},
    {"limit.handshakes", OPTION_NUMBER, AT(limit.handshakes), 0, 1, 100000, "20", NULL,
	"TLS connections that one camera may begin each second; beyond that (and twice as many at once) it waits until no other camera has begun one for a quarter of a second and the worker has nothing else to do. Of connections of any kind it may open as many; what is beyond that is judged and recorded behind what other cameras have to do.",
	NULL},
    {"limit.unfinished", OPTION_NUMBER, AT(limit.unfinished), 0, 1, 100000, "256", NULL,
	"TLS connections of one camera that may be between its hello and the end of the handshakes; the next waits for one of these.",
	NULL},
    {"limit.unfinished_per_server", OPTION_NUMBER, AT(limit.per_server), 0, 1, 100000, "1024", NULL,
	"TLS connections of all cameras of one worker that wait for the handshake of one server, so that a slow one does not hold up the others.",
	NULL},
    {"limit.udp_flows", OPTION_NUMBER, AT(limit.udp_flows), 0, 1, 1000000, "100000", NULL,
	"Flows of UDP at once in one worker.", NULL},
    {"limit.udp_per_camera", OPTION_NUMBER, AT(limit.udp_per_camera), 0, 1, 1000000, "1024", NULL,
	"Flows of UDP at once from one address; datagrams of more are dropped, and recorded as a count.",
	NULL},
    {"limit.udp_hellos", OPTION_NUMBER, AT(limit.udp_hellos), 0, 1, 100000, "500", NULL,
	"Datagrams with hellos of QUIC or DTLS that are looked into each second, from one address, and as many at once; of all cameras of one worker 16 times as many. More are dropped, and recorded as a count.",
	NULL},
};
enum { OPTIONS = sizeof(table) / sizeof(table[0]), OPTION_PATH_MAX = 64 };

/* The keys, and sections of keys, that are set up with privileges which are then
 * given up, or that other roles than the workers go by. */
static const char *const at_start[] = {"site", "state_dir", "run_dir", "gateway", "workers",
    "tls.ca", "record", "console"};

bool
option_at_start(const struct option *option)
{
	for (size_t i = 0; i < sizeof(at_start) / sizeof(at_start[0]); i++) {
		size_t size = strlen(at_start[i]);

		if (strncmp(option->path, at_start[i], size) == 0 &&
		    (option->path[size] == '\0' || option->path[size] == '.'))
			return true;
	}
	return false;
}

/* The bytes of one value.  Text, of which what follows its NUL does not count,
 * and what is read from files have 0. */
static const size_t value_sizes[OPTION_TYPES] = {
    [OPTION_INTERFACES] = sizeof(((struct config *)NULL)->gateway.cameras[0]),
    [OPTION_NAMES] = sizeof(struct server_name),
    [OPTION_PREFIXES] = sizeof(struct prefix),
    [OPTION_FILES] = CONFIG_PATH_MAX,
    [OPTION_WORD] = sizeof(enum gateway_mode),
    [OPTION_BOOL] = sizeof(bool),
    [OPTION_PORT] = sizeof(uint16_t),
    [OPTION_NUMBER] = sizeof(uint32_t),
    [OPTION_COUNT_AUTO] = sizeof(unsigned),
    [OPTION_MS] = sizeof(uint32_t),
    [OPTION_S] = sizeof(uint64_t),
    [OPTION_TLS] = sizeof(uint16_t),
    [OPTION_CA] = sizeof(bool),
};

static bool
is_text(enum option_type type)
{
	return type == OPTION_LINE || type == OPTION_PATH || type == OPTION_FILE ||
	       type == OPTION_TABLE || type == OPTION_STORE || type == OPTION_LISTEN ||
	       type == OPTION_SERVER;
}

const void *
option_bytes(const struct option *option, const struct config *config, size_t *size)
{
	const char *at = (const char *)config + option->at;
	size_t count = 1;

	if (option->count_at != 0)
		memcpy(&count, (const char *)config + option->count_at, sizeof(count));
	*size = is_text(option->type) ? strlen(at) : count * value_sizes[option->type];
	return at;
}

bool
option_differs(const struct option *option, const struct config *one, const struct config *other)
{
	size_t one_size, other_size;
	const void *a = option_bytes(option, one, &one_size);
	const void *b = option_bytes(option, other, &other_size);

	return one_size != other_size || memcmp(a, b, one_size) != 0;
}

const struct option *
options_table(size_t *count)
{
	*count = OPTIONS;
	return table;
}

const char *
option_key(size_t index)
{
	return index < OPTIONS ? table[index].path : NULL;
}

static const struct option *
find_option(const char *path)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (strcmp(table[i].path, path) == 0)
			return &table[i];
	}
	return NULL;
}

static bool
is_section(const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; i < OPTIONS; i++) {
		if (strncmp(table[i].path, path, size) == 0 && table[i].path[size] == '.')
			return true;
	}
	return false;
}

/* Collect the keys that section ("" or "tls.upstream.") may have. */
static void
tell_unknown(const struct reader *reader, const struct yaml_node *node, const char *section)
{
	char names[OPTIONS][OPTION_PATH_MAX];
	const char *known[OPTIONS];
	size_t size = strlen(section), count = 0;

	for (size_t i = 0; i < OPTIONS; i++) {
		if (strncmp(table[i].path, section, size) != 0)
			continue;
		text_copy(names[count], sizeof(names[count]), table[i].path + size);
		names[count][strcspn(names[count], ".")] = '\0';
		known[count] = names[count];
		count++;
	}
	reader_unknown_key(reader, node, known, count);
}

/* One key of a section; returns the section that it is, or NULL when read. */
static const struct yaml_node *
read_key(struct options_reader *options, const struct yaml_node *node, const char *section,
    char path[OPTION_PATH_MAX], bool seen[OPTIONS])
{
	struct text text = text_in(path, OPTION_PATH_MAX);
	const struct option *option;

	text_add(&text, "%s%s", section, node->key->text);
	/* "tls.ca" in one word is no key: it could stand beside tls: {ca: ...}. */
	if (text.cut || strchr(node->key->text, '.') != NULL) {
		tell_unknown(&options->reader, node, section);
		return NULL;
	}
	option = find_option(path);
	if (is_section(path) && node->kind == YAML_MAP)
		return node;
	if (option != NULL) {
		/* A key that stands twice was told, and is read once: a setter that
		 * makes something would lose the first. */
		if (!seen[option - table])
			(void)setter_run(options, option, node);
		seen[option - table] = true;
	} else if (is_section(path)) {
		reader_error(&options->reader, node, "%s must be a mapping (key: value)", path);
	} else {
		tell_unknown(&options->reader, node, section);
	}
	return NULL;
}

/* Sections lie in sections: no deeper than a path has dots. */
enum { SECTIONS_DEEP = 4 };

static void
read_sections(struct options_reader *options, const struct yaml_node *root, bool seen[OPTIONS])
{
	struct {
		const struct yaml_node *next;
		char section[OPTION_PATH_MAX + 1];
	} open[SECTIONS_DEEP] = {{.next = root->first}};
	size_t depth = 1;

	while (depth > 0) {
		const struct yaml_node *node = open[depth - 1].next;
		const struct yaml_node *inner;
		char path[OPTION_PATH_MAX];

		if (node == NULL) {
			depth--;
			continue;
		}
		open[depth - 1].next = node->next;
		inner = read_key(options, node, open[depth - 1].section, path, seen);
		if (inner == NULL)
			continue;
		assert(depth < SECTIONS_DEEP);
		open[depth].next = inner->first;
		(void)snprintf(open[depth].section, sizeof(open[depth].section), "%s.", path);
		depth++;
	}
}

static void
read_default(struct options_reader *options, const struct option *option)
{
	const struct yaml_node key = {.text = option->path};
	const struct yaml_node node = {.text = option->fallback, .key = &key};

	(void)setter_run(options, option, &node);
}

static const struct yaml_node *
find_node(const struct yaml_node *root, const char *section, const char *key)
{
	const struct yaml_node *node = yaml_child(root, section);

	node = node == NULL ? NULL : yaml_child(node, key);
	return node == NULL ? root : node;
}

/* What one key alone cannot tell. */
static void
check_together(const struct options_reader *options, const struct yaml_node *root)
{
	const struct reader *reader = &options->reader;
	struct config *config = options->config;
	const struct yaml_node *ca = find_node(root, "tls", "ca");

	if (config->gateway.manage && config->gateway.cameras_count == 0)
		reader_error(reader, find_node(root, "gateway", "cameras"),
		    "gateway.cameras must name the interfaces that cameras are on, or gateway.manage be false");
	if (ca->kind == YAML_MAP && ca != root) {
		config->tls.ca_auto = false;
		if (yaml_child(ca, "cert") == NULL || yaml_child(ca, "key") == NULL)
			reader_error(reader, ca, "tls.ca needs both 'cert' and 'key', or is auto");
	}
	if (yaml_child(root, "rules") == NULL)
		reader_error(reader, root,
		    "'rules' is missing: without a rule set everything would be blocked");
	if (config->limit.per_camera > config->limit.connections &&
	    find_node(root, "limit", "per_camera") != root)
		reader_warning(reader, find_node(root, "limit", "per_camera"),
		    "per_camera is more than connections, and has no effect");
	if (find_node(root, "geo", "country") == root)
		reader_warning(reader, root,
		    "geo.country is not set: where a server is stays unknown");
}

static const struct yaml_node *
find_path(const struct yaml_node *root, const char *path)
{
	char copy[OPTION_PATH_MAX];
	char *word, *rest = copy;
	const struct yaml_node *node = root;

	text_copy(copy, sizeof(copy), path);
	while (node != NULL && (word = strsep(&rest, ".")) != NULL)
		node = node->kind == YAML_MAP ? yaml_child(node, word) : NULL;
	return node != NULL ? node : root;
}

static void
check_running(const struct options_reader *options, const struct yaml_node *root)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (option_at_start(&table[i]) &&
		    option_differs(&table[i], options->config, options->running))
			reader_error(&options->reader, find_path(root, table[i].path),
			    "%s takes effect at the next start: it cannot change while the appliance runs",
			    table[i].path);
	}
}

void
options_read(struct options_reader *options, const struct yaml_node *root)
{
	bool seen[OPTIONS] = {false};

	if (root->kind != YAML_MAP) {
		reader_error(&options->reader, root, "the file must be a mapping (key: value)");
		return;
	}
	read_sections(options, root, seen);
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!seen[i] && table[i].fallback != NULL)
			read_default(options, &table[i]);
	}
	check_together(options, root);
	if (options->running != NULL)
		check_running(options, root);
}
