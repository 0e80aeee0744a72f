/* SPDX-License-Identifier: MIT */
#include "proxy/gateway_state.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"
#include "proxy/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char table[] = "borderlens";

enum {
	ANSWER_BYTES = 32 << 10, /* as much as the kernel puts into one message of a dump */
	QUESTION_BYTES = 256,
	TRIES = 4, /* of a dump during which rules change */
	IFACE_BYTES = 16,
	ETHER_BYTES = 8, /* an address in a register: to a whole word */
	HASH_BYTES = GATEWAY_PRINT_BYTES,
};

struct gateway_state {
	struct mnl_socket *questions, *changes;
	unsigned sequence;
	uint8_t answer[ANSWER_BYTES] __attribute__((aligned(8)));
};

/* ---- asking ---- */

static struct nlmsghdr *
question(struct gateway_state *state, uint8_t *bytes, uint16_t type)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct nfgenmsg *head;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++state->sequence;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = NFPROTO_INET;
	head->version = NFNETLINK_V0;
	return message;
}

/* What is left of an answer would be taken for that of the next question. */
static void
forget_rest(struct gateway_state *state)
{
	int fd = mnl_socket_get_fd(state->questions);

	while (recv(fd, state->answer, sizeof(state->answer), MSG_DONTWAIT) > 0)
		;
}

/* 0, or an errno; EINTR: rules changed meanwhile. */
static int
dump(struct gateway_state *state, const struct nlmsghdr *message, mnl_cb_t each, void *arg)
{
	unsigned port = mnl_socket_get_portid(state->questions);
	int more = MNL_CB_OK, error = 0;

	if (mnl_socket_sendto(state->questions, message, message->nlmsg_len) < 0)
		return errno;
	while (more > MNL_CB_STOP) {
		ssize_t count =
		    mnl_socket_recvfrom(state->questions, state->answer, sizeof(state->answer));

		more = count < 0 ? MNL_CB_ERROR
				 : mnl_cb_run(state->answer, (size_t)count, message->nlmsg_seq,
				       port, each, arg);
		error = more < 0 ? errno : 0;
	}
	if (error != 0)
		forget_rest(state);
	return error;
}

/* ---- reading answers ---- */

/* attributes[i]: that of type i, or NULL. */
struct attributes {
	const struct nlattr **at;
	uint16_t size;
};

static int
keep_attribute(const struct nlattr *attr, void *arg)
{
	const struct attributes *attributes = arg;

	if (mnl_attr_get_type(attr) < attributes->size)
		attributes->at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void
read_message(const struct nlmsghdr *message, const struct nlattr **at, uint16_t size)
{
	struct attributes attributes = {at, size};

	(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), keep_attribute, &attributes);
}

static void
read_nested(const struct nlattr *nest, const struct nlattr **at, uint16_t size)
{
	struct attributes attributes = {at, size};

	if (nest != NULL)
		(void)mnl_attr_parse_nested(nest, keep_attribute, &attributes);
}

static bool
is_ours(const struct nlattr *name)
{
	return name != NULL && mnl_attr_get_payload_len(name) == sizeof(table) &&
	       memcmp(mnl_attr_get_payload(name), table, sizeof(table)) == 0;
}

/* ---- the hash ---- */

struct print {
	EVP_MD_CTX *hash;
	bool there;                   /* the table is */
	uint8_t elements[HASH_BYTES]; /* of the set of interfaces: in no order */
};

static void
add_attribute(struct print *print, const struct nlattr *attr)
{
	uint16_t head[2] = {0, 0};

	if (attr != NULL) {
		head[0] = mnl_attr_get_type(attr);
		head[1] = mnl_attr_get_payload_len(attr);
	}
	(void)EVP_DigestUpdate(print->hash, head, sizeof(head));
	if (attr != NULL)
		(void)EVP_DigestUpdate(print->hash, mnl_attr_get_payload(attr),
		    mnl_attr_get_payload_len(attr));
}

static int
on_table(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *at[NFTA_TABLE_MAX + 1] = {0};
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	struct print *print = arg;

	read_message(message, at, NFTA_TABLE_MAX + 1);
	if (head->nfgen_family != NFPROTO_INET || !is_ours(at[NFTA_TABLE_NAME]))
		return MNL_CB_OK;
	print->there = true;
	add_attribute(print, at[NFTA_TABLE_FLAGS]);
	return MNL_CB_OK;
}

static int
on_chain(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *at[NFTA_CHAIN_MAX + 1] = {0};
	struct print *print = arg;

	read_message(message, at, NFTA_CHAIN_MAX + 1);
	if (!is_ours(at[NFTA_CHAIN_TABLE]))
		return MNL_CB_OK;
	add_attribute(print, at[NFTA_CHAIN_NAME]);
	add_attribute(print, at[NFTA_CHAIN_HOOK]);
	add_attribute(print, at[NFTA_CHAIN_POLICY]);
	add_attribute(print, at[NFTA_CHAIN_TYPE]);
	return MNL_CB_OK;
}

static int
on_rule(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *at[NFTA_RULE_MAX + 1] = {0};
	struct print *print = arg;

	read_message(message, at, NFTA_RULE_MAX + 1);
	if (!is_ours(at[NFTA_RULE_TABLE]))
		return MNL_CB_OK;
	add_attribute(print, at[NFTA_RULE_CHAIN]);
	add_attribute(print, at[NFTA_RULE_EXPRESSIONS]);
	return MNL_CB_OK;
}

static int
on_interface(const struct nlattr *element, void *arg)
{
	const struct nlattr *at[NFTA_SET_ELEM_MAX + 1] = {0};
	uint8_t hash[HASH_BYTES] = {0};
	struct print *print = arg;

	read_nested(element, at, NFTA_SET_ELEM_MAX + 1);
	if (at[NFTA_SET_ELEM_KEY] == NULL)
		return MNL_CB_OK;
	if (EVP_Digest(mnl_attr_get_payload(at[NFTA_SET_ELEM_KEY]),
		mnl_attr_get_payload_len(at[NFTA_SET_ELEM_KEY]), hash, NULL, EVP_sha256(),
		NULL) != 1)
		return MNL_CB_ERROR;
	for (size_t i = 0; i < HASH_BYTES; i++)
		print->elements[i] ^= hash[i];
	return MNL_CB_OK;
}

/* Calls each with every element of a set's message. */
static int
each_element(const struct nlmsghdr *message, mnl_attr_cb_t each, void *arg)
{
	const struct nlattr *at[NFTA_SET_ELEM_LIST_MAX + 1] = {0};

	read_message(message, at, NFTA_SET_ELEM_LIST_MAX + 1);
	if (at[NFTA_SET_ELEM_LIST_ELEMENTS] == NULL)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(at[NFTA_SET_ELEM_LIST_ELEMENTS], each, arg);
}

static int
on_interfaces(const struct nlmsghdr *message, void *arg)
{
	return each_element(message, on_interface, arg);
}

static int
dump_set(struct gateway_state *state, const char *name, mnl_cb_t each, void *arg)
{
	uint8_t bytes[QUESTION_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *message = question(state, bytes, NFT_MSG_GETSETELEM);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	return dump(state, message, each, arg);
}

/* 0, or an errno. */
static int
hash_all(struct gateway_state *state, struct print *print)
{
	static const struct {
		uint16_t type;
		mnl_cb_t each;
	} parts[] = {{NFT_MSG_GETTABLE, on_table}, {NFT_MSG_GETCHAIN, on_chain},
	    {NFT_MSG_GETRULE, on_rule}};
	uint8_t bytes[QUESTION_BYTES] __attribute__((aligned(8)));
	int error = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && error == 0; i++) {
		struct nlmsghdr *message = question(state, bytes, parts[i].type);

		/* Others may have rules by the thousand. */
		if (parts[i].type == NFT_MSG_GETRULE)
			mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
		error = dump(state, message, parts[i].each, print);
	}
	if (error == 0 && print->there)
		error = dump_set(state, "cameras", on_interfaces, print);
	return error;
}

int
gateway_state_print(struct gateway_state *state, uint8_t print[GATEWAY_PRINT_BYTES],
    struct err *err)
{
	struct print made = {.hash = EVP_MD_CTX_new()};
	int error = EINTR, ret = -1;

	if (made.hash == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	for (int i = 0; i < TRIES && error == EINTR; i++) {
		made.there = false;
		memset(made.elements, 0, sizeof(made.elements));
		if (EVP_DigestInit_ex(made.hash, EVP_sha256(), NULL) != 1)
			break;
		error = hash_all(state, &made);
	}
	/* The set is gone, or the table in between. */
	if (error == ENOENT || (error == 0 && !made.there)) {
		(void)err_set(err, ERR_INPUT, "the rules are not there");
	} else if (error != 0) {
		errno = error;
		(void)err_sys(err, "read the kernel's rules");
	} else if (EVP_DigestUpdate(made.hash, made.elements, HASH_BYTES) != 1 ||
		   EVP_DigestFinal_ex(made.hash, print, NULL) != 1) {
		(void)err_tls(err, "hash the kernel's rules");
	} else {
		ret = 0;
	}
	EVP_MD_CTX_free(made.hash);
	return ret;
}

/* ---- what was counted ---- */

struct counts {
	struct drops_count *out;
	size_t count;
	size_t ip_bytes; /* of the set's addresses */
};

static uint64_t
number_of(const struct nlattr *attr)
{
	uint64_t value = 0;

	if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(value))
		return 0;
	memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
	return be64toh(value);
}

/* iifname . ether saddr . ip saddr . meta mark, each to a whole word. */
static bool
read_key(const struct nlattr *attr, size_t ip_bytes, struct drops_key *key)
{
	struct bytes in = {mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)};
	struct bytes iface, ether, ip, mark;
	uint32_t kind;

	if (!bytes_take(&in, IFACE_BYTES, &iface) || !bytes_take(&in, ETHER_BYTES, &ether) ||
	    !bytes_take(&in, ip_bytes, &ip) || !bytes_take(&in, sizeof(kind), &mark))
		return false;
	*key = (struct drops_key){0};
	memcpy(key->iface, iface.at, IFACE_BYTES - 1);
	memcpy(key->mac, ether.at, MAC_BYTES);
	if (ip_bytes == sizeof(struct in_addr))
		key->ip[10] = key->ip[11] = UINT8_MAX; /* mapped, as struct addr is */
	memcpy(key->ip + sizeof(key->ip) - ip_bytes, ip.at, ip_bytes);
	memcpy(&kind, mark.at, sizeof(kind));
	key->kind = (uint16_t)(kind & ROUTES_MARK_MASK);
	return key->kind > ANOMALY_NONE && key->kind < ANOMALY_COUNT;
}

static int
on_count(const struct nlattr *element, void *arg)
{
	const struct nlattr *at[NFTA_SET_ELEM_MAX + 1] = {0}, *data[NFTA_DATA_MAX + 1] = {0};
	const struct nlattr *expression[NFTA_EXPR_MAX + 1] = {0};
	const struct nlattr *counter[NFTA_COUNTER_MAX + 1] = {0};
	struct counts *counts = arg;
	struct drops_count *out = &counts->out[counts->count];

	read_nested(element, at, NFTA_SET_ELEM_MAX + 1);
	read_nested(at[NFTA_SET_ELEM_KEY], data, NFTA_DATA_MAX + 1);
	read_nested(at[NFTA_SET_ELEM_EXPR], expression, NFTA_EXPR_MAX + 1);
	read_nested(expression[NFTA_EXPR_DATA], counter, NFTA_COUNTER_MAX + 1);
	if (counts->count == DROPS_ROWS_MAX || data[NFTA_DATA_VALUE] == NULL ||
	    !read_key(data[NFTA_DATA_VALUE], counts->ip_bytes, &out->key))
		return MNL_CB_OK;
	out->packets = number_of(counter[NFTA_COUNTER_PACKETS]);
	out->bytes = number_of(counter[NFTA_COUNTER_BYTES]);
	counts->count++;
	return MNL_CB_OK;
}

static int
on_counts(const struct nlmsghdr *message, void *arg)
{
	return each_element(message, on_count, arg);
}

int
gateway_state_counts(struct gateway_state *state, struct drops_count *out, size_t *count,
    struct err *err)
{
	struct counts counts = {.out = out};
	int error = EINTR;

	for (int i = 0; i < TRIES && error == EINTR; i++) {
		counts.count = 0;
		counts.ip_bytes = sizeof(struct in_addr);
		error = dump_set(state, "unseen4", on_counts, &counts);
		counts.ip_bytes = sizeof(struct in6_addr);
		if (error == 0)
			error = dump_set(state, "unseen6", on_counts, &counts);
	}
	if (error == ENOENT) {
		*count = 0;
		return 0;
	}
	errno = error;
	if (error != 0)
		return err_sys(err, "read what the kernel's rules counted");
	*count = counts.count;
	return 0;
}

/* ---- changes ---- */

int
gateway_state_fd(const struct gateway_state *state)
{
	return mnl_socket_get_fd(state->changes);
}

void
gateway_state_drain(struct gateway_state *state)
{
	errno = 0;
	/* ENOBUFS tells that more changed than there was room for. */
	while (mnl_socket_recvfrom(state->changes, state->answer, sizeof(state->answer)) > 0 ||
	       errno == ENOBUFS || errno == ENOSPC)
		errno = 0;
}

/* ---- life ---- */

static struct mnl_socket *
open_socket(struct err *err)
{
	struct mnl_socket *made = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (made != NULL && mnl_socket_bind(made, 0, MNL_SOCKET_AUTOPID) == 0)
		return made;
	(void)err_sys(err, "open a netlink socket");
	if (made != NULL)
		(void)mnl_socket_close(made);
	return NULL;
}

struct gateway_state *
gateway_state_open(struct err *err)
{
	struct gateway_state *state = calloc(1, sizeof(*state));
	int group = NFNLGRP_NFTABLES;

	if (state == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	state->questions = open_socket(err);
	state->changes = state->questions != NULL ? open_socket(err) : NULL;
	if (state->changes == NULL)
		goto fail;
	if (mnl_socket_setsockopt(state->changes, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) !=
		0 ||
	    fcntl(mnl_socket_get_fd(state->changes), F_SETFL, O_NONBLOCK) != 0) {
		(void)err_sys(err, "watch the kernel's rules");
		goto fail;
	}
	return state;
fail:
	gateway_state_close(state);
	return NULL;
}

void
gateway_state_close(struct gateway_state *state)
{
	if (state == NULL)
		return;
	if (state->questions != NULL)
		(void)mnl_socket_close(state->questions);
	if (state->changes != NULL)
		(void)mnl_socket_close(state->changes);
	free(state);
}
