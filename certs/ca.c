/* SPDX-License-Identifier: MIT */
#include "certs/ca.h"

#include "base/err.h"
#include "certs/ca_private.h"
#include "certs/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const ca_cert_names[CA_COUNT] = {"ca.pem", "ca-rsa.pem"};
const char *const ca_key_names[CA_COUNT] = {"ca.key", "ca-rsa.key"};

enum {
	FILE_MAX = 65536, /* a key or a certificate in PEM, with room for comments */
};

/* The whole file behind fd as a BIO on `room`, which the caller wipes. */
static BIO *
read_pem(int fd, char room[FILE_MAX], const char *what, struct err *err)
{
	size_t used = 0;
	BIO *ret;

	while (used < FILE_MAX) {
		ssize_t got = pread(fd, room + used, FILE_MAX - used, (off_t)used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)err_sys(err, "%s: read", what);
			return NULL;
		}
		if (got == 0)
			break;
		used += (size_t)got;
	}
	if (used == FILE_MAX) {
		(void)err_set(err, ERR_LIMIT, "%s is longer than %d bytes", what, FILE_MAX - 1);
		return NULL;
	}
	ret = BIO_new_mem_buf(room, (int)used);
	if (ret == NULL)
		(void)err_tls(err, "%s: no memory", what);
	return ret;
}

static X509 *
read_cert(int fd, struct err *err)
{
	char room[FILE_MAX];
	BIO *pem = read_pem(fd, room, "the CA certificate", err);
	X509 *ret;

	if (pem == NULL)
		return NULL;
	ret = PEM_read_bio_X509(pem, NULL, pem_no_passphrase, NULL);
	if (ret == NULL)
		(void)err_tls(err, "the CA certificate is no PEM certificate");
	BIO_free(pem);
	return ret;
}

EVP_PKEY *
ca_key_read(int fd, struct err *err)
{
	char room[FILE_MAX];
	struct stat st;
	EVP_PKEY *ret = NULL;
	BIO *pem;

	if (fstat(fd, &st) != 0) {
		(void)err_sys(err, "the CA key: fstat");
		return NULL;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		(void)err_set(err, ERR_INPUT,
		    "the CA key may be used by others than its owner (mode %03o, must be 600)",
		    st.st_mode & 0777U);
		return NULL;
	}
	pem = read_pem(fd, room, "the CA key", err);
	if (pem != NULL) {
		ret = PEM_read_bio_PrivateKey(pem, NULL, pem_no_passphrase, NULL);
		if (ret == NULL)
			(void)err_tls(err, "the CA key is no PEM private key without passphrase");
		BIO_free(pem);
	}
	OPENSSL_cleanse(room, sizeof(room));
	return ret;
}

static int
check_cert(X509 *cert, struct err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL)
		return err_tls(err, "the CA certificate's key cannot be used");
	if (!EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "RSA"))
		return err_set(err, ERR_INPUT, "the CA key is neither EC nor RSA");
	if (!pem_key_is_strong(key))
		return err_set(err, ERR_INPUT, "the CA key is weaker than RSA-2048");
	/* 1: a version 3 certificate that says CA:TRUE, and whose key usage, if
	 * there is one, holds keyCertSign (X509_check_ca(3)). */
	if (X509_check_ca(cert) != 1)
		return err_set(err, ERR_INPUT, "the CA certificate is not one of a CA");
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
		return err_set(err, ERR_INPUT, "the CA certificate is not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
		return err_set(err, ERR_INPUT, "the CA certificate has expired");
	return 0;
}

int
ca_read(struct ca *ca, int cert_fd, int key_fd, struct err *err)
{
	struct ca found = {0};

	found.cert = read_cert(cert_fd, err);
	if (found.cert == NULL || check_cert(found.cert, err) != 0)
		goto out;
	if (key_fd >= 0) {
		found.key = ca_key_read(key_fd, err);
		if (found.key == NULL)
			goto out;
		if (X509_check_private_key(found.cert, found.key) != 1) {
			(void)err_tls(err, "the CA certificate and the CA key are no pair");
			goto out;
		}
	}
	*ca = found;
	return 0;
out:
	ca_clear(&found);
	return -1;
}

void
ca_clear(struct ca *ca)
{
	if (ca == NULL)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	*ca = (struct ca){0};
}

/* A regular file, opened so that a fifo in its place cannot hold us up. */
static int
open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "%s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return err_set(err, ERR_INPUT, "%s is no regular file", path);
}

static void
name_path(const char *path, struct err *err)
{
	char text[sizeof(err->text)];

	if (err == NULL)
		return;
	memcpy(text, err->text, sizeof(text));
	(void)err_set(err, err->kind, "%s: %s", path, text);
}

int
ca_check(const char *cert_path, const char *key_path, struct err *err)
{
	struct ca ca = {0};
	int cert_fd, key_fd = -1, ret = -1;

	cert_fd = open_file(cert_path, err);
	if (cert_fd < 0)
		goto out;
	key_fd = open_file(key_path, err);
	if (key_fd < 0)
		goto out;
	ret = ca_read(&ca, cert_fd, key_fd, err);
	if (ret != 0)
		name_path(cert_path, err);
out:
	ca_clear(&ca);
	if (key_fd >= 0)
		(void)close(key_fd);
	if (cert_fd >= 0)
		(void)close(cert_fd);
	return ret;
}

X509 *
ca_cert_load(const char *path, struct err *err)
{
	int fd = open_file(path, err);
	X509 *ret;

	if (fd < 0)
		return NULL;
	ret = read_cert(fd, err);
	if (ret == NULL)
		name_path(path, err);
	(void)close(fd);
	return ret;
}
