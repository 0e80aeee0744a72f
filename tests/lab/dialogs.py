# SPDX-License-Identifier: MIT
"""Servers that greet and take commands of a line: SMTP, FTP, IMAP and POP3, with
TLS that begins in the middle.  A handler for servers.Server each; what came of
mails and files is kept by the server."""

import hashlib
import socket
import ssl

from servers import Server


class Counted(Server):
    """A server that knows how many bytes of payload came and went."""

    up = down = 0


class Lines:
    """A connection, line by line; plain until start_tls."""

    def __init__(self, connection, server, space, tls):
        self.connection, self.server, self.space, self.tls = connection, server, space, tls
        self.data = b""

    def say(self, *lines):
        data = b"".join(line.encode() + b"\r\n" for line in lines)
        self.connection.sendall(data)
        self._count("down", data)

    def _count(self, way, data):
        if isinstance(self.server, Counted):
            setattr(self.server, way, getattr(self.server, way) + len(data))

    def line(self):
        while b"\r\n" not in self.data:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError
            self.data += piece
            self._count("up", piece)
        line, _, self.data = self.data.partition(b"\r\n")
        return line.decode("latin-1")

    def mail(self):
        """Up to the line with a dot."""
        lines = []
        while (line := self.line()) != ".":
            lines.append(line)
        return "\r\n".join(lines).encode("latin-1")

    def start_tls(self):
        # What came before the handshake is not for this session.
        self.server.keep(("before tls", self.data))
        self.data = b""
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)


def handler(serve, space, tls):
    """serve(Lines) as a handler of servers.Server; tls: for what starts it later."""
    def run(connection, server):
        lines = Lines(connection, server, space, tls)
        try:
            serve(lines)
        except EOFError:
            pass
        else:
            # In order, where it was TLS at last.
            if isinstance(lines.connection, ssl.SSLSocket):
                lines.connection.unwrap()
        finally:
            lines.connection.close()
    return run


def smtp(lines):
    lines.say("220-mx.lab.example ESMTP", "220 ready")
    while True:
        line = lines.line()
        word = line.split(" ")[0].upper()
        lines.server.keep(("smtp", line))
        if word == "EHLO":
            lines.say("250-mx.lab.example", "250-AUTH PLAIN LOGIN", "250 STARTTLS")
        elif word == "STARTTLS":
            lines.say("220 go on")
            lines.start_tls()
        elif word == "AUTH":
            lines.say("235 welcome")
        elif word == "DATA":
            lines.say("354 go on")
            lines.server.keep(("mail", hashlib.sha256(lines.mail()).hexdigest()))
            lines.say("250 queued")
        elif word == "QUIT":
            lines.say("221 bye")
            return
        else:
            lines.say("250 ok")


def _ftp_data(lines, address):
    listener = lines.space.socket(socket.AF_INET)
    listener.bind((address, 0))
    listener.listen(1)
    port = listener.getsockname()[1]
    lines.say(f"229 Extended (|||{port}|)")
    return listener


def _take_file(lines, listener, protected):
    connection, _ = listener.accept()
    digest, size, end = hashlib.sha256(), 0, ""
    if protected:
        connection = lines.tls.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)
    with connection:
        try:
            while piece := connection.recv(65536):
                digest.update(piece)
                size += len(piece)
        except ssl.SSLError as error:  # as a FIN without close_notify
            end = f" then {error}"
    listener.close()
    lines.server.keep(("file", digest.hexdigest()))
    lines.server.keep(("file's size", f"{size}{end}"))


def ftp(lines):
    answers = {"USER": "331 say it", "PASS": "230 in", "PBSZ": "200 ok", "PROT": "200 ok", "TYPE": "200 ok",
               "PWD": '257 "/"', "CWD": "250 ok", "MKD": "257 ok"}
    listener, protected = None, False
    lines.say("220 lab FTP server")
    while True:
        line = lines.line()
        word = line.split(" ")[0].upper()
        lines.server.keep(("ftp", line))
        if word == "AUTH":
            lines.say("234 go on")
            lines.start_tls()
        elif word == "EPSV":
            listener = _ftp_data(lines, lines.server.address)
        elif word == "STOR":
            lines.say("150 go on")
            _take_file(lines, listener, protected)
            lines.say("226 done")
        elif word == "QUIT":
            lines.say("221 bye")
            return
        else:
            protected = protected or line.upper() == "PROT P"
            lines.say(answers.get(word, "502 no"))


def imap(lines):
    lines.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] lab IMAP server")
    while True:
        tag, _, rest = lines.line().partition(" ")
        lines.server.keep(("imap", rest))
        word = rest.split(" ")[0].upper()
        if word == "STARTTLS":
            lines.say(f"{tag} OK go on")
            lines.start_tls()
        elif word == "CAPABILITY":
            lines.say("* CAPABILITY IMAP4rev1 STARTTLS", f"{tag} OK done")
        elif word == "LOGOUT":
            lines.say("* BYE", f"{tag} OK done")
            return
        else:
            lines.say(f"{tag} OK done")


def pop3(lines):
    lines.say("+OK lab POP3 server")
    while True:
        line = lines.line()
        lines.server.keep(("pop3", line))
        word = line.split(" ")[0].upper()
        if word == "STLS":
            lines.say("+OK go on")
            lines.start_tls()
        elif word == "CAPA":
            lines.say("+OK", "STLS", "USER", ".")
        elif word == "LIST":
            lines.say("+OK", ".")
        elif word == "QUIT":
            lines.say("+OK bye")
            return
        else:
            lines.say("+OK")
