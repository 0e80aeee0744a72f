# SPDX-License-Identifier: MIT
"""Programs that nobody here wrote, as cameras and as clouds: how one is run, what
the far side counts of it by itself, and what its record must say."""

import contextlib
import json
import os
import select
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from appliance import field, wait_for
from cameras import PLACES
from servers import listen

AT_ONCE = 6        # programs that run at a time
HEADERS = 20 + 8   # IPv4 and UDP
NO_CLASS = ("unknown", None)


class Tap:
    """Stands on a cloud's port before a real server, ends its TLS where there is
    one, and counts what passes each way."""

    def __init__(self, space, address, port, inner, tls=None):
        self.up = self.down = 0
        self.inner, self.tls, self.space = inner, tls, space
        self.errors = []
        self._lock = threading.Lock()
        self._listener = listen(space, address, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, outer):
        inner = self.space.socket()
        try:
            outer.settimeout(30)
            inner.settimeout(30)
            if self.tls is not None:
                outer = self.tls.wrap_socket(outer, server_side=True)
            inner.connect(self.inner)
            self._pass(outer, inner)
        except (OSError, ValueError) as error:
            self.errors.append(repr(error))
        finally:
            outer.close()
            inner.close()

    def _count(self, up, down):
        with self._lock:
            self.up += up
            self.down += down

    def _pass(self, outer, inner):
        reading = [outer, inner]
        while reading:
            if outer in reading and isinstance(outer, ssl.SSLSocket) and outer.pending():
                ready = [outer]
            else:
                ready = select.select(reading, [], [], 30)[0]
            if not ready:
                return
            if outer in ready:
                self._from_camera(outer, inner, reading)
            if inner in ready:
                self._from_server(outer, inner, reading)

    def _from_camera(self, outer, inner, reading):
        data = outer.recv(65536)
        if data:
            self._count(len(data), 0)
            inner.sendall(data)
        else:
            reading.remove(outer)
            with contextlib.suppress(OSError):
                inner.shutdown(socket.SHUT_WR)

    def _from_server(self, outer, inner, reading):
        try:
            data = inner.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            outer.sendall(data)
            self._count(0, len(data))
            return
        reading.remove(inner)
        if isinstance(outer, ssl.SSLSocket):
            if outer in reading:
                reading.remove(outer)
            outer.settimeout(2)
            outer.unwrap()
        else:
            outer.shutdown(socket.SHUT_WR)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Datagrams:
    """What the far side's kernel counts of datagrams to and from a cloud's ports."""

    def __init__(self, space, address, ports):
        self.space = space
        lines = ["table inet far", "delete table inet far", "table inet far {"]
        for port in ports:
            lines += [f"counter up_{port} {{ }}", f"counter down_{port} {{ }}"]
        for way, chain, device, side in (("up", "prerouting", "iifname", "d"), ("down", "output", "oifname", "s")):
            lines.append(f"chain {way} {{ type filter hook {chain} priority raw; policy accept;")
            lines += [f"{device} eth0 ip {side}addr {address} udp {side}port {port} counter name {way}_{port}" for port in ports]
            lines.append("}")
        space.nft("\n".join(lines + ["}"]))

    def counted(self, port):
        """Bytes up, bytes down, without headers."""
        listing = json.loads(self.space.run("nft", "-j", "list", "counters", "table", "inet", "far"))
        rows = {row["counter"]["name"]: row["counter"] for row in listing["nftables"] if "counter" in row}
        return tuple(rows[f"{way}_{port}"]["bytes"] - HEADERS * rows[f"{way}_{port}"]["packets"] for way in ("up", "down"))


class Sink:
    """A port of UDP that takes everything and says nothing."""

    def __init__(self, space, address, port):
        self.socket = space.socket(kind=socket.SOCK_DGRAM)
        self.socket.bind((address, port))

    def close(self):
        self.socket.close()


class Background:
    """A program on either side that runs until the story is over."""

    def __init__(self, space, *command, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT} | options
        self.process = space.popen(*command, **options)

    def close(self):
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def listening(space, port, datagrams=False):
    wait_for(f"port {port}", 10, lambda: f":{port} " in space.run("ss", "-lnH", "-u" if datagrams else "-t"))


class Row:
    """A camera's program: what it is to a port, and what its record must say.

    command   its words; {host}, {address}, {ca} and {port} are put in
    stdin     what it reads
    status    its exit where it is served; None: any
    name      whence the record has the server's name: a path of its lines
    payload   class and how sure; ("unknown", None): a flow that has none
    says      what the record has of what the program said, by path
    hears     what it has of what the server answered
    footage   where no footage may leave: the most that leaves of a connection all the same
    opening   it begins with what is told apart from its footage, in a flow of its own
    notices   whether it ends with another status where it is refused
    """

    def __init__(self, label, port, command, **more):
        self.label, self.port, self.command = label, port, command
        self.far = more.pop("far", None)  # what counts up and down; None: the far side's kernel
        self.datagrams = self.far is None
        self.stdin = more.pop("stdin", b"")
        self.status = more.pop("status", 0)
        self.name = more.pop("name", "borderlens__looked_up")
        self.inspect = more.pop("inspect", "plain")
        self.proto = more.pop("proto")
        self.payload = more.pop("payload", NO_CLASS)
        self.says = more.pop("says", {})
        self.hears = more.pop("hears", {})
        self.footage = more.pop("footage", None)
        self.opening = more.pop("opening", False)
        self.notices = more.pop("notices", self.status is not None)
        self.before = (0, 0)
        if more:
            raise TypeError(f"{label}: {sorted(more)}")

    def run(self, space, words):
        """Its exit status and what it said."""
        command = [word.format(port=self.port, **words) for word in self.command]
        try:
            done = subprocess.run(space.command(*command), input=self.stdin, capture_output=True, check=False, timeout=25)
        except subprocess.TimeoutExpired as late:
            return "late", (late.stdout or b"") + (late.stderr or b"")
        return done.returncode, done.stdout + done.stderr

    def _count(self, datagrams):
        if self.datagrams:
            return datagrams.counted(self.port)
        return self.far.up, self.far.down

    def begin(self, datagrams):
        self.before = self._count(datagrams)

    def arrived(self, datagrams):
        """What the far side has of it since it began: bytes up, bytes down."""
        return tuple(now - before for now, before in zip(self._count(datagrams), self.before))


class Expected:
    """What must become of a row at a place."""

    def __init__(self, row, address, name, **changes):
        self.row, self.address, self.name = row, address, name
        self.verdict = changes.pop("verdict", "allow")
        self.rule = changes.pop("rule", "20")
        self.inspect = changes.pop("inspect", row.inspect)
        self.payload = changes.pop("payload", row.payload)
        self.most = changes.pop("most", None)
        self.says = changes.pop("says", {"app_proto": row.proto, **row.says, **row.hears})
        self.name_at = changes.pop("name_at", row.name)
        if changes:
            raise TypeError(f"{row.label}: {sorted(changes)}")

    def wrong(self, appliance, arrived):
        """All that a record has to say of a program: class, name, facts (of the
        place and of what was said), bytes as the far side has them, verdict, and
        what left.  What is not so, in words."""
        flows, lines = record_of(appliance, self.address, self.row)
        wrong = [] if flows else [f"{self.row.label}: no record"]

        def want(what, got, expected):
            if got != expected:
                wrong.append(f"{self.row.label} to {self.address}: {what} {got!r}, not {expected!r}")

        opening = flows[:-1] if self.row.opening else []
        if opening:
            Expected(self.row, self.address, self.name, payload=NO_CLASS)._wrong_flow(opening[0], want)
        for event in flows[len(opening):]:
            self._wrong_flow(event, want)
        for path, value in {self.name_at: self.name, **self.says}.items():
            found = [field(line, path) for line in lines]
            want(path, value if value in found else found, value)
        up, down = (sum(event["borderlens"]["left"][way] for event in flows) for way in ("up", "down"))
        # What it was answered until it was blocked need not have been handed on.
        want("what left, and what the far side has", (up, down if self.verdict == "allow" else arrived[1]), arrived)
        return wrong

    def _wrong_flow(self, event, want):
        own = event["borderlens"]
        payload = own["payload"]
        want("verdict", (own["verdict"], own["rule"], own["inspect"]), (self.verdict, self.rule, self.inspect))
        want("place", tuple(own["place"].get(key) for key in ("located", "registered", "operator", "asn")), PLACES[self.address])
        want("device", own["device"], "lobby-1")
        # What is blocked by its class is blocked at the first sign of it.
        sure = payload.get("confidence") if self.most is None else self.payload[1]
        want("class", (payload.get("class"), sure), self.payload)
        if self.most is not None:
            want("the most that may leave", max(own["left"]["up"], self.most), self.most)
        want("what the camera sent", event["flow"]["bytes_toserver"], payload["up"])


def run_all(runs, space):
    """Rows with the words that are put into their commands, some at a time; the
    exit of each, and what it said."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda run: run[0].run(space, run[1]), runs))


def record_of(appliance, address, row):
    """A row's flows to a place, and all lines of these."""
    flows = appliance.eve.find(event_type="flow", dest_ip=address, dest_port=row.port, proto="UDP" if row.datagrams else "TCP")
    ids = {event["flow_id"] for event in flows}
    return flows, [event for event in appliance.eve.events if event.get("flow_id") in ids]


def film(directory, name, *options, seconds=1):
    path = os.path.join(directory, name)
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", str(seconds), *options,
                    "-y", path], check=True, stdin=subprocess.DEVNULL)
    return path

