/* SPDX-License-Identifier: MIT */
#ifndef BASE_FACTS_H
#define BASE_FACTS_H

#include "base/addr.h"
#include "base/mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonw;

/*
 * All that is known of one connection: plain values that the folders fill and
 * read.  proxy/ owns one per connection; geo/ fills the place, certs/ the
 * server, config/ the verdict, record/ writes it down.
 *
 * Values only: no pointers, bounded strings, so a struct facts can be copied
 * and outlives whatever filled it.  A string from outside (a server name, a
 * certificate's subject) is kept as it was sent, and is escaped where it is
 * printed.
 */

enum {
	FACTS_NAME_MAX =
	    256, /* a DNS name of 255 bytes (RFC 1035 section 2.3.4) and a terminator */
	FACTS_ALPN_MAX = 128,    /* the camera's ALPN list as sent; a longer one is cut at a name */
	FACTS_TEXT_MAX = 128,    /* a sentence */
	FACTS_LABEL_MAX = 48,    /* an identifier: device, rule set, vendor */
	FACTS_DN_MAX = 256,      /* a distinguished name as text */
	FACTS_BASIS_MAX = 80,    /* "file-name@2026-06-01" */
	FACTS_BASES_MAX = 160,   /* several of these, with commas between them */
	FACTS_COUNTRIES_MAX = 4, /* as many as there may be databases of countries */
};

/* ---- the camera's hello ---- */

enum hello_kind {
	HELLO_NONE = 0, /* nothing was read */
	HELLO_TLS,      /* a whole ClientHello */
	HELLO_NOT_TLS,  /* some other protocol */
	HELLO_BROKEN,   /* starts like TLS and is not well-formed */
};

struct hello_facts {
	enum hello_kind kind;
	bool sni_present;             /* the extension was there, whatever its content */
	bool sni_odd;                 /* it holds what no host name holds; sni is as sent */
	uint16_t version_max;         /* highest offered that there is, as on the wire: 0x0304 is
				       * TLS 1.3; 0x0303 at most where only legacy_version tells */
	uint16_t version_min;         /* lowest offered; 0x0301 where only legacy_version tells */
	bool ecdsa;                   /* the camera takes a P-256 leaf */
	bool ecdsa_before_13;         /* ... below TLS 1.3 too.  Not recorded */
	bool only_before_13;          /* it offers TLS 1.3, and takes a leaf of ours in TLS 1.2
				       * alone.  Not recorded */
	bool ech;                     /* encrypted_client_hello is there, real or GREASE */
	bool early_data;              /* it wants to send 0-RTT data, which we never take */
	bool post_quantum;            /* it offers a group with ML-KEM */
	bool sha1_only;               /* it takes no signature in the handshake but by SHA-1.
				       * Not recorded: camera_tls.legacy tells it */
	bool fallback;                /* it was refused there with a higher version, and says
				       * so (RFC 7507).  Not recorded */
	bool no_certificate;          /* it takes no certificate that we could show: pre-shared
				       * keys or raw public keys only, or in TLS 1.3 no
				       * signature by P-256 or RSA, and in TLS 1.2 none by
				       * RSA either */
	uint8_t alpn_size;            /* bytes used of alpn */
	char sni[FACTS_NAME_MAX];     /* "" when there is none */
	uint8_t alpn[FACTS_ALPN_MAX]; /* RFC 7301: length byte and name, repeated */
	char protocol[16];            /* of HELLO_NOT_TLS: "http", "ssh", "sslv2", "unknown" ... */
	char ja3[33], ja4[40];        /* fingerprints; "" when not computed */
};

/* ---- the place ---- */

/*
 * Countries that a fact may be, as ISO 3166-1 alpha-2.  None: unknown, which
 * is a value of its own and never a country.  Several: databases disagree, and
 * all of them are judged.
 */
struct countries {
	uint8_t count;
	char iso[FACTS_COUNTRIES_MAX][3];
};

/*
 * What kind of address it is.  One that is not ordinary has no country that it
 * is in: `located` is empty, which counts as not known, and what is printed in
 * its stead is the kind's name.  Where the address is registered and who
 * operates its network stay facts of their own.
 *
 * The first that tells: overrides.yaml for a block; the special ranges
 * (geo/ranges.h); overrides.yaml for the network; geo.kinds for a block; a
 * database's traits; geo.kinds for the network.
 */
enum place_kind {
	PLACE_ORDINARY = 0,
	PLACE_ANYCAST,   /* one address in many places at once; the nearest answers */
	PLACE_PRIVATE,   /* of no public network: private, loopback, reserved ... */
	PLACE_SATELLITE, /* its users are wherever the dish stands */
	PLACE_KIND_COUNT /* keep last */
};

struct place {
	enum place_kind kind;
	bool vendor_by_address;       /* the vendor is an override's of the address: no name
				       * changes it.  Not recorded */
	struct countries located;     /* where the server is */
	struct countries registered;  /* where its address is registered */
	struct countries operator;    /* who controls the network's operator */
	uint32_t asn;                 /* 0: unknown */
	uint8_t prefix_bits;          /* of the block that the located database matched; 0: none.
				       * Counted as in struct prefix (base/addr.h) */
	char org[64];                 /* the network's name */
	char vendor[FACTS_LABEL_MAX]; /* whose cloud, by the server name; "" unknown */
	/* "dbip-country@2026-06-01", or "overrides.yaml:12 (jane, 2026-11-20)"; of
	 * located, where the kind is not ordinary, what says so */
	char located_basis[FACTS_BASES_MAX];
	char registered_basis[FACTS_BASES_MAX];
	char operator_basis[FACTS_BASIS_MAX]; /* "operators.csv:88" */
	char vendor_basis[FACTS_BASIS_MAX];
};

/* ---- the server's side ---- */

/* What is wrong with a server's certificate; a set of bits. */
enum cert_error {
	CERT_EXPIRED = 1 << 0,
	CERT_NOT_YET_VALID = 1 << 1,
	CERT_UNKNOWN_ISSUER = 1 << 2, /* no path to a trusted root */
	CERT_SELF_SIGNED = 1 << 3,
	CERT_NAME_MISMATCH =
	    1 << 4, /* no SAN speaks for the name, or the address where no name was sent */
	CERT_WRONG_PURPOSE = 1 << 5, /* EKU or key usage does not allow a server */
	CERT_WEAK = 1 << 6,          /* key or signature below the level we take */
	CERT_REVOKED = 1 << 7,
	CERT_BAD_SIGNATURE = 1 << 8,
	CERT_MALFORMED = 1 << 9, /* breaks a rule of RFC 5280 that makes it unusable */
	CERT_BAD_CONSTRAINTS =
	    1 << 10, /* an issuer may not issue this: CA flag, path length, names */
	CERT_CHAIN_TOO_LONG = 1 << 11,
	CERT_OTHER = 1 << 12,
	CERT_NO_STAPLE = 1 << 13,    /* it must be stapled (RFC 7633), and nothing was */
	CERT_BAD_STAPLE = 1 << 14,   /* what was stapled does not say that it is good */
	CERT_CRL_EXPIRED = 1 << 15,  /* the list that would tell of a revocation is out of date */
	CERT_ISSUER_DATES = 1 << 16, /* an issuer's certificate is the one whose dates are wrong */
	/* Nobody said whom to expect: the camera sent no name, the administrator
	 * gives none, and it does not speak for the address.  Nothing else follows. */
	CERT_NAME_UNCHECKED = 1 << 17,
	/* Another proxy that opens TLS, or another appliance such as this one, has
	 * signed it: whoever is behind that is not known.  Nothing else follows. */
	CERT_INTERCEPTED = 1 << 18,
	CERT_BAD_CRL = 1 << 19, /* the list that would tell of a revocation cannot be believed */
};

/* What the server stapled about its certificate (OCSP, RFC 6066 section 8). */
enum staple {
	STAPLE_NONE = 0,
	STAPLE_GOOD,
	STAPLE_REVOKED,
	STAPLE_UNKNOWN, /* its issuer says that it knows no such certificate */
	STAPLE_EXPIRED, /* was good, or will be */
	STAPLE_INVALID, /* broken, about another certificate, or signed by nobody who may */
};

/* What became of a server whose certificate is not good, where it was not blocked. */
enum treatment {
	TREATED_NONE = 0,
	TREATED_MIRRORED, /* the camera was shown the same flaw */
	TREATED_ACCEPTED, /* a rule accepts it: the camera was shown a good one */
};

struct server_facts {
	bool handshake_done;
	bool verified;    /* no error; false while not examined */
	uint32_t errors;  /* of enum cert_error */
	uint16_t version; /* negotiated, as on the wire; 0: none */
	uint8_t alert;    /* the server's fatal alert, 0: none */
	bool wants_client_cert;
	bool client_cert; /* the one configured for the device was sent */
	bool resumed;     /* a session of before: the certificate was shown then */
	enum staple staple;
	enum treatment treatment;
	char cipher[48];
	char alpn[32]; /* what the server chose; "" none */
	char subject[FACTS_DN_MAX], issuer[FACTS_DN_MAX];
	char serial[64];               /* "AA:BB:.." */
	char sha1[64];                 /* fingerprint "aa:bb:..", as EVE writes it */
	uint8_t sha256[32];            /* of the leaf; all 0: no certificate */
	int64_t not_before, not_after; /* seconds since 1970 */
};

enum camera_verdict {
	CAMERA_TLS_NONE = 0, /* not opened towards the camera */
	CAMERA_TLS_OK,       /* the camera sent application data over our leaf */
	/* On a connection that passes through: what is known of those before it. */
	CAMERA_TLS_REJECTED, /* it refused our leaf by an alert, or the passthrough works */
	CAMERA_TLS_PROBABLE, /* it closed without an alert where a refusal looks like that */
};

struct camera_facts {
	enum camera_verdict verdict;
	uint16_t version; /* negotiated, as on the wire; 0: none */
	uint8_t alert;    /* the camera's fatal alert, 0: none */
	bool resumed;     /* it did not look at our leaf again */
	bool legacy;      /* TLS below 1.2, or SHA-1: what nobody should speak any more */
	char cipher[48];
};

/* ---- the payload ---- */

enum payload_class {
	PAYLOAD_UNKNOWN = 0, /* not looked at, or not yet */
	PAYLOAD_VIDEO,
	PAYLOAD_IMAGE,
	PAYLOAD_AUDIO,
	PAYLOAD_TELEMETRY,
	PAYLOAD_FIRMWARE,
	PAYLOAD_CONTROL,
	PAYLOAD_OPAQUE,      /* looked at, and nothing that can be told */
	PAYLOAD_METADATA,    /* what a camera knows of faces or number plates */
	PAYLOAD_CREDENTIALS, /* passwords, keys, tokens */
	PAYLOAD_COUNT        /* keep last */
};

enum confidence { CONFIDENCE_NONE = 0, CONFIDENCE_PROBABLE, CONFIDENCE_IDENTIFIED };
enum direction { DIRECTION_UNKNOWN = 0, DIRECTION_UP, DIRECTION_DOWN };

struct payload_facts {
	enum payload_class class;   /* the gravest that was seen, see inspect/ */
	enum confidence confidence; /* of class */
	enum direction direction;   /* that class was seen in; up: from the camera */
	bool high_entropy;          /* of PAYLOAD_OPAQUE: compressed or encrypted, not told apart */
	char format[24];            /* what told the class: "h264", "jpeg", "mpegts" ... */
	uint64_t pending;           /* bytes of the camera's that were fed and whose class is not
				     * told yet; they are in up[PAYLOAD_UNKNOWN].  Not recorded */
	/* How sure each class was at best (enum confidence), whether or not it is the
	 * gravest: a rule about a class is to be asked of each that was seen. */
	uint8_t seen_up[PAYLOAD_COUNT], seen_down[PAYLOAD_COUNT];
	uint64_t examined;          /* bytes that were looked at */
	uint64_t held;              /* bytes of the camera's that waited for the class, at most */
	uint64_t up[PAYLOAD_COUNT]; /* bytes of each class from the camera */
	uint64_t down[PAYLOAD_COUNT];
};

/* ---- what was said, in the words of its own protocol ---- */

enum app_proto {
	APP_NONE = 0, /* not looked at, or nothing was said */
	APP_UNKNOWN,  /* looked at, and nothing that is known here */
	APP_TLS,
	APP_HTTP,
	APP_HTTP2,
	APP_WEBSOCKET,
	APP_RTSP,
	APP_MQTT,
	APP_SMTP,
	APP_FTP,
	APP_IMAP,
	APP_POP3,
	APP_SSH,
	APP_DNS,
	APP_NTP,
	APP_STUN,
	APP_TURN,
	APP_DTLS,
	APP_QUIC,
	APP_RTP,
	APP_RTCP,
	APP_P2P, /* a camera vendor's own way through address translation (PPPP and its like) */
	APP_XMPP,
	APP_FTP_DATA, /* a file of FTP's, in a connection of its own */
	APP_COUNT     /* keep last */
};

/* What observers read off a copy of the bytes.  Nothing here was changed on its
 * way.  Strings are as they were sent, cut to their room; no secret is kept. */
struct app_facts {
	enum app_proto proto;
	bool confused;      /* what came did not follow proto; what was read before stands */
	bool opaque_inner;  /* carries what nobody looked into: TLS inside TLS, CONNECT, a tunnel */
	bool starttls;      /* its TLS began in the middle, by STARTTLS or its like */
	bool credentials;   /* a password or a token went by */
	bool soap;          /* of APP_HTTP: ONVIF or other SOAP */
	bool encrypted_dns; /* DNS over TLS or HTTPS, by its port, name or path */
	bool host_mismatch; /* host is another one than the server name of the camera's hello */
	bool active_data;   /* of APP_FTP: the camera asked the server to open the connection for
			     * a file (PORT, EPRT), which comes to nobody */
	uint8_t first_size; /* bytes used of first */
	uint8_t first[8];   /* of APP_UNKNOWN: what the camera sent first */
	uint16_t status;    /* of the first answer: HTTP, RTSP, SMTP, FTP; 0: none */
	uint32_t requests;  /* from the camera; MQTT: PUBLISH */
	uint32_t version;   /* of APP_QUIC and APP_DTLS, as on the wire */
	struct addr data;   /* of APP_FTP: where the server said last that a file is to go; port
			     * 0: nowhere, or it was taken; an address of zeros: none was said.
			     * Not recorded */
	char method[16];    /* of the first request; MQTT: the first packet's kind */
	char host[FACTS_NAME_MAX];
	char path[160];   /* without its query, which may hold secrets */
	char agent[96];   /* user agent, server's or client's banner */
	char client[64];  /* MQTT client id; the name given to HELO; of APP_FTP_DATA the community
			   * id of the connection that it belongs to */
	char topics[160]; /* MQTT topics, SOAP actions; with commas between, cut at one */
};

/* ---- a lookup ---- */

struct dns_facts {
	bool answered; /* the answer came; else this is about the query alone */
	bool refused;  /* by us: the name may not be looked up */
	bool resolver; /* it went to the configured resolver, and not to dst */
	uint16_t id, type;
	uint8_t rcode;
	char name[FACTS_NAME_MAX]; /* lower case, without a dot at its end */
	char answers[256];         /* addresses and names, with commas between; cut at one */
	uint32_t left_out;         /* lookups of this camera before this one that were not
				    * recorded, as there were too many */
};

/* ---- what is neither TCP nor UDP, or came when nobody was there ---- */

enum anomaly {
	ANOMALY_NONE = 0,
	ANOMALY_ICMP,
	ANOMALY_GRE,
	ANOMALY_ESP,
	ANOMALY_6IN4,
	ANOMALY_MULTICAST,
	ANOMALY_BROADCAST,
	ANOMALY_IPV6_EXTENSION,
	ANOMALY_FRAGMENT,
	ANOMALY_OTHER,   /* another protocol */
	ANOMALY_GAP,     /* packets that came while nobody listened, and went nowhere */
	ANOMALY_BUDGETS, /* counts of budgets were lost, and begin anew */
	ANOMALY_LOOKUPS, /* lookups that have no event: more than are recorded of a camera */
	ANOMALY_PORT_0,  /* datagrams from or to port 0, which nobody has */
	ANOMALY_MARTIAN, /* from or to an address that nobody has: loopback, 0.0.0.0/8, a group */
	ANOMALY_COUNT    /* keep last */
};

struct anomaly_facts {
	enum anomaly kind;
	uint64_t packets, bytes; /* since the last event of this kind about this camera */
};

/* ---- the verdict ---- */

enum result { /* in rising order of restriction */
	RESULT_OBSERVE = 0,
	RESULT_ALLOW,
	RESULT_LIMIT,
	RESULT_BLOCK,
};

/* What was known when a verdict was given. */
enum verdict_stage {
	VERDICT_NONE = 0,
	VERDICT_ADDRESS,     /* the destination and its place */
	VERDICT_NAME,        /* and the camera's hello */
	VERDICT_CERTIFICATE, /* and the server's certificate */
	VERDICT_PAYLOAD,     /* and what is sent, as far as it was waited for */
};

/* How a camera is told that its connection is blocked. */
enum how {
	HOW_RESET = 0, /* RST */
	HOW_REFUSE,    /* in order: the alert access_denied where it speaks TLS, then FIN */
	HOW_DROP,      /* not at all: it waits in vain */
};

/* How much of a connection is recorded. */
enum detail {
	DETAIL_FULL = 0,
	DETAIL_META,  /* without what was read of the hello and of the certificate: names, prints */
	DETAIL_COUNT, /* and without an EVE line but the last */
	DETAIL_CUT,   /* as DETAIL_META; no rule wants it so, there was no room for more */
};

enum severity { SEVERITY_NONE = 0, SEVERITY_INFO, SEVERITY_MEDIUM, SEVERITY_HIGH };

/* A rule, of whatever set, that matched and wants to be looked at. */
struct flag {
	enum severity severity; /* SEVERITY_NONE: there is none */
	char ruleset[FACTS_LABEL_MAX], rule[FACTS_LABEL_MAX];
	char why[FACTS_TEXT_MAX];
};

/* What a rule wants of a server whose certificate is not good, in rising order
 * of restriction. */
enum servers { SERVERS_UNSAID = 0, SERVERS_ACCEPT, SERVERS_MIRROR, SERVERS_BLOCK };

struct verdict {
	enum result result;
	enum verdict_stage stage;
	enum servers servers; /* not recorded: the server's treatment tells what came of it */
	enum how how;         /* of RESULT_BLOCK */
	enum detail detail;
	bool shadow; /* would have blocked, but the set only records */
	bool by_tls; /* the rule that decided asks for `tls`.  Not recorded */
	/* Of these four nothing is recorded.  open: VERDICT_PAYLOAD may still change
	 * the result, so it is to be asked whenever more is known of what is sent. */
	bool open;
	uint32_t hold_bytes; /* while open: so much of the camera's waits for it; 0: nothing */
	uint32_t hold_ms;    /* ... and for so long */
	uint32_t rate;       /* of RESULT_LIMIT: bytes a second; 0: nothing before the budget's
			      * period is over */
	char ruleset[FACTS_LABEL_MAX]; /* "appliance" for what no rule may change */
	char ruleset_version[24];
	uint8_t ruleset_sha256[32];
	char rule[FACTS_LABEL_MAX]; /* the rule's id, "default" or "unknown" */
	char why[FACTS_TEXT_MAX];
	struct flag flag; /* the gravest */
};

/* A budget that was drawn on (config/rules.h), as it stood when this was written. */
struct budget_facts {
	char ruleset[FACTS_LABEL_MAX], rule[FACTS_LABEL_MAX]; /* rule "": none was */
	uint64_t used, up_over; /* bytes: what had left in its period, and what may */
	uint32_t per_s;
	bool by_device; /* of this camera; else of all to this destination */
};

/* ---- a camera that was seen, without any connection ---- */

/* What the kernel's neighbours showed; from SIGHTING_IP_TAKEN on, a conflict,
 * of which end_text tells in a sentence. */
enum sighting {
	SIGHTING_NONE = 0,   /* this is about a connection */
	SIGHTING_SEEN,       /* is there; nothing new */
	SIGHTING_NEW,        /* a camera that was never seen before */
	SIGHTING_IP_TAKEN,   /* another card took the address of one that was there just before */
	SIGHTING_TWO_IFACES, /* one card is on two interfaces */
	SIGHTING_OTHER_MAC,  /* the address is a device's that has another MAC in devices.yaml */
	SIGHTING_OTHER_IP,   /* the MAC is a device's that has other addresses in devices.yaml */
	SIGHTING_COUNT       /* keep last */
};

struct sighting_facts {
	enum sighting kind;
	uint8_t other_mac[MAC_BYTES]; /* of IP_TAKEN: who had the address */
	char maker[FACTS_LABEL_MAX];  /* of the MAC, by its OUI; "" unknown */
};

/* ---- what happened ---- */

enum inspect {
	INSPECT_NONE = 0,
	INSPECT_OPENED,      /* TLS opened: both sides handshaken */
	INSPECT_PASSTHROUGH, /* forwarded undecrypted */
	INSPECT_REFUSED,     /* we refused it before anything was forwarded */
	INSPECT_REJECTED,    /* the camera refused our leaf */
	INSPECT_PLAIN,       /* not TLS, forwarded as it is */
	INSPECT_UNDECODABLE, /* what was sent could not be understood */
};

/* Why a connection ended; the first cause counts. */
enum end {
	END_NONE = 0,
	END_DONE,          /* both sides closed in order */
	END_REFUSED,       /* by a rule or by the appliance's own address rules */
	END_REJECTED,      /* the camera refused our leaf */
	END_HELLO_TIMEOUT, /* the camera did not say what it wants in time */
	END_UNREACHABLE,   /* no TCP connection to the server */
	END_SERVER_TLS,    /* the handshake with the server failed */
	END_SERVER_CERT,   /* the server's certificate was not accepted */
	END_CAMERA_TLS,    /* the handshake with the camera failed for another reason */
	END_TIMEOUT,       /* a deadline while a handshake was under way */
	END_IDLE,          /* no byte either way for the idle time */
	END_RESET,         /* one side reset the connection */
	END_TRUNCATED,     /* one side ended its TLS stream without close_notify */
	END_OVERLOAD,      /* a bound of the appliance was reached */
	END_UNRECORDABLE,  /* the record could not be kept, so nothing was forwarded */
	END_MINT,          /* no leaf could be had from the signer */
	END_SHUTDOWN,      /* the appliance ended */
	END_LOST,          /* the worker that held it died */
	END_INTERNAL,      /* an error of ours; the log has it */
	END_FLOOD,         /* one side sent messages of TLS without end */
	END_RULE_CHANGE,   /* the rules that hold since a reload block it */
	END_COUNT          /* keep last */
};

enum transport { TRANSPORT_TCP = 0, TRANSPORT_UDP };

struct traffic {
	uint64_t up, down; /* payload bytes from the camera, from the server */
	uint64_t left_up,
	    left_down; /* payload bytes handed to the kernel towards the server, the camera */
	uint32_t packets_up, packets_down; /* datagrams; 0 where there are none */
};

struct facts {
	uint64_t flow_id; /* random, unique on this box; 63 bits */
	uint64_t opened_wall_us, closed_wall_us;
	uint64_t duration_us; /* by the clock that does not jump */
	struct addr camera, dst;
	struct addr inner;      /* the IPv4 address that dst carries (NAT64, 6to4, ...); dst itself
				 * where it carries none.  Not recorded: dst tells it */
	char iface[16];         /* the interface the camera came in by; "" unknown */
	uint8_t mac[MAC_BYTES]; /* the camera's, by the kernel's neighbours; all 0: unknown */
	char device[FACTS_LABEL_MAX]; /* its name; its MAC or its address where it has none */
	char group[FACTS_LABEL_MAX];  /* of the device; "" none.  Not recorded */
	int32_t utc_offset_s;         /* of the site's clock when it was opened, east is more.
				       * Not recorded: the time zone and opened_wall_us tell it */
	struct hello_facts hello;
	struct place place;
	struct server_facts server;
	struct camera_facts camera_tls;
	struct payload_facts payload;
	struct app_facts app;
	char looked_up[FACTS_NAME_MAX]; /* the name that this camera looked up and was told dst
					 * for; "" none.  A name of its own claim, as sni is */
	bool waits;                     /* what is sent may be known better soon, and is held: what
					 * is not known of it is to be waited for.  Not recorded */
	bool budgeted;                  /* budgets_over is known.  Not recorded, nor is that */
	uint64_t budgets_over;          /* a bit for each of the rules' budgets (config/rules.h)
					 * that what goes up next would go over */
	uint32_t geo_age_days;          /* of a stats event only: of the oldest database, which
					 * place.located_basis names */
	struct verdict verdict;
	struct budget_facts budget;
	enum inspect inspect;
	enum transport transport;
	struct traffic traffic;
	struct sighting_facts sighting; /* of a sighting only */
	struct dns_facts dns;           /* of a lookup only */
	struct anomaly_facts anomaly;   /* of an anomaly only */
	enum end end;
	char end_text[FACTS_TEXT_MAX]; /* what was seen, for a reader */
};

/* The words of the contract for the values above; all are literals. */
const char *hello_kind_name(enum hello_kind kind);
const char *camera_verdict_name(enum camera_verdict verdict); /* "" for none */
const char *result_name(enum result result);
const char *verdict_stage_name(enum verdict_stage stage);
const char *how_name(enum how how);
const char *detail_name(enum detail detail);
const char *severity_name(enum severity severity); /* "" for none */
const char *inspect_name(enum inspect inspect);
const char *payload_class_name(enum payload_class class);

/* Whether a class was seen either way, if of no bytes that were counted; *sure
 * becomes how sure at best. */
bool payload_was_seen(const struct payload_facts *payload, enum payload_class class,
    enum confidence *sure);

const char *confidence_name(enum confidence confidence); /* "" for none */
const char *direction_name(enum direction direction);    /* "" for unknown */
const char *app_proto_name(enum app_proto proto);        /* "" for none */
/* By what the server's name is known: "sni", "dns" (it was looked up), "none". */
const char *name_basis_name(const struct facts *facts);

/* The server's name: that which the camera gave, or else looked up; "" none. */
const char *facts_name(const struct facts *facts);
const char *anomaly_name(enum anomaly kind);
const char *end_name(enum end end);
const char *sighting_name(enum sighting sighting); /* "seen", "new", "ip-taken" ... */
const char *cert_error_name(enum cert_error error);
const char *staple_name(enum staple staple);          /* "" for none */
const char *treatment_name(enum treatment treatment); /* "" for none */
const char *tls_version_name(uint16_t version);       /* "TLS 1.3"; "" for 0 */

/* Fill out with the names of the errors in the set; returns how many. */
enum { CERT_ERRORS_MAX = 20 };
size_t cert_error_names(uint32_t errors, const char *out[CERT_ERRORS_MAX]);

/* "DE", "DE/SG", or "unknown". out has COUNTRIES_TEXT_MAX bytes; returns out. */
enum { COUNTRIES_TEXT_MAX = 16 };
const char *countries_text(const struct countries *countries, char out[COUNTRIES_TEXT_MAX]);

/* The fact as a value of JSON: "DE", ["DE","SG"], or "unknown". */
void countries_json(const struct countries *countries, struct jsonw *json, const char *key);

/* The same of where a place is, which may be "anycast", "private" or
 * "satellite" too. */
const char *located_text(const struct place *place, char out[COUNTRIES_TEXT_MAX]);
void located_json(const struct place *place, struct jsonw *json, const char *key);

/* "ordinary", "anycast", "private", "satellite"; and back: false when it is none. */
const char *place_kind_name(enum place_kind kind);
bool place_kind_parse(const char *name, enum place_kind *out);

/* Add one country (two upper-case letters) unless it is there already or the
 * set is full. */
void countries_add(struct countries *countries, const char iso[2]);
bool countries_has(const struct countries *countries, const char iso[2]);

#endif
