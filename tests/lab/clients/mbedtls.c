/* SPDX-License-Identifier: MIT */
/*
 * A camera with mbedTLS: one HTTP request over TLS.
 *
 *	mbedtls ADDRESS PORT NAME CA required|optional
 *
 * required: the library refuses a certificate that it does not trust; optional:
 * the handshake completes, and the program looks at the result, as many do.
 * Exit status 0: answered; 1: not; 2: something else went wrong.
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_bits;
static mbedtls_x509_crt authority;
static mbedtls_ssl_config config;
static mbedtls_net_context server;
static mbedtls_ssl_context tls;

static int
set_up(const char *ca, const char *name, int verify)
{
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_bits);
	mbedtls_x509_crt_init(&authority);
	mbedtls_ssl_config_init(&config);
	mbedtls_net_init(&server);
	mbedtls_ssl_init(&tls);
	if (mbedtls_ctr_drbg_seed(&random_bits, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
	    mbedtls_x509_crt_parse_file(&authority, ca) != 0 ||
	    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		return -1;
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_bits);
	mbedtls_ssl_conf_ca_chain(&config, &authority, NULL);
	mbedtls_ssl_conf_authmode(&config, verify);
	if (mbedtls_ssl_setup(&tls, &config) != 0 || mbedtls_ssl_set_hostname(&tls, name) != 0)
		return -1;
	mbedtls_ssl_set_bio(&tls, &server, mbedtls_net_send, mbedtls_net_recv, NULL);
	return 0;
}

static int
ask(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: cloud\r\n\r\n";
	unsigned char answer[16] = {0};

	if (mbedtls_ssl_write(&tls, (const unsigned char *)request, sizeof(request) - 1) <= 0 ||
	    mbedtls_ssl_read(&tls, answer, sizeof(answer) - 1) <= 0)
		return 1;
	return strncmp((char *)answer, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	int status;

	if (argc != 6 ||
	    set_up(argv[4], argv[3],
		strcmp(argv[5], "required") == 0 ? MBEDTLS_SSL_VERIFY_REQUIRED
						 : MBEDTLS_SSL_VERIFY_OPTIONAL) != 0 ||
	    mbedtls_net_connect(&server, argv[1], argv[2], MBEDTLS_NET_PROTO_TCP) != 0) {
		(void)fprintf(stderr, "mbedtls: cannot start\n");
		return 2;
	}
	status = mbedtls_ssl_handshake(&tls);
	if (status == 0 && mbedtls_ssl_get_verify_result(&tls) == 0)
		status = ask();
	else
		status = 1;
	(void)mbedtls_ssl_close_notify(&tls);
	mbedtls_net_free(&server);
	return status;
}
