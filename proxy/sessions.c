/* SPDX-License-Identifier: MIT */
#include "proxy/sessions.h"

#include "base/clock.h"
#include "base/err.h"
#include "proxy/common_sessions.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	BUCKETS = 4096,
	ID_BYTES = 32,
	/* A key is made of the address and port, three ids, a version, and two strings of
	 * at most 255 bytes, each with its length. */
	KEY_TEXT_MAX = 18 + 3 * ID_BYTES + 2 + 2 * 256,
	/* What OpenSSL makes of a certificate is some six times its DER. */
	PARSED_TIMES = 6,
	SESSION_BYTES = 1024, /* without its ticket and certificates */
};

struct entry {
	TAILQ_ENTRY(entry) age;      /* from the newest to the oldest */
	TAILQ_ENTRY(entry) neighbor; /* in its bucket, newest first */
	uint8_t key[SESSION_KEY_BYTES];
	SSL_SESSION *session; /* owned */
	uint64_t proved_ms, gone_ms;
	enum staple staple;
	size_t bytes;
};

TAILQ_HEAD(entry_list, entry);

struct sessions {
	struct entry_list ages;
	struct entry_list buckets[BUCKETS];
	EVP_MD *sha256;                 /* owned */
	struct common_sessions *common; /* owned */
	size_t count, bytes;
};

/* ---- entries ---- */

static struct entry_list *
bucket_of(struct sessions *sessions, const uint8_t key[SESSION_KEY_BYTES])
{
	uint32_t part;

	memcpy(&part, key, sizeof(part));
	return &sessions->buckets[part % BUCKETS];
}

static void
drop(struct sessions *sessions, struct entry *entry)
{
	TAILQ_REMOVE(&sessions->ages, entry, age);
	TAILQ_REMOVE(bucket_of(sessions, entry->key), entry, neighbor);
	sessions->count--;
	sessions->bytes -= entry->bytes;
	SSL_SESSION_free(entry->session);
	free(entry);
}

/* The newest of this key behind `after`, or the newest of all. */
static struct entry *
next_of(struct sessions *sessions, const uint8_t key[SESSION_KEY_BYTES], const struct entry *after)
{
	struct entry *entry =
	    after != NULL ? TAILQ_NEXT(after, neighbor) : TAILQ_FIRST(bucket_of(sessions, key));

	while (entry != NULL && memcmp(entry->key, key, SESSION_KEY_BYTES) != 0)
		entry = TAILQ_NEXT(entry, neighbor);
	return entry;
}

static void
drop_key(struct sessions *sessions, const uint8_t key[SESSION_KEY_BYTES])
{
	struct entry *entry;

	while ((entry = next_of(sessions, key, NULL)) != NULL)
		drop(sessions, entry);
}

/* Keep at most so many of a key. */
static void
thin_out(struct sessions *sessions, const uint8_t key[SESSION_KEY_BYTES])
{
	struct entry *entry = NULL, *last = NULL;
	size_t count = 0;

	while ((entry = next_of(sessions, key, entry)) != NULL) {
		last = entry;
		count++;
	}
	if (count > SESSIONS_A_KEY_MAX)
		drop(sessions, last);
}

/* ---- keeping ---- */

static size_t
ticket_size(const SSL_SESSION *session)
{
	const unsigned char *ticket;
	size_t size = 0;

	SSL_SESSION_get0_ticket(session, &ticket, &size);
	return size;
}

static size_t
estimate(const SSL *ssl, const SSL_SESSION *session)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	size_t bytes = SESSION_BYTES + ticket_size(session);

	for (int i = 0; i < sk_X509_num(chain); i++) {
		int size = i2d_X509(sk_X509_value(chain, i), NULL);

		if (size > 0)
			bytes += (size_t)size * PARSED_TIMES;
	}
	return bytes;
}

/* The server's word on how long it takes the session back, or ours. */
static uint64_t
gone_ms(const SSL_SESSION *session, uint64_t proved_ms, uint64_t now_ms)
{
	uint64_t gone = proved_ms + SESSION_AGE_MAX_MS;
	unsigned long told_s = SSL_SESSION_get_ticket_lifetime_hint(session);

	if (told_s > 0 && told_s < SESSION_AGE_MAX_MS / 1000 && now_ms + told_s * 1000 < gone)
		return now_ms + told_s * 1000;
	return gone;
}

static bool
is_given_once(const SSL_SESSION *session)
{
	return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

static void
keep(const struct session_slot *slot, const SSL *ssl, SSL_SESSION *session, uint64_t now_ms)
{
	struct sessions *sessions = slot->sessions;
	size_t bytes = estimate(ssl, session);
	struct entry *entry;

	if (bytes > SESSION_BYTES_MAX || ticket_size(session) > SESSION_TICKET_MAX ||
	    SSL_SESSION_is_resumable(session) != 1)
		return;
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return;
	/* Before any is dropped: it may be the very one that is held. */
	(void)SSL_SESSION_up_ref(session);
	if (!is_given_once(session))
		drop_key(sessions, slot->key);
	memcpy(entry->key, slot->key, sizeof(entry->key));
	entry->session = session;
	entry->proved_ms = slot->proved_ms;
	entry->staple = slot->staple;
	entry->gone_ms = gone_ms(session, slot->proved_ms, now_ms);
	entry->bytes = bytes;
	TAILQ_INSERT_HEAD(&sessions->ages, entry, age);
	TAILQ_INSERT_HEAD(bucket_of(sessions, slot->key), entry, neighbor);
	sessions->count++;
	sessions->bytes += bytes;
	thin_out(sessions, slot->key);
	while (sessions->count > SESSIONS_MAX || sessions->bytes > SESSIONS_BYTES_MAX)
		drop(sessions, TAILQ_LAST(&sessions->ages, entry_list));
}

/* One to resume, with a reference of the caller's own, or NULL. */
static SSL_SESSION *
take(struct session_slot *slot, uint64_t now_ms)
{
	struct sessions *sessions = slot->sessions;
	struct entry *entry;

	while ((entry = next_of(sessions, slot->key, NULL)) != NULL) {
		SSL_SESSION *session = entry->session;

		if (now_ms >= entry->gone_ms || SSL_SESSION_is_resumable(session) != 1) {
			drop(sessions, entry);
			continue;
		}
		(void)SSL_SESSION_up_ref(session);
		slot->proved_ms = entry->proved_ms;
		slot->staple = entry->staple;
		if (is_given_once(session))
			drop(sessions, entry);
		return session;
	}
	return NULL;
}

/* ---- keys ---- */

struct key_text {
	uint8_t bytes[KEY_TEXT_MAX];
	size_t used;
};

static void
add(struct key_text *text, const void *bytes, size_t count)
{
	memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
}

static void
add_id(struct key_text *text, const uint8_t *id)
{
	static const uint8_t none[ID_BYTES];

	add(text, id != NULL ? id : none, ID_BYTES);
}

/* Each part has a fixed size or its length before it: no two peers give the
 * same bytes. */
static bool
make_key(const struct sessions *sessions, const struct session_peer *peer,
    uint8_t key[SESSION_KEY_BYTES])
{
	size_t name_size = strlen(peer->name);
	struct key_text text = {.used = 0};
	uint8_t size;

	if (name_size > UINT8_MAX || peer->alpn.left > UINT8_MAX)
		return false;
	add(&text, peer->dst->ip, sizeof(peer->dst->ip));
	add(&text, &peer->dst->port, sizeof(peer->dst->port));
	add_id(&text, peer->trust_id);
	add_id(&text, peer->policy_id);
	add_id(&text, peer->client_id);
	add(&text, &peer->min, sizeof(peer->min));
	size = (uint8_t)name_size;
	add(&text, &size, 1);
	add(&text, peer->name, name_size);
	size = (uint8_t)peer->alpn.left;
	add(&text, &size, 1);
	if (size > 0)
		add(&text, peer->alpn.at, size);
	return EVP_Digest(text.bytes, text.used, key, NULL, sessions->sha256, NULL) == 1;
}

/* ---- what a connection does ---- */

/* Where OpenSSL keeps an SSL's slot; one number a process, drawn once. */
static int
slot_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* A server of TLS 1.3 hands out sessions after the handshake, when it is known
 * whether they are wanted; one before it within, so session_accept asks. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	const struct session_slot *slot = SSL_get_ex_data(ssl, slot_index());

	if (slot != NULL && slot->accepted)
		keep(slot, ssl, session, clock_mono_ms());
	return 0; /* its reference stays OpenSSL's */
}

int
sessions_watch(SSL_CTX *ctx, struct err *err)
{
	if (slot_index() < 0)
		return err_tls(err, "sessions: no memory");
	SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return 0;
}

void
session_offer(struct session_slot *slot, struct sessions *sessions, const struct session_peer *peer,
    SSL *ssl, uint64_t now_ms)
{
	SSL_SESSION *session;

	*slot = (struct session_slot){.sessions = sessions};
	if (!make_key(sessions, peer, slot->key) || SSL_set_ex_data(ssl, slot_index(), slot) != 1) {
		slot->sessions = NULL;
		return;
	}
	session = take(slot, now_ms);
	slot->offered = session != NULL && SSL_set_session(ssl, session) == 1;
	SSL_SESSION_free(session);
}

/* One that was resumed without a newer one coming is there still, and no
 * younger than it was. */
static bool
is_kept(const struct session_slot *slot, const SSL_SESSION *session)
{
	const struct entry *entry = next_of(slot->sessions, slot->key, NULL);

	return entry != NULL && entry->session == session;
}

void
session_accept(struct session_slot *slot, SSL *ssl, uint64_t now_ms)
{
	SSL_SESSION *session = SSL_get0_session(ssl);

	if (slot->sessions == NULL)
		return;
	slot->accepted = true;
	if (SSL_session_reused(ssl) != 1)
		slot->proved_ms = now_ms;
	if (session != NULL && !is_given_once(session) && !is_kept(slot, session))
		keep(slot, ssl, session, now_ms);
}

void
session_settle(SSL *ssl)
{
	const struct session_slot *slot = SSL_get_ex_data(ssl, slot_index());

	if (slot != NULL && slot->shared)
		(void)common_sessions_take(slot->sessions->common, slot->key, ssl);
}

void
session_share(struct session_slot *slot, SSL *ssl)
{
	slot->shared = slot->sessions != NULL && slot->accepted;
	session_settle(ssl);
}

void
sessions_settle_camera(struct sessions *sessions, SSL *ssl)
{
	(void)common_sessions_blank(sessions->common, ssl);
}

void
session_forget(struct session_slot *slot)
{
	if (slot->sessions != NULL)
		drop_key(slot->sessions, slot->key);
}

/* ---- life ---- */

struct sessions *
sessions_new(void)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (sessions == NULL)
		return NULL;
	TAILQ_INIT(&sessions->ages);
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&sessions->buckets[i]);
	sessions->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sessions->common = common_sessions_new();
	if (sessions->sha256 == NULL || sessions->common == NULL) {
		sessions_free(sessions);
		return NULL;
	}
	return sessions;
}

void
sessions_free(struct sessions *sessions)
{
	struct entry *entry, *next;

	if (sessions == NULL)
		return;
	for (entry = TAILQ_FIRST(&sessions->ages); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, age);
		SSL_SESSION_free(entry->session);
		free(entry);
	}
	EVP_MD_free(sessions->sha256);
	common_sessions_free(sessions->common);
	free(sessions);
}

size_t
sessions_count(const struct sessions *sessions)
{
	return sessions->count;
}

size_t
sessions_bytes(const struct sessions *sessions)
{
	return sessions->bytes;
}
