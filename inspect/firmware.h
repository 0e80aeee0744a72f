/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_FIRMWARE_H
#define INSPECT_FIRMWARE_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * What a device would run or write to its flash: programs (ELF, scripts),
 * images of boot loaders and file systems, and the update files of two makers.
 *
 *	elf        magic, class, byte order, version, and a header of the size that
 *	           goes with them                                  (System V gABI chapter 4)
 *	script     "#!/" and a path to a shell or an interpreter
 *	uimage     magic and the CRC of the header                 (U-Boot include/image.h)
 *	fit        a device tree's header whose offsets follow     (Devicetree v0.4 section 5.2)
 *	squashfs   magic, version 4.0, a block size and its logarithm
 *	ubi        magic, version 1 and the CRC of the header      (Linux ubi-media.h)
 *	ubifs      magic and the CRC of the node where it is there (Linux ubifs-media.h)
 *	jffs2      magic, a node's type, and the CRC of its header (Linux jffs2.h)
 *	cramfs     magic and signature; romfs, littlefs are not read
 *	android-sparse, android-boot  magic and sizes of headers   (AOSP sparse_format.h)
 *	trx        magic, a length and a version                   (OpenWrt)
 *	cpio, tar  newc's numbers; ustar and the header's checksum (POSIX.1 pax);
 *	           probable, for they hold anything
 *	hikvision  digicap.dav: magic and a count of files once its header is
 *	           uncovered with the published key
 *	dahua      a zip whose first letters are DH
 */
enum told firmware_tell(struct bytes in, struct payload_finding *out);

/* Where it is a tar, go to what its first file holds. */
bool firmware_open_tar(struct bytes *in);

#endif
