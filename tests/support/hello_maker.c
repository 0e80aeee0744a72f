/* SPDX-License-Identifier: MIT */
#include "tests/support/hello_maker.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_HEADER = 4, EXTENSION_PADDING = 21, EXTENSION_HEADER = 4 };

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "hello: %s\n", what);
	abort();
}

void
made_free(struct made *made)
{
	free(made->at);
	*made = (struct made){0};
}

void
made_add(struct made *made, const void *bytes, size_t count)
{
	if (made->size + count >= made->room) {
		made->room = 2 * (made->size + count) + 1;
		made->at = realloc(made->at, made->room);
		need(made->at != NULL, "memory");
	}
	memcpy(made->at + made->size, bytes, count);
	made->size += count;
}

static void
add_u16(struct made *made, size_t value)
{
	const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	need(value <= UINT16_MAX, "a number does not fit");
	made_add(made, bytes, sizeof(bytes));
}

static void
set_name(SSL *ssl, const char *name)
{
	char copy[256];

	if (name == NULL)
		return;
	(void)snprintf(copy, sizeof(copy), "%s", name);
	need(SSL_set_tlsext_host_name(ssl, copy) == 1, "name");
}

struct made
hello_of_openssl(int version_min, int version_max, const char *name, const uint8_t *alpn,
    size_t alpn_size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
	BIO *out = BIO_new(BIO_s_mem());
	struct made made = {0};
	char *at;
	long size;

	need(ssl != NULL && out != NULL, "SSL_new");
	need(SSL_set_min_proto_version(ssl, version_min) == 1 &&
		 SSL_set_max_proto_version(ssl, version_max) == 1,
	    "version");
	set_name(ssl, name);
	need(alpn == NULL || SSL_set_alpn_protos(ssl, alpn, (unsigned)alpn_size) == 0, "ALPN");
	SSL_set_connect_state(ssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	(void)SSL_do_handshake(ssl);
	size = BIO_get_mem_data(out, &at);
	need(size > 0, "nothing was sent");
	made_add(&made, at, (size_t)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return made;
}

struct made
hello_message_with(const void *extensions, size_t size)
{
	static const uint8_t fixed[HELLO_MADE_FIXED] = {3, 3, [34] = 0, 0, 6, 0x13, 0x01, 0xc0,
	    0x2b, 0xc0, 0x2f, 1, 0};
	size_t body = sizeof(fixed) + 2 + size;
	const uint8_t header[MESSAGE_HEADER] = {1, (uint8_t)(body >> 16), (uint8_t)(body >> 8),
	    (uint8_t)body};
	struct made made = {0};

	made_add(&made, header, sizeof(header));
	made_add(&made, fixed, sizeof(fixed));
	add_u16(&made, size);
	made_add(&made, extensions, size);
	return made;
}

static void
add_name(struct made *extensions, const char *name)
{
	size_t size = strlen(name);

	add_u16(extensions, 0);
	add_u16(extensions, size + 5);
	add_u16(extensions, size + 3);
	made_add(extensions, "", 1); /* host_name */
	add_u16(extensions, size);
	made_add(extensions, name, size);
}

struct made
hello_message(const char *name, size_t padding)
{
	static const uint8_t versions[] = {0, 43, 0, 5, 4, 3, 4, 3, 3};
	static const uint8_t signatures[] = {0, 13, 0, 6, 0, 4, 4, 3, 8, 4};
	struct made extensions = {0}, made;
	uint8_t *zeros = calloc(1, padding + 1);

	need(zeros != NULL, "memory");
	if (name != NULL)
		add_name(&extensions, name);
	made_add(&extensions, versions, sizeof(versions));
	made_add(&extensions, signatures, sizeof(signatures));
	add_u16(&extensions, EXTENSION_PADDING);
	add_u16(&extensions, padding);
	made_add(&extensions, zeros, padding);
	made = hello_message_with(extensions.at, extensions.size);
	made_free(&extensions);
	free(zeros);
	return made;
}

struct made
hello_message_of_size(const char *name, size_t size)
{
	struct made least = hello_message(name, 0), made;

	need(least.size <= size, "too small for what it holds");
	made = hello_message(name, size - least.size);
	made_free(&least);
	return made;
}

struct made
hello_records(struct made message, size_t fragment)
{
	struct made made = {0};

	for (size_t at = 0; at < message.size; at += fragment) {
		size_t count = message.size - at < fragment ? message.size - at : fragment;

		made_add(&made, "\x16\x03\x01", 3);
		add_u16(&made, count);
		made_add(&made, message.at + at, count);
	}
	return made;
}
