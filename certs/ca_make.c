/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/text.h"
#include "certs/ca.h"
#include "certs/ca_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A root is put into cameras by hand, so it should outlive them.  Ten
	 * years is what a camera lasts; the limit is 2038, where the 32-bit time of
	 * old firmware ends and every certificate reads as expired. */
	VALID_DAYS = 3650,
	/* A leaf's dates are the server's, clamped to ours.  A public leaf lives at
	 * most 398 days (CA/Browser Forum baseline requirements section 6.3.2); with
	 * two years in hand its notBefore is never moved, so a camera whose clock is
	 * behind takes our leaf whenever it took the server's. */
	BACKDATE_DAYS = 730,
	RSA_BITS = 2048,
	SERIAL_BYTES = 16,    /* RFC 5280 section 4.1.2.2: positive, at most 20 octets */
	COMMON_NAME_MAX = 64, /* ub-common-name, RFC 5280 appendix A.1 */
	ID_BYTES = 4,
	PATH_ROOM = 4096,
};

/* 2025-01-01: no box that runs this had an earlier day; a clock that says so
 * was never set. */
static const time_t clock_earliest = 1735689600;

static EVP_PKEY *
make_key(int kind, struct err *err)
{
	EVP_PKEY *ret = kind == CA_RSA ? EVP_RSA_gen((size_t)RSA_BITS) : EVP_EC_gen("P-256");

	if (ret == NULL)
		(void)err_tls(err, "make a CA key");
	return ret;
}

static const char organisation[] = "Borderlens";
static const char lead[] = "Borderlens CA ";
static const char untrusted_lead[] = "Borderlens untrusted servers ";

bool
ca_is_ours(const X509_NAME *subject)
{
	char name[COMMON_NAME_MAX + 1], owner[sizeof(organisation) + 1];

	if (X509_NAME_get_text_by_NID(subject, NID_organizationName, owner, sizeof(owner)) < 0 ||
	    X509_NAME_get_text_by_NID(subject, NID_commonName, name, sizeof(name)) < 0)
		return false;
	return strcmp(owner, organisation) == 0 &&
	       (strncmp(name, lead, sizeof(lead) - 1) == 0 ||
		   strncmp(name, untrusted_lead, sizeof(untrusted_lead) - 1) == 0);
}

/* The site's name may be longer than what a common name has room for. */
static void
write_common_name(char out[COMMON_NAME_MAX + 1], const char *site, const uint8_t id[ID_BYTES])
{
	size_t room = COMMON_NAME_MAX - (sizeof(lead) - 1) - 1 - 2 * (size_t)ID_BYTES;
	char hex[2 * ID_BYTES + 1];
	size_t used = 0, step;

	while (site[used] != '\0' && (step = text_utf8(site + used, strlen(site + used))) != 0 &&
	       used + step <= room)
		used += step;
	text_hex(hex, id, ID_BYTES);
	(void)snprintf(out, COMMON_NAME_MAX + 1, "%s%.*s %s", lead, (int)used, site, hex);
}

/* site NULL: the one that nobody is to trust. */
static int
set_name(X509 *cert, const char *site)
{
	char common_name[COMMON_NAME_MAX + 1], hex[2 * ID_BYTES + 1];
	uint8_t digest[EVP_MAX_MD_SIZE];
	X509_NAME *name = X509_get_subject_name(cert);

	if (X509_pubkey_digest(cert, EVP_sha256(), digest, NULL) != 1)
		return -1;
	text_hex(hex, digest, ID_BYTES);
	if (site != NULL)
		write_common_name(common_name, site, digest);
	else
		(void)snprintf(common_name, sizeof(common_name), "%s%s", untrusted_lead, hex);
	if (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		(const unsigned char *)organisation, -1, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)common_name, -1, -1, 0) != 1)
		return -1;
	return X509_set_issuer_name(cert, name) == 1 ? 0 : -1;
}

static int
set_serial(X509 *cert)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	int ret = -1;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -1;
	/* Positive, and of 16 bytes whatever was drawn. */
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL)
		ret = 0;
	BN_free(number);
	return ret;
}

static int
add_extensions(X509 *cert)
{
	static const struct {
		int nid;
		const char *value;
	} wanted[] = {
	    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	    {NID_key_usage, "critical,keyCertSign,cRLSign"},
	    {NID_subject_key_identifier, "hash"},
	};
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		X509_EXTENSION *extension =
		    X509V3_EXT_conf_nid(NULL, &ctx, wanted[i].nid, wanted[i].value);
		int added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

		X509_EXTENSION_free(extension);
		if (!added)
			return -1;
	}
	return 0;
}

static int
set_dates(X509 *cert)
{
	time_t now = time(NULL);

	if (X509_time_adj_ex(X509_getm_notBefore(cert), -BACKDATE_DAYS, 0, &now) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(cert), VALID_DAYS, 0, &now) == NULL)
		return -1;
	return 0;
}

/* RFC 5280 section 4.1.2.5: the first that UTCTime can say, and the last. */
static int
set_all_dates(X509 *cert)
{
	if (ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), "19500101000000Z") != 1 ||
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") != 1)
		return -1;
	return 0;
}

static X509 *
sign_cert(EVP_PKEY *key, const char *site, int (*dates)(X509 *cert), struct err *err)
{
	X509 *cert = X509_new();

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(cert, key) != 1 || set_serial(cert) != 0 || set_name(cert, site) != 0 ||
	    dates(cert) != 0 || add_extensions(cert) != 0 ||
	    X509_sign(cert, key, EVP_sha256()) == 0) {
		(void)err_tls(err, "make a CA certificate");
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static X509 *
make_cert(EVP_PKEY *key, const char *site, struct err *err)
{
	if (time(NULL) < clock_earliest) {
		(void)err_set(err, ERR_INPUT, "the clock says it is before 2025: set it first");
		return NULL;
	}
	return sign_cert(key, site, set_dates, err);
}

X509 *
ca_make_untrusted(EVP_PKEY *key, struct err *err)
{
	if (key == NULL) {
		(void)err_tls(err, "make a CA key");
		return NULL;
	}
	return sign_cert(key, NULL, set_all_dates, err);
}

static int
write_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t put = write(fd, bytes, count);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		bytes += put;
		count -= (size_t)put;
	}
	return 0;
}

/* Write dir/name whole or not at all, and never over what is there. */
static int
write_file(int dir, const char *name, mode_t mode, BIO *pem, struct err *err)
{
	char beside[64], *bytes;
	long count = BIO_get_mem_data(pem, &bytes);
	int fd, ret = -1;

	(void)snprintf(beside, sizeof(beside), ".%s.new", name);
	if (unlinkat(dir, beside, 0) != 0 && errno != ENOENT)
		return err_sys(err, "%s: unlink", beside);
	fd = openat(dir, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(err, "%s: create", beside);
	/* The mode as meant, whatever the umask. */
	if (fchmod(fd, mode) != 0 || write_all(fd, bytes, (size_t)count) != 0 || fsync(fd) != 0)
		(void)err_sys(err, "%s: write", beside);
	else if (renameat2(dir, beside, dir, name, RENAME_NOREPLACE) != 0)
		(void)err_sys(err, "%s: rename", name);
	else if (fsync(dir) != 0)
		(void)err_sys(err, "%s: sync its directory", name);
	else
		ret = 0;
	(void)close(fd);
	if (ret != 0)
		(void)unlinkat(dir, beside, 0);
	return ret;
}

static bool
is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int
make_key_file(int dir, const char *name, int kind, struct err *err)
{
	EVP_PKEY *key = make_key(kind, err);
	BIO *pem = BIO_new(BIO_s_secmem());
	int ret = -1;

	if (key == NULL)
		goto out;
	if (pem == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1) {
		(void)err_tls(err, "write a CA key");
		goto out;
	}
	ret = write_file(dir, name, 0600, pem, err);
out:
	BIO_free(pem);
	EVP_PKEY_free(key);
	return ret;
}

/* A kill between the key and the certificate left a key alone: the certificate
 * is then made for it. */
static int
make_cert_file(int dir, int kind, const char *site, struct err *err)
{
	BIO *pem = BIO_new(BIO_s_mem());
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int ret = -1, fd;

	fd = openat(dir, ca_key_names[kind], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		(void)err_sys(err, "%s", ca_key_names[kind]);
		goto out;
	}
	key = ca_key_read(fd, err);
	if (key == NULL)
		goto out;
	cert = make_cert(key, site, err);
	if (cert == NULL)
		goto out;
	if (pem == NULL || PEM_write_bio_X509(pem, cert) != 1) {
		(void)err_tls(err, "write a CA certificate");
		goto out;
	}
	ret = write_file(dir, ca_cert_names[kind], 0644, pem, err);
out:
	if (fd >= 0)
		(void)close(fd);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(pem);
	return ret;
}

static int
make_missing(const char *path, int dir, int kind, const char *site, struct err *err)
{
	char cert[PATH_ROOM], key[PATH_ROOM];
	bool has_cert = is_there(dir, ca_cert_names[kind]);
	bool has_key = is_there(dir, ca_key_names[kind]);

	if (has_cert && !has_key)
		return err_set(err, ERR_INPUT,
		    "%s/%s is there without its key %s: cameras trust it, so it is not replaced",
		    path, ca_cert_names[kind], ca_key_names[kind]);
	if (!has_key && make_key_file(dir, ca_key_names[kind], kind, err) != 0)
		return -1;
	if (!has_cert && make_cert_file(dir, kind, site, err) != 0)
		return -1;
	if ((size_t)snprintf(cert, sizeof(cert), "%s/%s", path, ca_cert_names[kind]) >=
		sizeof(cert) ||
	    (size_t)snprintf(key, sizeof(key), "%s/%s", path, ca_key_names[kind]) >= sizeof(key))
		return err_set(err, ERR_LIMIT, "the path of the CA directory is too long");
	return ca_check(cert, key, err);
}

int
ca_init(const char *dir, const char *site, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return err_sys(err, "%s", dir);
	for (int kind = 0; kind < CA_COUNT && ret == 0; kind++)
		ret = make_missing(dir, fd, kind, site, err);
	(void)close(fd);
	return ret;
}
