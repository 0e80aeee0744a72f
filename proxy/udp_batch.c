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
	SEGMENTS_MAX = 64,           /* UDP_MAX_SEGMENTS of the kernel */
	SEGMENTED_BYTES_MAX = 65000, /* a datagram of IPv4 with its headers has 65,535 */
	/* Beyond what any link takes whole a datagram is not put together with
	 * others: each of them would have to be taken apart twice. */
	SEGMENT_MAX = 1472,
	TRIES = 3, /* errors that stand on a socket from before, and are told once each */
};

/* What comes beside a datagram: where it was sent, in both families' forms at
 * most, and by which interface.  And what goes beside: where to cut. */
enum {
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct sockaddr_in6)) * 2 +
			CMSG_SPACE(sizeof(struct in6_pktinfo)) * 2,
	SEGMENT_BYTES = CMSG_SPACE(sizeof(uint16_t)),
};

struct udp_batch {
	size_t count; /* of messages that are in it */
	struct udp_message messages[UDP_BATCH];
	struct sockaddr_storage froms[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][CONTROL_BYTES];
	struct iovec received[UDP_BATCH];
	struct mmsghdr in[UDP_BATCH];

	const struct udp_message *leaving[UDP_BATCH]; /* one a piece of pieces */
	struct iovec pieces[UDP_BATCH];
	struct sockaddr_storage tos[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t segments[UDP_BATCH][SEGMENT_BYTES];
	struct mmsghdr out[UDP_BATCH];
	uint8_t
	    *bytes; /* UDP_BATCH times UDP_DATAGRAM_MAX; pages that nobody filled cost nothing */
};

struct udp_batch *
udp_batch_new(struct err *err)
{
	struct udp_batch *batch = calloc(1, sizeof(*batch));
	void *bytes;

	if (batch == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for datagrams"), NULL;
	bytes = mmap(NULL, (size_t)UDP_BATCH * UDP_DATAGRAM_MAX, PROT_READ | PROT_WRITE,
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
		    (struct iovec){batch->bytes + i * UDP_DATAGRAM_MAX, UDP_DATAGRAM_MAX};
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
	(void)munmap(batch->bytes, (size_t)UDP_BATCH * UDP_DATAGRAM_MAX);
	free(batch);
}

void
udp_batch_clear(struct udp_batch *batch)
{
	batch->count = 0;
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

static void
take(struct udp_batch *batch, size_t at)
{
	struct mmsghdr *got = &batch->in[at];
	struct udp_message *message = &batch->messages[at];

	*message =
	    (struct udp_message){.payload = {batch->bytes + at * UDP_DATAGRAM_MAX, got->msg_len}};
	(void)addr_from_sockaddr(&message->from, &batch->froms[at]);
	for (struct cmsghdr *control = CMSG_FIRSTHDR(&got->msg_hdr); control != NULL;
	     control = CMSG_NXTHDR(&got->msg_hdr, control))
		take_control(message, control);
}

size_t
udp_batch_receive(struct udp_batch *batch, int fd, size_t most, struct udp_message **first)
{
	size_t start = batch->count;
	int got = -1;

	*first = &batch->messages[start];
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
	for (int i = 0; i < got; i++)
		take(batch, batch->count++);
	return batch->count - start;
}

/* ---- sending ---- */

/* One call's worth of datagrams: `pieces` in `messages`, of which each has one
 * or, put together, more. */
struct call {
	size_t pieces, messages;
	size_t bytes; /* of the message that is being filled */
};

static bool
joins(const struct udp_batch *batch, const struct call *call, const struct udp_message *message)
{
	const struct msghdr *last = &batch->out[call->messages - 1].msg_hdr;
	const struct iovec *before = &batch->pieces[call->pieces - 1];
	size_t each = last->msg_iov[0].iov_len;

	return message->payload.left > 0 && message->payload.left <= each &&
	       before->iov_len == each && each <= SEGMENT_MAX && last->msg_iovlen < SEGMENTS_MAX &&
	       call->bytes + message->payload.left <= SEGMENTED_BYTES_MAX &&
	       addr_equal(&message->to, &batch->leaving[call->pieces - 1]->to);
}

static void
begin(struct udp_batch *batch, struct call *call, const struct udp_message *message)
{
	size_t at = call->messages++;
	struct msghdr *header = &batch->out[at].msg_hdr;

	*header = (struct msghdr){.msg_name = &batch->tos[at],
	    .msg_iov = &batch->pieces[call->pieces],
	    .msg_iovlen = 0};
	header->msg_namelen = addr_to_sockaddr(&message->to, &batch->tos[at]);
	call->bytes = 0;
}

/* From the second on the kernel is told where to cut. */
static void
tell_segments(struct udp_batch *batch, size_t at)
{
	struct msghdr *header = &batch->out[at].msg_hdr;
	struct cmsghdr *control;
	uint16_t each = (uint16_t)header->msg_iov[0].iov_len;

	header->msg_control = batch->segments[at];
	header->msg_controllen = SEGMENT_BYTES;
	control = CMSG_FIRSTHDR(header);
	control->cmsg_level = SOL_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(each));
	memcpy(CMSG_DATA(control), &each, sizeof(each));
}

static void
add(struct udp_batch *batch, struct call *call, const struct udp_message *message)
{
	struct msghdr *header;

	if (call->messages == 0 || !joins(batch, call, message))
		begin(batch, call, message);
	header = &batch->out[call->messages - 1].msg_hdr;
	/* sendmsg(2) does not write to what it sends. */
	batch->pieces[call->pieces] =
	    (struct iovec){(void *)(uintptr_t)message->payload.at, message->payload.left};
	batch->leaving[call->pieces++] = message;
	call->bytes += message->payload.left;
	if (++header->msg_iovlen == 2)
		tell_segments(batch, call->messages - 1);
}

static const struct udp_message *const *
tell_sent(const struct udp_batch *batch, const struct udp_message *const *at, size_t from,
    size_t count, udp_batch_sent *sent, void *arg)
{
	for (size_t i = from; i < from + count; i++) {
		for (size_t k = batch->out[i].msg_hdr.msg_iovlen; k > 0; k--)
			sent(arg, *at++);
	}
	return at;
}

/* One that the kernel refuses as a whole (its path takes no datagrams of that
 * size, ...) goes piece by piece. */
static void
send_pieces(int fd, const struct msghdr *whole, const struct udp_message *const *at,
    udp_batch_sent *sent, void *arg)
{
	for (size_t i = 0; i < whole->msg_iovlen; i++) {
		struct msghdr one = {.msg_name = whole->msg_name,
		    .msg_namelen = whole->msg_namelen,
		    .msg_iov = &whole->msg_iov[i],
		    .msg_iovlen = 1};

		if (sendmsg(fd, &one, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			sent(arg, at[i]);
	}
}

static void
send_call(struct udp_batch *batch, int fd, const struct call *call, udp_batch_sent *sent, void *arg)
{
	const struct udp_message *const *at = batch->leaving;
	size_t done = 0;
	int tries = 0;

	while (done < call->messages) {
		int got = sendmmsg(fd, &batch->out[done], (unsigned)(call->messages - done),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		const struct msghdr *first = &batch->out[done].msg_hdr;

		if (got > 0) {
			at = tell_sent(batch, at, done, (size_t)got, sent, arg);
			done += (size_t)got;
			continue;
		}
		if (errno == EAGAIN || errno == ENOBUFS || errno == EBADF)
			return;
		/* An ICMP error that came for an earlier one is told here, and once. */
		if ((errno == ECONNREFUSED || errno == EINTR) && tries++ < TRIES)
			continue;
		if (first->msg_iovlen > 1)
			send_pieces(fd, first, at, sent, arg);
		at += first->msg_iovlen;
		done++;
	}
}

void
udp_batch_send(struct udp_batch *batch, int fd, const struct udp_message *chain,
    udp_batch_sent *sent, void *arg)
{
	struct call call = {0};

	for (; chain != NULL; chain = chain->next) {
		add(batch, &call, chain);
		if (call.pieces < UDP_BATCH)
			continue;
		send_call(batch, fd, &call, sent, arg);
		call = (struct call){0};
	}
	send_call(batch, fd, &call, sent, arg);
}
