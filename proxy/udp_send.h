/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_SEND_H
#define PROXY_UDP_SEND_H

struct udp_message;

/*
 * Send what hangs together by `next` (proxy/udp_batch.h) to each one's `to`, from fd,
 * by sendmmsg(2).  Neighbours of one size to one receiver go to the kernel as one
 * (UDP_SEGMENT, udp(7)), and are datagrams again behind it.  sent is called for each
 * that the kernel took; what it does not take now is lost, as any datagram may be.
 */
typedef void udp_sent(void *arg, const struct udp_message *message);
void udp_send(int fd, const struct udp_message *chain, udp_sent *sent, void *arg);

#endif
