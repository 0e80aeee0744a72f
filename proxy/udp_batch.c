/* SPDX-License-Identifier: MIT */
#include "proxy/udp_batch.h"

#include "base/err.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
	/* From one place to the next: 33 lines of cache more than a datagram takes, or
	 * the beginnings of all would meet in the same few sets of it. */
	PLACE_BYTES = UDP_DATAGRAM_MAX + 1 + 33 * 64,
	TRIES = 3, /* errors that stand on a socket from before, and are told once each */
};

/* What comes beside a datagram: where it was sent, in both families' forms at
 * most, and by which interface. */
enum {
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct sockaddr_in6)) * 2 +
			CMSG_SPACE(sizeof(struct in6_pktinfo)) * 2 + CMSG_SPACE(sizeof(int)),
};

struct udp_batch {
	size_t count; /* of places that are filled */
	struct sockaddr_storage froms[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][CONTROL_BYTES];
	struct iovec received[UDP_BATCH];
	struct mmsghdr in[UDP_BATCH];
	/* Pages that nobody filled cost nothing. */
	uint8_t *bytes;       /* UDP_BATCH places */
	size_t message_count; /* what is in the places */
	struct udp_message messages[UDP_BATCH_MESSAGES];
};

struct udp_batch *
udp_batch_new(struct err *err)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));
	void *bytes;

	if (batch == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for datagrams"), NULL;
	bytes = mmap(NULL, (size_t)UDP_BATCH * PLACE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED) {
		(void)err_sys(err, "datagrams");
		free(batch);
		return NULL;
	}
	batch->bytes = bytes;
	for (size_t i = 0; i < UDP_BATCH; i++) {
		struct msghdr *header = &batch->in[i].msg_hdr;

		batch->received[i] =
		    (struct iovec){batch->bytes + i * PLACE_BYTES, UDP_DATAGRAM_MAX};
		header->msg_name = &batch->froms[i];
		header->msg_control = batch->controls[i];
		header->msg_iov = &batch->received[i];
		header->msg_iovlen = 1;
	}
	return batch;
}

void
udp_batch_free(struct udp_batch *batch)
{
	if (batch == NULL)
		return;
	(void)munmap(batch->bytes, (size_t)UDP_BATCH * PLACE_BYTES);
	free(batch);
}

void
udp_batch_clear(struct udp_batch *batch)
{
	batch->count = 0;
	batch->message_count = 0;
}

size_t
udp_batch_room(const struct udp_batch *batch)
{
	return UDP_BATCH - batch->count;
}

/* ---- receiving ---- */

static void
take_address(struct udp_message *message, const struct cmsghdr *control, size_t size)
{
	struct sockaddr_storage storage = {0};

	if (control->cmsg_len < CMSG_LEN(size))
		return;
	memcpy(&storage, CMSG_DATA(control), size);
	(void)addr_from_sockaddr(&message->to, &storage);
}

static void
take_control(struct udp_message *message, const struct cmsghdr *control)
{
	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVORIGDSTADDR) {
		take_address(message, control, sizeof(struct sockaddr_in));
	} else if (control->cmsg_level == IPPROTO_IPV6 &&
		   control->cmsg_type == IPV6_RECVORIGDSTADDR) {
		take_address(message, control, sizeof(struct sockaddr_in6));
	} else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(control), sizeof(info));
		message->ifindex = (uint32_t)info.ipi_ifindex;
	} else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(control), sizeof(info));
		message->ifindex = (uint32_t)info.ipi6_ifindex;
	}
}

static size_t
take_size(const struct cmsghdr *control)
{
	int size;

	if (control->cmsg_len < CMSG_LEN(sizeof(size)))
		return 0;
	memcpy(&size, CMSG_DATA(control), sizeof(size));
	return size > 0 ? (size_t)size : 0;
}

/* What came as one, taken apart: all of one size, but for a shorter last one. */
static void
take_apart(struct udp_batch *batch, const struct udp_message *whole, size_t each)
{
	struct bytes rest = whole->payload;

	do {
		struct udp_message *message = &batch->messages[batch->message_count];

		*message = *whole;
		message->payload = rest;
		if (each > 0 && each < rest.left)
			message->payload.left = each;
		rest.at += message->payload.left;
		rest.left -= message->payload.left;
		batch->message_count++;
	} while (rest.left > 0 && batch->message_count < UDP_BATCH_MESSAGES);
}

static void
take(struct udp_batch *batch, size_t at)
{
	struct mmsghdr *got = &batch->in[at];
	struct udp_message whole = {.payload = {batch->received[at].iov_base, got->msg_len}};
	size_t each = 0;

	(void)addr_from_sockaddr(&whole.from, &batch->froms[at]);
	for (struct cmsghdr *control = CMSG_FIRSTHDR(&got->msg_hdr); control != NULL;
	     control = CMSG_NXTHDR(&got->msg_hdr, control)) {
		if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
			each = take_size(control);
		else
			take_control(&whole, control);
	}
	take_apart(batch, &whole, each);
}

void
udp_batch_gather(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
}

size_t
udp_batch_receive(struct udp_batch *batch, int fd, size_t most, struct udp_message **first)
{
	size_t start = batch->count, before = batch->message_count;
	int got = -1;

	*first = &batch->messages[before];
	if (most > udp_batch_room(batch))
		most = udp_batch_room(batch);
	if (most == 0)
		return 0;
	for (size_t i = start; i < start + most; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(batch->froms[i]);
		batch->in[i].msg_hdr.msg_controllen = sizeof(batch->controls[i]);
	}
	for (int tries = 0; got < 0 && tries < TRIES; tries++) {
		got = recvmmsg(fd, &batch->in[start], (unsigned)most, MSG_DONTWAIT, NULL);
		if (got < 0 && errno == EAGAIN)
			return 0;
	}
	for (int i = 0; i < got && batch->message_count < UDP_BATCH_MESSAGES; i++)
		take(batch, batch->count++);
	return batch->message_count - before;
}
