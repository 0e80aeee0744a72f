/* SPDX-License-Identifier: MIT */
#include "certs/pem.h"

#include "base/err.h"
#include "certs/verify.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct pki root;

/* Whoever asks for the passphrase is told it: there is no terminal, and it stands in
 * stdin. */
static void
begin(void)
{
	int ends[2], terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

	root = pki_root("Root");
	if (terminal >= 0) {
		cr_assert_eq(ioctl(terminal, TIOCNOTTY), 0);
		(void)close(terminal);
	}
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], "secret\nsecret\n", 14), 14);
	(void)close(ends[1]);
	cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(ends[0]);
}

static void
end(void)
{
	pki_free(&root);
}

TestSuite(pem, .init = begin, .fini = end);

/* That nobody was asked, and stdin is as it was. */
static void
expect_unasked(void)
{
	char left[32];

	cr_expect_eq(read(STDIN_FILENO, left, sizeof(left)), 14);
}

static struct bytes
bytes_of(BIO *bio)
{
	char *at;
	size_t count = (size_t)BIO_get_mem_data(bio, &at);

	return (struct bytes){(const uint8_t *)at, count};
}

static BIO *
lock(i2d_of_void *write_der, const char *name, const void *what)
{
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert_eq(PEM_ASN1_write_bio(write_der, name, bio, what, EVP_aes_128_cbc(),
			 (const unsigned char *)"secret", 6, NULL, NULL),
	    1);
	cr_assert_not_null(strstr((const char *)bytes_of(bio).at, "ENCRYPTED"));
	return bio;
}

Test(pem, of_a_root_that_is_locked_is_refused_and_nobody_is_asked)
{
	BIO *bio = lock((i2d_of_void *)i2d_X509, PEM_STRING_X509, root.cert);
	char distrusted[VERIFY_ROOT_MAX];
	struct err err = {0};

	cr_expect_null(verify_store(bytes_of(bio), "roots.pem", &err));
	cr_expect_not_null(strstr(err.text, "roots.pem"));
	cr_expect_not(verify_distrusts(bytes_of(bio), distrusted));
	expect_unasked();
	BIO_free(bio);
}

Test(pem, of_a_list_that_is_locked_is_refused_and_nobody_is_asked)
{
	X509_CRL *list = pki_list(&root, NULL, -1, 30);
	BIO *bio = lock((i2d_of_void *)i2d_X509_CRL, PEM_STRING_X509_CRL, list);
	X509_STORE *store = pki_store(&root);
	struct err err = {0};
	int64_t next_s;

	cr_expect_neq(verify_add_lists(store, bytes_of(bio), "lists.pem", &next_s, &err), 0);
	cr_expect_not_null(strstr(err.text, "lists.pem"));
	expect_unasked();
	X509_STORE_free(store);
	X509_CRL_free(list);
	BIO_free(bio);
}
