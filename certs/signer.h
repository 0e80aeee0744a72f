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
 * knows one thing to do, and refuses: names that are no DNS name or address,
 * more than 64 KiB of them, validity outside the CA's, CA:TRUE, a public key
 * that is neither P-256 nor RSA of 2048 to 4096 bits.  It never signs bytes
 * that it did not build.
 */
struct signer;

/* Takes over the authorities in cas (count CA_COUNT; with a configured CA both
 * may be the same one, its reference counted up by the caller). */
struct signer *signer_new(struct ca cas[CA_COUNT], struct err *err);
void signer_free(struct signer *signer);

/* Answer one request: writes the answer to out (IPC_MESSAGE_MAX bytes) and
 * returns its size.  Never fails: what cannot be minted is answered with a
 * refusal.  Pure but for the randomness of signatures; fuzzed. */
size_t signer_answer(struct signer *signer, struct bytes request, uint8_t *out);

#endif
