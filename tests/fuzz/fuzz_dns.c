/* SPDX-License-Identifier: MIT */
#include "inspect/dns.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[DNS_REFUSAL_MAX];
	struct dns_message message, refusal;
	size_t answered;

	if (!dns_read((struct bytes){data, size}, &message))
		return 0;
	assert(message.address_count <= DNS_ADDRESSES_MAX);
	assert(memchr(message.asked.name, '\0', sizeof(message.asked.name)) != NULL);
	assert(memchr(message.answers, '\0', sizeof(message.answers)) != NULL);
	answered = dns_refuse(&message, out);
	assert(answered <= sizeof(out));
	if (answered == 0)
		return 0;
	assert(
	    dns_read((struct bytes){out, answered}, &refusal) && refusal.whole && refusal.answer);
	assert(dns_same_question(&message.asked, &refusal.asked));
	return 0;
}
