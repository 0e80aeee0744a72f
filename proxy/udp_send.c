/* SPDX-License-Identifier: MIT */
#include "proxy/udp_send.h"

#include "proxy/udp_batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

enum {
	MESSAGES = 64,               /* that are sent at once, each a datagram or many */
	SEGMENTS_MAX = 64,           /* UDP_MAX_SEGMENTS of the kernel */
	SEGMENTED_BYTES_MAX = 65000, /* a datagram of IPv4 with its headers has 65,535 */
	/* Beyond what any link takes whole a datagram is not put together with
	 * others: each of them would have to be taken apart twice. */
	SEGMENT_MAX = 1472,
	TRIES = 3, /* errors that stand on a socket from before, and are told once each */
	SEGMENT_BYTES = CMSG_SPACE(sizeof(uint16_t)), /* beside a message: where to cut it */
};

/* A message to the kernel: datagrams that hang together by `next`. */
struct leaving {
	const struct udp_message *first;
	size_t count;
};

/* Some 16 KB, on the stack. */
struct sending {
	struct leaving leaving[MESSAGES]; /* one a message of out */
	struct iovec pieces[MESSAGES];
	struct sockaddr_storage tos[MESSAGES];
	_Alignas(struct cmsghdr) uint8_t segments[MESSAGES][SEGMENT_BYTES];
	struct mmsghdr out[MESSAGES];
};

/* One call's worth of datagrams: `pieces` of memory in `messages`, of which each
 * has one datagram or, put together, more. */
struct call {
	size_t pieces, messages;
	/* Of the message that is being filled: */
	size_t bytes, each, last; /* together, of its first datagram, of its last */
};

static bool
joins(const struct sending *sending, const struct call *call, const struct udp_message *message)
{
	const struct leaving *leaving = &sending->leaving[call->messages - 1];

	return message->payload.left > 0 && message->payload.left <= call->each &&
	       call->last == call->each && call->each <= SEGMENT_MAX &&
	       leaving->count < SEGMENTS_MAX &&
	       call->bytes + message->payload.left <= SEGMENTED_BYTES_MAX &&
	       addr_equal(&message->to, &leaving->first->to);
}

static void
begin(struct sending *sending, struct call *call, const struct udp_message *message)
{
	size_t at = call->messages++;
	struct msghdr *header = &sending->out[at].msg_hdr;

	*header = (struct msghdr){.msg_name = &sending->tos[at],
	    .msg_iov = &sending->pieces[call->pieces],
	    .msg_iovlen = 0};
	header->msg_namelen = addr_to_sockaddr(&message->to, &sending->tos[at]);
	sending->leaving[at] = (struct leaving){.first = message};
	call->bytes = 0;
	call->each = message->payload.left;
}

/* From the second on the kernel is told where to cut. */
static void
tell_segments(struct sending *sending, size_t at, uint16_t each)
{
	struct msghdr *header = &sending->out[at].msg_hdr;
	struct cmsghdr *control;

	header->msg_control = sending->segments[at];
	header->msg_controllen = SEGMENT_BYTES;
	control = CMSG_FIRSTHDR(header);
	control->cmsg_level = SOL_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(each));
	memcpy(CMSG_DATA(control), &each, sizeof(each));
}

/* What came as one lies together, and is one piece again. */
static void
add_piece(struct sending *sending, struct call *call, struct bytes payload)
{
	struct msghdr *header = &sending->out[call->messages - 1].msg_hdr;
	struct iovec *last = header->msg_iovlen > 0 ? &sending->pieces[call->pieces - 1] : NULL;

	if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == payload.at) {
		last->iov_len += payload.left;
		return;
	}
	/* sendmsg(2) does not write to what it sends. */
	sending->pieces[call->pieces++] =
	    (struct iovec){(void *)(uintptr_t)payload.at, payload.left};
	header->msg_iovlen++;
}

static void
add(struct sending *sending, struct call *call, const struct udp_message *message)
{
	size_t at;

	if (call->messages == 0 || !joins(sending, call, message))
		begin(sending, call, message);
	at = call->messages - 1;
	add_piece(sending, call, message->payload);
	call->bytes += message->payload.left;
	call->last = message->payload.left;
	if (++sending->leaving[at].count == 2)
		tell_segments(sending, at, (uint16_t)call->each);
}

static void
tell_sent(const struct leaving *leaving, udp_sent *sent, void *arg)
{
	const struct udp_message *message = leaving->first;

	for (size_t i = 0; i < leaving->count; i++, message = message->next)
		sent(arg, message);
}

/* One that the kernel refuses as a whole (its path takes no datagrams of that
 * size, ...) goes datagram by datagram. */
static void
send_each(int fd, const struct msghdr *whole, const struct leaving *leaving, udp_sent *sent,
    void *arg)
{
	const struct udp_message *message = leaving->first;

	for (size_t i = 0; i < leaving->count; i++, message = message->next) {
		struct iovec piece = {(void *)(uintptr_t)message->payload.at,
		    message->payload.left};
		const struct msghdr one = {.msg_name = whole->msg_name,
		    .msg_namelen = whole->msg_namelen,
		    .msg_iov = &piece,
		    .msg_iovlen = 1};

		if (sendmsg(fd, &one, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			sent(arg, message);
	}
}

static void
send_call(struct sending *sending, int fd, const struct call *call, udp_sent *sent, void *arg)
{
	size_t done = 0;
	int tries = 0;

	while (done < call->messages) {
		int got = sendmmsg(fd, &sending->out[done], (unsigned)(call->messages - done),
		    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (got > 0) {
			for (; got > 0; got--)
				tell_sent(&sending->leaving[done++], sent, arg);
			continue;
		}
		if (errno == EAGAIN || errno == ENOBUFS || errno == EBADF)
			return;
		/* An ICMP error that came for an earlier one is told here, and once. */
		if ((errno == ECONNREFUSED || errno == EINTR) && tries++ < TRIES)
			continue;
		if (sending->leaving[done].count > 1)
			send_each(fd, &sending->out[done].msg_hdr, &sending->leaving[done], sent,
			    arg);
		done++;
	}
}

void
udp_send(int fd, const struct udp_message *chain, udp_sent *sent, void *arg)
{
	struct sending sending; /* what of it is used is filled first */
	struct call call = {0};

	for (; chain != NULL; chain = chain->next) {
		add(&sending, &call, chain);
		if (call.pieces < MESSAGES)
			continue;
		send_call(&sending, fd, &call, sent, arg);
		call = (struct call){0};
	}
	send_call(&sending, fd, &call, sent, arg);
}
