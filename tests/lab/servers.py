# SPDX-License-Identifier: MIT
"""The clouds: servers on the internet's addresses, good ones and bad ones."""

import os
import socket
import ssl
import struct
import subprocess
import threading

from net import die_with_parent, family_of
from appliance import wait_for


def strict(made):
    """A context to which a FIN without close_notify is an error, of which
    is_truncation() is true; to Python 3.11.2, which Debian has, it is a clean end."""
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return made


def is_truncation(error):
    """Its class differs between versions of Python."""
    return isinstance(error, ssl.SSLError) and error.reason == "UNEXPECTED_EOF_WHILE_READING"


def context(identity, **settings):
    made = strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    made.load_cert_chain(identity.chain, identity.key)
    for key, value in settings.items():
        setattr(made, key, value)
    return made


def listen(space, address, port, backlog=512):
    listener = space.socket(family_of(address))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def reset(connection):
    """Close by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Server:
    """Accepts at an address of the internet; handler(connection, server) has
    each connection in a thread of its own, after the TLS handshake when
    `tls` is given.  What went wrong is kept, not raised."""

    def __init__(self, space, address, port=443, handler=None, tls=None):
        self.address, self.port = address, port
        self.handler, self.tls = handler or http, tls
        self.accepted = 0
        self.handshakes = 0
        self.errors = []
        self.names = []
        self.received = []
        self._lock = threading.Lock()
        if tls is not None:
            tls.sni_callback = self._note_name
        self._listener = listen(space, address, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _note_name(self, _connection, name, _context):
        with self._lock:
            self.names.append(name)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.settimeout(60)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self.handshakes += 1
            self.handler(connection, self)
        except (OSError, ssl.SSLError, ValueError) as error:
            with self._lock:
                self.errors.append(repr(error))
        finally:
            connection.close()

    def keep(self, data):
        with self._lock:
            self.received.append(data)

    def close(self):
        # A close alone does not wake the thread that accepts, and the kernel
        # would keep the address until it does.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data and len(data) < 65536:
        piece = connection.recv(16384)
        if not piece:
            break
        data += piece
    return data.partition(b"\r\n\r\n")


def _read_chunked(connection, rest):
    """The bytes of a chunked body, its framing left in."""
    total = len(rest)
    tail = rest[-16:]
    while not tail.endswith(b"0\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            break
        total += len(piece)
        tail = (tail + piece)[-16:]
    return total


def _read_sized(connection, rest, size):
    total = len(rest)
    while total < size:
        piece = connection.recv(65536)
        if not piece:
            break
        total += len(piece)
    return total


def http(connection, server):
    """One HTTP/1.1 request and its answer, which says how long the body was."""
    head, _, rest = read_head(connection)
    if not head:
        return
    headers = {key.strip().lower(): value.strip() for key, _, value in
               (line.partition(b":") for line in head.split(b"\r\n")[1:])}
    if headers.get(b"expect", b"").lower() == b"100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        size = _read_chunked(connection, rest)
    else:
        size = _read_sized(connection, rest, int(headers.get(b"content-length", b"0")))
    server.keep((head.split(b"\r\n")[0].decode("latin-1"), size))
    body = f"{size} bytes taken\n".encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                       + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()


def echo(connection, server):
    """Send everything back, then close in order."""
    while data := connection.recv(65536):
        server.keep(data)
        connection.sendall(data)
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()


def stall(connection, _server):
    """Take the connection and never say a word."""
    while connection.recv(65536):
        pass


def reset_at_once(connection, _server):
    reset(connection)


def reset_after_hello(connection, _server):
    connection.recv(1)
    reset(connection)


def garbage(connection, _server):
    connection.recv(1)
    connection.sendall(b"220 this is no TLS\r\n" * 8)


class Process:
    """A server that is a program of its own, in a namespace."""

    def __init__(self, space, command, log, address, port):
        with open(log, "ab") as out:
            self.process = subprocess.Popen(space.command(*command), stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_for(f"{command[0]} on {address} port {port}", 10, self._answers, space, address, port)

    def _answers(self, space, address, port):
        if self.process.poll() is not None:
            raise RuntimeError(f"a server ended with {self.process.returncode}")
        with space.socket(family_of(address)) as probe:
            return probe.connect_ex((address, port)) == 0

    def close(self):
        self.process.kill()
        self.process.wait()


def mosquitto(space, directory, identity, address, port=8883):
    """A real MQTT broker with TLS."""
    path = os.path.join(directory, f"mosquitto-{port}.conf")
    with open(path, "w", encoding="ascii") as out:
        out.write(f"listener {port} {address}\nallow_anonymous true\npersistence false\nuser root\n"
                  f"certfile {identity.chain}\nkeyfile {identity.key}\n")
    return Process(space, ["mosquitto", "-c", path], os.path.join(directory, "mosquitto.log"), address, port)


def openssl_server(space, directory, identity, address, port=443):
    """openssl s_server, which answers HTTP requests about its own session."""
    return Process(space, ["openssl", "s_server", "-accept", f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
                           "-cert", identity.chain, "-key", identity.key, "-www"],
                   os.path.join(directory, "s_server.log"), address, port)
