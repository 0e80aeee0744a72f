# SPDX-License-Identifier: MIT
"""ClientHellos as bytes: real ones from OpenSSL, and how they are cut.

Source: RFC 8446 sections 4.1.2, 4.2, 4.2.3 (padding: RFC 7685) and 5.1.
"""

import ssl
import struct

RECORD_MAX = 16384
PADDING = 21


def real_hello(name):
    """The handshake message of a ClientHello that OpenSSL makes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    record = outgoing.read()
    assert record[0] == 22
    return record[5:]


def without(extensions, unwanted):
    """The extensions less those of one type: none may stand twice."""
    kept = b""
    while extensions:
        kind, length = struct.unpack_from(">HH", extensions)
        if kind != unwanted:
            kept += extensions[:4 + length]
        extensions = extensions[4 + length:]
    return kept


def padded(message, size):
    """The same hello with a padding extension, so that the message with its
    4-byte header has `size` bytes."""
    at = 4 + 2 + 32
    at += 1 + message[at]                                        # session id
    at += 2 + struct.unpack_from(">H", message, at)[0]           # cipher suites
    at += 1 + message[at]                                        # compression methods
    extensions = without(message[at + 2:], PADDING)
    fill = size - (at + 2 + len(extensions)) - 4
    assert fill >= 0
    extensions += struct.pack(">HH", PADDING, fill) + bytes(fill)
    body = message[4:at] + struct.pack(">H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message, size=RECORD_MAX):
    """The message in TLS records of at most `size` bytes."""
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(part)) + part
                    for part in (message[at:at + size] for at in range(0, len(message), size)))
