/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "inspect/datagram_hello.h"
#include "inspect/datagram_watch.h"

#include <assert.h>
#include <string.h>

static void
check_told(const struct app_facts *app, const struct hello_facts *hello)
{
	assert(app->proto != APP_NONE && app->proto < APP_COUNT);
	assert(app->first_size <= sizeof(app->first));
	assert(app->first_size == 0 || app->proto == APP_UNKNOWN);
	assert(memchr(app->method, '\0', sizeof(app->method)) != NULL);
	assert(memchr(app->agent, '\0', sizeof(app->agent)) != NULL);
	assert(memchr(hello->sni, '\0', sizeof(hello->sni)) != NULL);
	assert(hello->kind == HELLO_NONE || app->proto == APP_QUIC || app->proto == APP_DTLS);
}

/* What comes once it is told. */
static void
watch_flow(struct bytes in, uint16_t port, enum app_proto proto, const struct hello_facts *hello)
{
	struct datagram_watch watch = {.proto = (uint8_t)proto,
	    .hello = datagram_hello_mark(hello)};
	struct payload_finding finding;
	struct bytes datagram;

	while (bytes_vec16(&in, &datagram)) {
		uint8_t sealed = watch.sealed;
		bool turns = datagram_watch_look(&watch, datagram, port) == DATAGRAM_TURNS;

		/* No packet was tried. */
		assert(datagram_hello_is_costly(datagram) || watch.sealed == sealed);
		assert(!turns || datagram.left > DATAGRAM_KEEPALIVE_MAX);
		if (datagram_is_footage(datagram, &finding))
			assert(finding.confidence != CONFIDENCE_NONE);
		assert(watch.sealed <= DATAGRAM_WATCH_SEALED);
		watch.footage = turns;
	}
}

static void
tell_flow(struct bytes in)
{
	struct datagram_teller *teller = NULL;
	enum datagram_result result = DATAGRAM_MORE;
	struct app_facts app = {0};
	struct hello_facts hello = {0};
	struct bytes datagram;
	unsigned count = 0;
	uint16_t port;

	if (!bytes_u16(&in, &port))
		return;
	while (result == DATAGRAM_MORE && bytes_vec16(&in, &datagram)) {
		result = datagram_tell(&teller, datagram, port, &app, &hello);
		count++;
	}
	assert(count <= DATAGRAM_TELL_MAX);
	assert((teller != NULL) == (result == DATAGRAM_MORE && count > 0));
	datagram_give_up(&teller, &app, &hello);
	if (count > 0)
		check_told(&app, &hello);
	watch_flow(in, port, app.proto, &hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The server's port, then a flow's datagrams, each behind two bytes with its size. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tell_flow((struct bytes){data, size});
	return 0;
}
