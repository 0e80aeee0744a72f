/* SPDX-License-Identifier: MIT */
#ifndef CERTS_SIGNER_H
#define CERTS_SIGNER_H

#include "base/bytes.h"
#include "certs/ca.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The signer: holds the CA keys and answers mint requests (certs/mint.h).  It
 * writes every byte that it signs from a profile of its own, in which a
 * requester chooses only the subject, the names, the dates and the public key:
 *
 *	version 3, a serial of 16 bytes derived from the CA's key and the
 *	request (the same request, the same serial), SHA-256; basicConstraints
 *	CA:FALSE and keyUsage digitalSignature (RSA: keyEncipherment too), both
 *	critical; extendedKeyUsage serverAuth; the names, critical where the
 *	subject is empty; subject and authority key identifiers.
 *
 * Dates are cut to the CA's.  For LEAF_UNTRUSTED_* the signer has two more
 * authorities, made in its memory when it starts and never written anywhere, so
 * no camera can ever be made to trust them; they hold for all dates.  They sign
 * also what is asked of the CA and has dates wholly outside the CA's.
 *
 * It refuses: names that are no host name or
 * address, a subject that is none or longer than 4 KiB, dates that end before
 * they begin, a public key that is not P-256, or for a kind of RSA not RSA of 2048 to
 * 4096 bits, and whatever does not fit a message.
 */
struct signer;

/* Takes over the authorities in cas and leaves them empty (count CA_COUNT; with
 * a configured CA both may be the same one, its references counted up by the
 * caller), on failure too. */
struct signer *signer_new(struct ca cas[CA_COUNT], struct err *err);
void signer_free(struct signer *signer);

/*
 * Answer one request: writes the answer to out (IPC_MESSAGE_MAX bytes) and
 * returns its size.  Never fails: what cannot be minted is answered with a
 * refusal.  0: the request is for the RSA leaf key, which is not made yet;
 * answer it again after signer_make_key.  Pure but for the randomness of
 * signatures; fuzzed.
 */
size_t signer_answer(struct signer *signer, struct bytes request, uint8_t *out);

/*
 * Make the RSA leaf key, and before it the RSA authority that no camera trusts,
 * once; takes up to seconds.  meanwhile is called over
 * and over with arg while it is searched for, so that a signer may go on
 * answering (not NULL).
 */
int signer_make_key(struct signer *signer, void (*meanwhile)(void *arg), void *arg,
    struct err *err);
bool signer_has_key(const struct signer *signer);

#endif
