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
    READ_OUT(17, FIELD_ALPN, hello.alpn),
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
    {65, FIELD_TEXT, IN_FACTS(end_text), 0, true, true},
    FIELD(66, FIELD_ENUM, place.kind, PLACE_KIND_COUNT - 1),
    FIELD(67, FIELD_NUMBER, geo_age_days, 0),
    FIELD(68, FIELD_ENUM, verdict.how, HOW_DROP),
    FIELD(69, FIELD_ENUM, verdict.detail, DETAIL_COUNT),
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
};

const size_t event_field_count = sizeof(event_fields) / sizeof(event_fields[0]);
