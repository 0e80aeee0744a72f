/* SPDX-License-Identifier: MIT */
#include "certs/certificate.h"

#include "base/text.h"
#include "certs/names.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum {
	SERIAL_MAX = 20, /* RFC 5280 section 4.1.2.2, in octets */
	SHA1_BYTES = 20,
	/* RFC 2253 quoting keeps "CN=a, O=b" from being forged by a comma in a. */
	NAME_FLAGS = ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT |
		     ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER | XN_FLAG_SEP_CPLUS_SPC |
		     XN_FLAG_FN_SN,
};

bool
certificate_time(const ASN1_TIME *time, int64_t *out)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

bool
certificate_dates(const X509 *cert, int64_t *not_before, int64_t *not_after)
{
	int64_t from, to;

	if (!certificate_time(X509_get0_notBefore(cert), &from) ||
	    !certificate_time(X509_get0_notAfter(cert), &to))
		return false;
	*not_before = from;
	*not_after = to;
	return true;
}

bool
certificate_names(const X509 *cert, struct bytes *names)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *value;

	*names = (struct bytes){0};
	if (at < 0)
		return true;
	if (X509_get_ext_by_NID(cert, NID_subject_alt_name, at) >= 0)
		return false;
	value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
	*names = (struct bytes){.at = ASN1_STRING_get0_data(value),
	    .left = (size_t)ASN1_STRING_length(value)};
	return true;
}

static void
name_text(X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at = NULL;

	out[0] = '\0';
	if (bio == NULL)
		return;
	if (X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0) {
		size_t count = (size_t)BIO_get_mem_data(bio, &at);

		if (count >= size)
			count = size - 1;
		if (count > 0)
			memcpy(out, at, count);
		out[count] = '\0';
	}
	BIO_free(bio);
}

/* "AA:BB" or "aa:bb"; whole pairs only where it does not fit. */
static void
colon_hex(char *out, size_t size, struct bytes from, const char *digits)
{
	size_t used = 0;

	for (size_t i = 0; i < from.left && used + 3 < size; i++) {
		if (i > 0)
			out[used++] = ':';
		out[used++] = digits[from.at[i] >> 4];
		out[used++] = digits[from.at[i] & 15];
	}
	out[used] = '\0';
}

void
certificate_describe(X509 *cert, const uint8_t sha256[32], struct server_facts *facts)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	uint8_t sha1[EVP_MAX_MD_SIZE] = {0};

	memcpy(facts->sha256, sha256, sizeof(facts->sha256));
	name_text(X509_get_subject_name(cert), facts->subject, sizeof(facts->subject));
	name_text(X509_get_issuer_name(cert), facts->issuer, sizeof(facts->issuer));
	colon_hex(facts->serial, sizeof(facts->serial),
	    (struct bytes){.at = ASN1_STRING_get0_data(serial),
		.left = (size_t)ASN1_STRING_length(serial)},
	    "0123456789ABCDEF");
	(void)X509_digest(cert, EVP_sha1(), sha1, NULL);
	colon_hex(facts->sha1, sizeof(facts->sha1), (struct bytes){.at = sha1, .left = SHA1_BYTES},
	    "0123456789abcdef");
	facts->not_before = 0;
	facts->not_after = 0;
	(void)certificate_dates(cert, &facts->not_before, &facts->not_after);
}

static bool
serial_is_valid(const X509 *cert)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const unsigned char *at = ASN1_STRING_get0_data(serial);
	int count = ASN1_STRING_length(serial);

	/* The content octets hold a sign bit of their own: 20 of them leave 159
	 * bits for a positive number. */
	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || count < 1 || count > SERIAL_MAX ||
	    (count == SERIAL_MAX && at[0] >= 0x80))
		return false;
	return count > 1 || at[0] != 0;
}

uint32_t
certificate_key_errors(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL)
		return CERT_MALFORMED;
	/* No browser or TLS profile takes DSA in a server's certificate, and RSA
	 * keys of an odd length come from broken makers. */
	if (EVP_PKEY_is_a(key, "DSA") ||
	    (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) % 8 != 0))
		return CERT_WEAK;
	return 0;
}

static uint32_t
name_errors(const X509 *cert)
{
	struct bytes extension, names;
	struct san san;

	if (!certificate_names(cert, &extension))
		return CERT_MALFORMED;
	if (extension.left == 0)
		return 0;
	if (!san_open(extension, &names))
		return CERT_MALFORMED;
	while (san_next(&names, &san)) {
		/* A NUL ends the name for C and goes on for DER: never honest. */
		if (san.kind == SAN_DNS && memchr(san.value.at, '\0', san.value.left) != NULL)
			return CERT_MALFORMED;
	}
	return names.left == 0 ? 0 : CERT_MALFORMED;
}

uint32_t
certificate_errors(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);
	uint32_t errors = name_errors(cert);

	if (X509_get_version(cert) != X509_VERSION_3 || !serial_is_valid(cert) ||
	    (flags & EXFLAG_INVALID) != 0)
		errors |= CERT_MALFORMED;
	/* An issuer's certificate: its key may make any name's. */
	if ((flags & EXFLAG_CA) != 0 ||
	    ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) != 0))
		errors |= CERT_WRONG_PURPOSE;
	if (X509_get_ext_by_NID(cert, NID_name_constraints, -1) >= 0)
		errors |= CERT_MALFORMED; /* RFC 5280 section 4.2.1.10: in CA certificates only */
	return errors;
}
