/* SPDX-License-Identifier: MIT */
#ifndef CERTS_SIGNER_H
#define CERTS_SIGNER_H

#include "base/bytes.h"
#include "certs/ca.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The signer: holds the CA keys and answers mint requests (certs/mint.h).  It
 * writes every byte that it signs from a profile of its own, in which a
 * requester chooses only the subject, the names and the dates:
 *
 *	version 3, a serial of 16 bytes derived from the CA's key, the leaf's
 *	and the request (the same ones, the same serial), SHA-256; basicConstraints
 *	CA:FALSE and keyUsage digitalSignature (RSA: keyEncipherment too), both
 *	critical; extendedKeyUsage serverAuth; the names, critical where the
 *	subject is empty; subject and authority key identifiers.
 *
 * Dates are cut to the CA's.  For LEAF_UNTRUSTED_* the signer has two more
 * authorities, made in its memory when it starts and never written anywhere, so
 * no camera can ever be made to trust them; they hold for all dates.  They sign
 * also what is asked of the CA and has dates wholly outside the CA's.
 *
 * The leaves' keys are its own, P-256 and RSA-2048, made when it starts; who is
 * answered with a leaf has the private key with it.  What it made it remembers:
 * who asks for the same again, the same worker or another, is given the same
 * leaf, bit for bit.  A leaf is all that its request, the authorities and the key
 * say, so one that is remembered is never older than a new one would be; the
 * memory is bounded by number and bytes, and goes with the signer.
 *
 * It refuses: names that are no host name or
 * address, a subject that is none or longer than 4 KiB, dates that end before
 * they begin, and whatever does not fit a message.
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
 * refusal; what needs the RSA leaf key before it is made, with MINT_LATER.  Pure
 * but for the randomness of signatures, and what is remembered; fuzzed.
 */
size_t signer_answer(struct signer *signer, struct bytes message, uint8_t *out);

/* How many leaves it has made. */
uint64_t signer_minted(const struct signer *signer);

/*
 * Make the RSA leaf key, and before it the RSA authority that no camera trusts,
 * once; takes up to seconds.  meanwhile is called over
 * and over with arg while it is searched for, so that a signer may go on
 * answering (not NULL).  Where it fails, what needs the key is refused.
 */
int signer_make_key(struct signer *signer, void (*meanwhile)(void *arg), void *arg,
    struct err *err);

#endif
