/* SPDX-License-Identifier: MIT */
/*
 * A camera with wolfSSL: one HTTP request over TLS.
 *
 *	wolfssl ADDRESS PORT NAME CA 1.2|1.3
 *
 * Exit status 0: answered; 1: not; 2: something else went wrong.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

static int
join(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_port = htons((unsigned short)strtol(port, NULL, 10));
	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return fd;
}

static int
ask(WOLFSSL *tls)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: cloud\r\n\r\n";
	char answer[16] = {0};

	if (wolfSSL_connect(tls) != WOLFSSL_SUCCESS)
		return 1;
	if (wolfSSL_write(tls, request, sizeof(request) - 1) <= 0 ||
	    wolfSSL_read(tls, answer, sizeof(answer) - 1) <= 0)
		return 1;
	return strncmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	WOLFSSL_CTX *ctx;
	WOLFSSL *tls;
	int fd, status;

	if (argc != 6)
		return 2;
	(void)wolfSSL_Init();
	ctx = wolfSSL_CTX_new(strcmp(argv[5], "1.3") == 0 ? wolfTLSv1_3_client_method()
							  : wolfTLSv1_2_client_method());
	fd = join(argv[1], argv[2]);
	if (ctx == NULL || fd < 0 ||
	    wolfSSL_CTX_load_verify_locations(ctx, argv[4], NULL) != WOLFSSL_SUCCESS) {
		(void)fprintf(stderr, "wolfssl: cannot start\n");
		return 2;
	}
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
	tls = wolfSSL_new(ctx);
	if (tls == NULL || wolfSSL_set_fd(tls, fd) != WOLFSSL_SUCCESS ||
	    wolfSSL_check_domain_name(tls, argv[3]) != WOLFSSL_SUCCESS ||
	    wolfSSL_UseSNI(tls, WOLFSSL_SNI_HOST_NAME, argv[3], (unsigned short)strlen(argv[3])) !=
		WOLFSSL_SUCCESS)
		return 2;
	status = ask(tls);
	(void)wolfSSL_shutdown(tls);
	wolfSSL_free(tls);
	wolfSSL_CTX_free(ctx);
	return status;
}
