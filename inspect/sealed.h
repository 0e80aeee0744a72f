/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_SEALED_H
#define INSPECT_SEALED_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * What is compressed or encrypted and says so: gzip, zlib, zstd, xz, bzip2, zip,
 * 7z, records of TLS, OpenPGP.  Of class PAYLOAD_OPAQUE, with its format; that
 * it is so does not tell what is in it.
 *
 * Source: RFC 1952 section 2.3; RFC 1950 section 2.2; RFC 8878 section 3.1.1;
 * the xz file format 1.2.1 section 2.1; APPNOTE section 4.3.7; RFC 8446 section 5.1.
 */
enum told sealed_tell(struct bytes in, struct payload_finding *out);

/*
 * Inflate gzip or zlib into at most size bytes.  Returns how many came out; 0
 * where it is neither, or broken before anything came.  *ends: the stream was
 * over.  Costs zlib's state (some 7 KiB) for the length of the call; a bomb costs
 * no more than size.
 */
size_t sealed_inflate(struct bytes in, uint8_t *out, size_t size, bool *ends);

/* The same of bytes without a header (RFC 1951); 0 as well where they go on with
 * what was compressed before them. */
size_t sealed_inflate_bare(struct bytes in, uint8_t *out, size_t size);

#endif
