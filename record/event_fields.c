/* SPDX-License-Identifier: MIT */
#include "record/event_private.h"

#include <stddef.h>

#define IN_FACTS(member) offsetof(struct facts, member), sizeof(((struct facts *)NULL)->member)

#define FIELD(tag, type, member, limit)                                                            \
	{                                                                                          \
		tag, type, IN_FACTS(member), limit, false, false                                   \
	}
#define READ_OUT(tag, type, member)                                                                \
	{                                                                                          \
		tag, type, IN_FACTS(member), 0, true, false                                        \
	}
#define READ_OUT_SIZED(tag, member, size_member)                                                   \
	{                                                                                          \
		tag, FIELD_SIZED, IN_FACTS(member), offsetof(struct facts, size_member), true,     \
		    false                                                                          \
	}
#define READ_OUT_PASSING(tag, type, member)                                                        \
	{                                                                                          \
		tag, type, IN_FACTS(member), 0, true, true                                         \
	}
#define PASSING(tag, type, member, limit)                                                          \
	{                                                                                          \
		tag, type, IN_FACTS(member), limit, false, true                                    \
	}

const struct event_field event_fields[] = {
    PASSING(1, FIELD_NUMBER, flow_id, 0),
    PASSING(2, FIELD_NUMBER, opened_wall_us, 0),
    PASSING(3, FIELD_NUMBER, closed_wall_us, 0),
    PASSING(4, FIELD_NUMBER, duration_us, 0),
    PASSING(5, FIELD_ADDR, camera, 0),
    FIELD(6, FIELD_ADDR, dst, 0),
    PASSING(7, FIELD_TEXT, iface, 0),
    FIELD(8, FIELD_TEXT, device, 0),
    FIELD(9, FIELD_ENUM, hello.kind, HELLO_BROKEN),
    FIELD(10, FIELD_BOOL, hello.sni_present, 0),
    FIELD(11, FIELD_BOOL, hello.sni_odd, 0),
    FIELD(12, FIELD_NUMBER, hello.version_max, 0),
    FIELD(13, FIELD_NUMBER, hello.version_min, 0),
    FIELD(14, FIELD_BOOL, hello.ecdsa, 0),
    FIELD(15, FIELD_BOOL, hello.ech, 0),
    READ_OUT(16, FIELD_TEXT, hello.sni),
    READ_OUT_SIZED(17, hello.alpn, hello.alpn_size),
    FIELD(18, FIELD_TEXT, hello.protocol, 0),
    READ_OUT(19, FIELD_TEXT, hello.ja3),
    READ_OUT(20, FIELD_TEXT, hello.ja4),
    FIELD(21, FIELD_COUNTRIES, place.located, 0),
    FIELD(22, FIELD_COUNTRIES, place.registered, 0),
    FIELD(23, FIELD_COUNTRIES, place.operator, 0),
    FIELD(24, FIELD_NUMBER, place.asn, 0),
    FIELD(25, FIELD_NUMBER, place.prefix_bits, 0),
    FIELD(26, FIELD_TEXT, place.org, 0),
    FIELD(27, FIELD_TEXT, place.vendor, 0),
    FIELD(28, FIELD_TEXT, place.located_basis, 0),
    FIELD(29, FIELD_TEXT, place.registered_basis, 0),
    FIELD(30, FIELD_TEXT, place.operator_basis, 0),
    FIELD(31, FIELD_TEXT, place.vendor_basis, 0),
    FIELD(32, FIELD_BOOL, server.handshake_done, 0),
    FIELD(33, FIELD_BOOL, server.verified, 0),
    FIELD(34, FIELD_NUMBER, server.errors, 0),
    FIELD(35, FIELD_NUMBER, server.version, 0),
    FIELD(36, FIELD_NUMBER, server.alert, 0),
    FIELD(37, FIELD_BOOL, server.wants_client_cert, 0),
    FIELD(38, FIELD_TEXT, server.cipher, 0),
    READ_OUT(39, FIELD_TEXT, server.alpn),
    READ_OUT(40, FIELD_TEXT, server.subject),
    READ_OUT(41, FIELD_TEXT, server.issuer),
    READ_OUT(42, FIELD_TEXT, server.serial),
    READ_OUT(43, FIELD_TEXT, server.sha1),
    READ_OUT(44, FIELD_BYTES, server.sha256),
    READ_OUT(45, FIELD_NUMBER, server.not_before),
    READ_OUT(46, FIELD_NUMBER, server.not_after),
    FIELD(47, FIELD_ENUM, camera_tls.verdict, CAMERA_TLS_PROBABLE),
    FIELD(48, FIELD_NUMBER, camera_tls.version, 0),
    FIELD(49, FIELD_NUMBER, camera_tls.alert, 0),
    FIELD(50, FIELD_TEXT, camera_tls.cipher, 0),
    FIELD(51, FIELD_ENUM, verdict.result, RESULT_BLOCK),
    FIELD(52, FIELD_ENUM, verdict.stage, VERDICT_PAYLOAD),
    FIELD(53, FIELD_BOOL, verdict.shadow, 0),
    FIELD(54, FIELD_TEXT, verdict.ruleset, 0),
    FIELD(55, FIELD_TEXT, verdict.ruleset_version, 0),
    FIELD(56, FIELD_BYTES, verdict.ruleset_sha256, 0),
    FIELD(57, FIELD_TEXT, verdict.rule, 0),
    FIELD(58, FIELD_TEXT, verdict.why, 0),
    FIELD(59, FIELD_ENUM, inspect, INSPECT_UNDECODABLE),
    PASSING(60, FIELD_NUMBER, traffic.up, 0),
    PASSING(61, FIELD_NUMBER, traffic.down, 0),
    PASSING(62, FIELD_NUMBER, traffic.left_up, 0),
    PASSING(63, FIELD_NUMBER, traffic.left_down, 0),
    PASSING(64, FIELD_ENUM, end, END_COUNT - 1),
    READ_OUT_PASSING(65, FIELD_TEXT, end_text),
    FIELD(66, FIELD_ENUM, place.kind, PLACE_KIND_COUNT - 1),
    FIELD(67, FIELD_NUMBER, geo_age_days, 0),
    FIELD(68, FIELD_ENUM, verdict.how, HOW_DROP),
    FIELD(69, FIELD_ENUM, verdict.detail, DETAIL_CUT),
    FIELD(70, FIELD_ENUM, verdict.flag.severity, SEVERITY_HIGH),
    FIELD(71, FIELD_TEXT, verdict.flag.ruleset, 0),
    FIELD(72, FIELD_TEXT, verdict.flag.rule, 0),
    FIELD(73, FIELD_TEXT, verdict.flag.why, 0),
    FIELD(74, FIELD_BYTES, mac, 0),
    FIELD(75, FIELD_ENUM, sighting.kind, SIGHTING_COUNT - 1),
    FIELD(76, FIELD_BYTES, sighting.other_mac, 0),
    FIELD(77, FIELD_TEXT, sighting.maker, 0),
    FIELD(78, FIELD_BOOL, server.client_cert, 0),
    FIELD(79, FIELD_ENUM, server.staple, STAPLE_INVALID),
    FIELD(80, FIELD_ENUM, server.treatment, TREATED_ACCEPTED),
    FIELD(81, FIELD_BOOL, server.resumed, 0),
    FIELD(82, FIELD_BOOL, camera_tls.resumed, 0),
    FIELD(83, FIELD_BOOL, camera_tls.legacy, 0),
    FIELD(84, FIELD_BOOL, hello.early_data, 0),
    FIELD(85, FIELD_BOOL, hello.post_quantum, 0),
    FIELD(86, FIELD_BOOL, hello.no_certificate, 0),
    FIELD(87, FIELD_ENUM, transport, TRANSPORT_UDP),
    FIELD(88, FIELD_BOOL, dns.answered, 0),
    FIELD(89, FIELD_BOOL, dns.refused, 0),
    FIELD(90, FIELD_NUMBER, dns.id, 0),
    FIELD(91, FIELD_NUMBER, dns.type, 0),
    FIELD(92, FIELD_NUMBER, dns.rcode, 0),
    READ_OUT(93, FIELD_TEXT, dns.name),
    READ_OUT(94, FIELD_TEXT, dns.answers),
    FIELD(95, FIELD_ENUM, anomaly.kind, ANOMALY_COUNT - 1),
    FIELD(96, FIELD_NUMBER, anomaly.packets, 0),
    FIELD(97, FIELD_NUMBER, anomaly.bytes, 0),
    PASSING(98, FIELD_NUMBER, traffic.packets_up, 0),
    PASSING(99, FIELD_NUMBER, traffic.packets_down, 0),
    READ_OUT(100, FIELD_TEXT, looked_up),
    FIELD(101, FIELD_ENUM, payload.class, PAYLOAD_COUNT - 1),
    FIELD(102, FIELD_ENUM, payload.confidence, CONFIDENCE_IDENTIFIED),
    FIELD(103, FIELD_ENUM, payload.direction, DIRECTION_DOWN),
    FIELD(104, FIELD_BOOL, payload.high_entropy, 0),
    FIELD(105, FIELD_TEXT, payload.format, 0),
    PASSING(106, FIELD_NUMBER, payload.examined, 0),
    PASSING(107, FIELD_NUMBER, payload.held, 0),
    PASSING(108, FIELD_CLASSES, payload.up, 0),
    PASSING(109, FIELD_CLASSES, payload.down, 0),
    FIELD(110, FIELD_CLASSES, payload.seen_up, CONFIDENCE_IDENTIFIED),
    FIELD(111, FIELD_CLASSES, payload.seen_down, CONFIDENCE_IDENTIFIED),
    FIELD(112, FIELD_ENUM, app.proto, APP_COUNT - 1),
    FIELD(113, FIELD_BOOL, app.confused, 0),
    FIELD(114, FIELD_BOOL, app.opaque_inner, 0),
    FIELD(115, FIELD_BOOL, app.starttls, 0),
    FIELD(116, FIELD_BOOL, app.credentials, 0),
    FIELD(117, FIELD_BOOL, app.soap, 0),
    FIELD(118, FIELD_BOOL, app.encrypted_dns, 0),
    FIELD(119, FIELD_BOOL, app.host_mismatch, 0),
    FIELD(120, FIELD_NUMBER, app.version, 0),
    PASSING(121, FIELD_NUMBER, app.status, 0),
    PASSING(122, FIELD_NUMBER, app.requests, 0),
    PASSING(123, FIELD_TEXT, app.method, 0),
    READ_OUT(124, FIELD_TEXT, app.host),
    READ_OUT_PASSING(125, FIELD_TEXT, app.path),
    READ_OUT_PASSING(126, FIELD_TEXT, app.agent),
    READ_OUT_PASSING(127, FIELD_TEXT, app.client),
    READ_OUT_PASSING(128, FIELD_TEXT, app.topics),
    {129, FIELD_SIZED, IN_FACTS(app.first), offsetof(struct facts, app.first_size), true, true},
    FIELD(130, FIELD_BOOL, dns.resolver, 0),
    FIELD(131, FIELD_NUMBER, dns.left_out, 0),
};

const size_t event_field_count = sizeof(event_fields) / sizeof(event_fields[0]);
