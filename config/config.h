/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devices;
struct overrides;
struct problems;
struct rules;
struct source;

enum {
	CONFIG_PATH_MAX = 512,
	CONFIG_INTERFACES_MAX = 16,
	CONFIG_DATABASES_MAX = 4,
	CONFIG_LISTS_MAX = 8,
	CONFIG_PREFIXES_MAX = 32,
	CONFIG_RULESETS_MAX = 64,
	CONFIG_WORKERS_MAX = 64,
	CONFIG_NAMES_MAX = 64,
};

enum gateway_mode { GATEWAY_TPROXY = 0, GATEWAY_REDIRECT };
enum gateway_source { SOURCE_APPLIANCE = 0, SOURCE_CAMERA };
enum bad_server { BAD_BLOCK = 0, BAD_MIRROR };
enum rejected { REJECTED_PASSTHROUGH = 0, REJECTED_BLOCK };
enum ntp_use { NTP_RELAY = 0, NTP_ANSWER };
enum quic_use { QUIC_REFUSE = 0, QUIC_ALLOW, QUIC_BLOCK };

/* Whom the server at an address must be, for cameras that do not say it. */
struct server_name {
	struct addr addr; /* port 0: any */
	char name[256];
};

/*
 * Every setting, checked, with its unit in its name.  Made by config_load and
 * read-only from then on; paths are absolute.  Which key fills which field,
 * its range, default and help stand in config/options.c alone.
 */
struct config {
	char path[CONFIG_PATH_MAX]; /* the file it was read from */
	char site[64];
	char state_dir[CONFIG_PATH_MAX];
	char run_dir[CONFIG_PATH_MAX];
	struct {
		char cameras[CONFIG_INTERFACES_MAX][16]; /* interface names, IFNAMSIZ */
		size_t cameras_count;
		enum gateway_mode mode;
		bool manage;
		uint16_t listen_port;
		uint16_t listen_udp_port; /* of the first worker; 0: the kernel chooses */
		enum gateway_source source;
		struct prefix
		    allow_private[CONFIG_PREFIXES_MAX]; /* private blocks cameras may reach */
		size_t allow_private_count;
	} gateway;
	unsigned workers; /* 0: one a core */
	struct {
		bool ca_auto;
		char ca_cert[CONFIG_PATH_MAX], ca_key[CONFIG_PATH_MAX]; /* when not auto */
		char upstream_ca[CONFIG_PATH_MAX];                      /* "": the system's store */
		uint16_t upstream_min;                                  /* 0x0303: TLS 1.2 */
		enum bad_server upstream_bad;
		char crl[CONFIG_LISTS_MAX][CONFIG_PATH_MAX]; /* lists of revoked certificates */
		size_t crl_count;
		struct server_name names[CONFIG_NAMES_MAX];
		size_t names_count;
		uint16_t camera_min;
		bool mirror_version;
		enum rejected rejected;
	} tls;
	enum ntp_use ntp;   /* what becomes of a camera's question for the time */
	enum quic_use quic; /* what becomes of QUIC that the rules would let through */
	char dns_resolver[ADDR_TEXT_MAX]; /* "IP:PORT"; "": the server that a camera asks */
	struct {
		char country[CONFIG_DATABASES_MAX][CONFIG_PATH_MAX];
		size_t country_count;
		char asn[CONFIG_PATH_MAX];       /* "": none */
		char operators[CONFIG_PATH_MAX]; /* "": none */
		char vendors[CONFIG_PATH_MAX];   /* "": none */
		char kinds[CONFIG_PATH_MAX];     /* "": none */
		struct overrides *overrides;     /* owned; NULL: none */
	} geo;
	struct {
		char eve[CONFIG_PATH_MAX]; /* "": no EVE file */
		uint64_t keep_flows_s;     /* 0: for ever */
		uint32_t anomalies_ms;     /* how often what was dropped is told */
		uint32_t spool_mib;        /* each worker's */
	} record;
	struct {
		uint32_t hello_ms;       /* for the whole ClientHello */
		uint32_t connect_ms;     /* TCP to the server */
		uint32_t handshake_ms;   /* each side's TLS */
		uint32_t idle_ms;        /* no byte either way */
		uint32_t half_close_ms;  /* one side closed, the other silent */
		uint32_t udp_idle_ms;    /* a flow of UDP that was not answered */
		uint32_t udp_two_way_ms; /* one that was */
	} timeout;
	struct {
		uint32_t connections;    /* open at once in one worker */
		uint32_t per_camera;     /* of these, from one address */
		uint32_t handshakes;     /* a second, from one address, before those of others */
		uint32_t unfinished;     /* handshakes under way at once, from one address */
		uint32_t per_server;     /* the same in one worker, with one server */
		uint32_t udp_flows;      /* of UDP, at once in one worker */
		uint32_t udp_per_camera; /* of these, from one address */
		uint32_t udp_hellos;     /* of QUIC and DTLS, a second, from one address */
	} limit;
	char console_listen[ADDR_TEXT_MAX];
	struct rules *rules;     /* owned */
	struct devices *devices; /* owned */
};

/*
 * Read path and every text file it names (rule sets, devices), through source.
 *
 * Returns the configuration, the caller's to config_free, or NULL when there
 * was an error.  Everything found is added to problems, warnings too.  What
 * the geo files hold is not looked at here (geo/geo.h), nor the CA's files
 * (certs/ca.h): only that they are there.
 */
struct config *config_load(const char *path, struct source *source, struct problems *problems);

/*
 * The same, and hands over what could be read although there was an error, so
 * that what it names can be looked at in the same go: compare problems->errors.
 * NULL when there was nothing to read.
 *
 * Where running is not NULL, each key that differs from it and takes effect at
 * a start only (option_at_start) is an error too.
 */
struct config *config_read(const char *path, struct source *source, const struct config *running,
    struct problems *problems);

void config_free(struct config *config);

/* The name that tls.upstream.names gives the server at dst, or "". */
const char *config_server_name(const struct config *config, const struct addr *dst);

/* The lowest TLS version spoken with the device of that name, as on the wire:
 * what devices.yaml gives it or its group (tls_min), else tls.camera.min. */
uint16_t config_camera_min(const struct config *config, const char *device);

/* The same for what servers are spoken with for it: upstream_tls_min, else
 * tls.upstream.min. */
uint16_t config_server_min(const struct config *config, const char *device);

#endif
