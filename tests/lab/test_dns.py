# SPDX-License-Identifier: MIT
"""Lookups: relayed, recorded, refused by name; and the names that they give to
flows which have none."""

import contextlib
import socket
import struct
import subprocess
import threading

import harness
from harness import BAD, GOOD, GOOD6, RULES, check, equal, refused, story
from net import GATEWAY4, GATEWAY6, family_of
from servers import Server
from servers import context as tls

HIDDEN = "198.51.100.7"  # what a spoofer answers
TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "HTTPS": 65}
NAMED = RULES.replace("rules:\n", 'rules:\n'
                      '  - {id: 5, match: {sni: tracker.example}, then: block, why: "A tracker"}\n')
SHORT = {"timeout": {"udp_idle": "2s", "udp_two_way": "2s"}}


def wire(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


class Dns:
    """A name server: knows the names of a table, and which questions came."""

    def __init__(self, space, address, names, spoof=False):
        self.names, self.spoof, self.asked = names, spoof, []
        self.udp = space.socket(family_of(address), socket.SOCK_DGRAM)
        self.tcp = space.socket(family_of(address), socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind((address, 53))
        self.tcp.bind((address, 53))
        self.tcp.listen(8)
        for run in (self.run_udp, self.run_tcp):
            threading.Thread(target=run, daemon=True).start()

    def answers(self, query, transport):
        """The datagrams that answer it: what was asked, and what a spoofer adds."""
        end = query.index(b"\0", 12) + 5
        parts, at = [], 12
        while query[at]:
            parts.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(parts).lower(), struct.unpack(">H", query[end - 4:end - 2])[0]
        self.asked.append((name, kind, transport))
        question, address = query[12:end], self.names.get(name)
        if name.startswith("long.") and transport == "udp":
            return [query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + question]
        if kind != TYPES["A"] or address is None:
            code = b"\x81\x80" if address else b"\x81\x83"
            return [query[:2] + code + b"\0\1\0\0\0\0\0\0" + question]
        good = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + record(1, socket.inet_aton(address))
        if not self.spoof:
            return [good]
        false = record(1, socket.inet_aton(HIDDEN))
        head = b"\x81\x80\0\1\0\1\0\0\0\0"
        number = struct.pack(">H", struct.unpack(">H", query[:2])[0] ^ 1)
        return [number + head + question + false,
                query[:2] + head + wire("other.example") + question[-4:] + false, good,
                query[:2] + head + question + false]

    def run_udp(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.udp.recvfrom(4096)
                if len(query) < 17:
                    continue
                for answer in self.answers(query, "udp"):
                    self.udp.sendto(answer, peer)

    def run_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.tcp.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, ValueError), connection.makefile("rb") as incoming:
            while size := incoming.read(2):
                query = incoming.read(struct.unpack(">H", size)[0])
                for answer in self.answers(query, "tcp"):
                    connection.sendall(struct.pack(">H", len(answer)) + answer)

    def close(self):
        for made in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
            made.close()


def dig(lab, server, name, *options, camera=10):
    """dig(1) in the cameras' network: its status, its answers."""
    source = f"fd77::{camera}" if ":" in server else f"192.168.77.{camera}"
    done = subprocess.run(lab.net.cam.command(
        "dig", "-b", source, f"@{server}", name, "+tries=1", "+time=3", "+nocookie", *options),
        capture_output=True, text=True, check=False)
    status = done.stdout.split("status: ")[1].split(",")[0] if "status: " in done.stdout else "none"
    answers = [line.split()[-1] for line in done.stdout.splitlines()
               if line and not line.startswith(";") and " A" in line.replace("\t", " ")]
    return status, answers


def stray(lab, appliance, address, camera=10):
    """What is recorded of a datagram that says nothing of where it goes."""
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((f"192.168.77.{camera}", 0))
        made.sendto(b"\x99 not known", (address, 5000))
        port = made.getsockname()[1]
    return appliance.eve.wait(10, event_type="flow", src_port=port, dest_ip=address)["borderlens"]


def lookup(appliance, name, kind):
    return appliance.eve.wait(10, event_type="dns", dns__rrname=name, dns__type=kind)


@story()
def lookups_are_relayed_recorded_and_name_what_follows(lab):
    appliance = lab.started(changes=SHORT)
    for server in (GOOD, GOOD6):
        dns = lab.server(Dns(lab.net.net, server, {"cam.vendor.example": GOOD}))
        equal(f"the answer of {server}", dig(lab, server, "Cam.Vendor.example"), ("NOERROR", [GOOD]))
        equal("what the server was asked", dns.asked, [("cam.vendor.example", 1, "udp")])
        dns.close()
    query, answer = (lookup(appliance, "cam.vendor.example", kind) for kind in ("query", "answer"))
    equal("type", query["dns"]["rrtype"], "A")
    equal("one flow", query["flow_id"], answer["flow_id"])
    equal("code", answer["dns"]["rcode"], "NOERROR")
    equal("answers", answer["dns"]["answers"], [{"rrtype": "A", "rdata": GOOD}])
    event = stray(lab, appliance, GOOD)
    equal("its name", (event["looked_up"], event["name_basis"]), ("cam.vendor.example", "dns"))
    event = stray(lab, appliance, GOOD, camera=11)
    equal("another camera looked nothing up", event["name_basis"], "none")
    appliance.recorded()


@story()
def name_that_was_looked_up_is_judged_where_the_hello_has_none(lab):
    appliance = lab.started(changes=SHORT, rules=RULES.replace(
        "rules:\n", "rules:\n  - {id: 5, match: {sni: tracker.example, port: 443}, then: block, why: w}\n"))
    lab.server(Dns(lab.net.net, GOOD, {"a.tracker.example": GOOD, "cam.cameras.example": GOOD}))
    lab.server(Server(lab.net.net, GOOD, tls=tls(lab.good)))
    context = lab.camera_context(appliance)
    context.check_hostname = False
    equal("the lookup is none of its port", dig(lab, GOOD, "cam.cameras.example")[0], "NOERROR")
    with lab.open_tls(context, name=None) as connection:
        port = connection.getsockname()[1]
    event = appliance.eve.wait(10, event_type="flow", src_port=port)["borderlens"]
    equal("its name", (event["looked_up"], event["name_basis"]), ("cam.cameras.example", "dns"))
    equal("it passes", event["verdict"], "allow")
    equal("another name of the address", dig(lab, GOOD, "a.tracker.example")[0], "NOERROR")
    refused(lab.open_tls, context, name=None)
    event = appliance.eve.wait(10, event_type="flow", borderlens__looked_up="a.tracker.example",
                               dest_port=443)["borderlens"]
    equal("the rule", (event["verdict"], event["rule"]), ("block", "5"))
    equal("what left", event["left"]["up"], 0)
    appliance.recorded()


@story()
def name_that_a_rule_blocks_leaks_nothing(lab):
    appliance = lab.started(rules=NAMED, changes=SHORT)
    names = {"x.tracker.example": GOOD, "cam.example": GOOD}
    dns = lab.server(Dns(lab.net.net, GOOD, names))
    equal("the camera is told", dig(lab, GOOD, "x.tracker.example"), ("REFUSED", []))
    equal("without EDNS too", dig(lab, GOOD, "X.Tracker.Example", "+noedns"), ("REFUSED", []))
    equal("and over TCP", dig(lab, GOOD, "x.tracker.example", "+tcp"), ("REFUSED", []))
    equal("another name", dig(lab, GOOD, "cam.example"), ("NOERROR", [GOOD]))
    equal("another name over TCP", dig(lab, GOOD, "cam.example", "+tcp"), ("NOERROR", [GOOD]))
    equal("what the server was asked", dns.asked,
          [("cam.example", 1, "udp"), ("cam.example", 1, "tcp")])
    event = lookup(appliance, "x.tracker.example", "query")
    check("marked as refused", event["borderlens"]["refused"], event)
    equal("the rule", event["borderlens"]["rule"], "5")
    alert = appliance.eve.wait(10, event_type="alert", app_proto="dns")
    equal("why", alert["alert"]["signature"], "A tracker")
    flow = appliance.eve.wait(10, event_type="flow", flow_id=event["flow_id"])
    equal("what left", flow["borderlens"]["left"]["up"], 0)
    appliance.recorded()


@story()
def configured_resolver_is_asked_in_everybodys_stead(lab):
    appliance = lab.started(rules=NAMED, changes={**SHORT, "dns": {"resolver": GOOD}})
    dns = lab.server(Dns(lab.net.net, GOOD, {"cam.example": GOOD}))
    before = lab.net.arrived(BAD)
    equal("as from the server asked", dig(lab, BAD, "cam.example"), ("NOERROR", [GOOD]))
    equal("over TCP", dig(lab, BAD, "cam.example", "+tcp"), ("NOERROR", [GOOD]))
    equal("a name that is refused", dig(lab, BAD, "a.tracker.example")[0], "REFUSED")
    equal("who was asked", dns.asked, [("cam.example", 1, "udp"), ("cam.example", 1, "tcp")])
    equal("packets at the server asked", lab.net.arrived(BAD) - before, 0)
    equal("a camera that asks the box", dig(lab, GATEWAY4, "cam.example"), ("NOERROR", [GOOD]))
    equal("and over TCP", dig(lab, GATEWAY6, "cam.example", "+tcp"), ("NOERROR", [GOOD]))
    answer = lookup(appliance, "cam.example", "answer")
    check("marked", answer["borderlens"]["resolver"], answer)
    appliance.recorded()


@story()
def lookups_over_tcp_pass_whole_or_not_at_all(lab):
    appliance = lab.started(rules=NAMED, changes=SHORT)
    dns = lab.server(Dns(lab.net.net, GOOD, {"cam.example": GOOD, "b.example": GOOD}))

    def message(number, name):
        query = struct.pack(">H", number) + b"\1\0\0\1\0\0\0\0\0\0" + wire(name) + b"\0\1\0\1"
        return struct.pack(">H", len(query)) + query

    def numbers(incoming, count):
        """The number and the code of so many answers."""
        got = []
        for _ in range(count):
            answer = incoming.read(struct.unpack(">H", incoming.read(2))[0])
            got.append((struct.unpack(">H", answer[:2])[0], answer[3] & 15))
        return sorted(got)

    with lab.connect(port=53) as camera, camera.makefile("rb") as incoming:
        for byte in message(1, "cam.example"):
            camera.sendall(bytes([byte]))
        equal("byte by byte", numbers(incoming, 1), [(1, 0)])
        camera.sendall(message(2, "a.tracker.example") + message(3, "b.example") + message(4, "x.tracker.example"))
        equal("three at once", numbers(incoming, 3), [(2, 5), (3, 0), (4, 5)])
        camera.sendall(message(5, "y.tracker.example")[:-3])
        camera.sendall(b"\0\1\1" + b"\0\1x")
        refused(incoming.read)  # behind a lookup nothing else passes
    equal("what the server was asked", [name for name, _, _ in dns.asked], ["cam.example", "b.example"])
    with lab.connect(port=53) as camera:
        camera.sendall(b"SSH-2.0-camera\r\n")
        port = camera.getsockname()[1]
        camera.shutdown(socket.SHUT_WR)
        camera.recv(100)
    event = appliance.eve.wait(10, event_type="flow", src_port=port)["borderlens"]
    equal("another protocol passes as it is", event["left"]["up"], 16)
    appliance.recorded()


@story()
def flow_of_lookups_carries_nothing_else(lab):
    appliance = lab.started(changes=SHORT)
    before = lab.net.arrived(GOOD)
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("192.168.77.10", 0))
        camera.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + wire("cam.example") + b"\0\1\0\1", (GOOD, 53))
        camera.sendto(b"\x99 not a lookup" * 20, (GOOD, 53))
        camera.sendto(b"\x12\x35\1\0\0\0\0\0\0\0\0\0" + b"payload" * 20, (GOOD, 53))
        port = camera.getsockname()[1]
        event = appliance.eve.wait(10, event_type="flow", src_port=port)
    equal("what came", event["flow"]["pkts_toserver"], 3)
    equal("what left", event["borderlens"]["left"]["up"], 29)
    equal("packets at the far side", lab.net.arrived(GOOD) - before, 1)
    appliance.recorded()


@story()
def what_is_asked_of_a_blocked_server_is_recorded(lab):
    appliance = lab.started(changes=SHORT)
    before = lab.net.arrived(BAD)
    equal("nobody answers", dig(lab, BAD, "cam.example")[0], "none")
    event = lookup(appliance, "cam.example", "query")
    equal("the verdict", event["borderlens"]["verdict"], "block")
    equal("packets at the server", lab.net.arrived(BAD) - before, 0)
    appliance.recorded()


@story()
def answer_that_was_cut_is_asked_for_over_tcp(lab):
    appliance = lab.started(changes=SHORT)
    dns = lab.server(Dns(lab.net.net, GOOD, {"long.example": GOOD}))
    equal("the answer", dig(lab, GOOD, "long.example"), ("NOERROR", [GOOD]))
    equal("asked twice", [kind for _, _, kind in dns.asked], ["udp", "tcp"])
    event = stray(lab, appliance, GOOD)
    equal("learnt over TCP", event["looked_up"], "long.example")
    appliance.recorded()


@story()
def what_nobody_asked_for_is_not_learnt(lab):
    appliance = lab.started(changes=SHORT)
    lab.server(Dns(lab.net.net, GOOD, {"cam.example": GOOD}, spoof=True))
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.settimeout(2)
        camera.bind(("192.168.77.10", 0))
        query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + wire("cam.example") + b"\0\1\0\1"
        camera.sendto(query, (GOOD, 53))
        first = camera.recv(512)
        equal("the number", first[:2], query[:2])
        check("the answer", first.endswith(socket.inet_aton(GOOD)), first)
        camera.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            check("no second one", not camera.recv(512))
    event = stray(lab, appliance, HIDDEN)
    equal("the spoofer's address has no name", event["name_basis"], "none")
    equal("one answer is recorded", len(appliance.eve.find(event_type="dns", dns__type="answer")), 1)
    appliance.recorded()


@story()
def flood_of_names_does_not_flood_the_record(lab):
    appliance = lab.started(changes=SHORT)
    dns = lab.server(Dns(lab.net.net, GOOD, {"cam.example": GOOD}))
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.settimeout(2)
        camera.bind(("192.168.77.10", 0))
        for number in range(1000):
            query = struct.pack(">H", number) + b"\1\0\0\1\0\0\0\0\0\0" + wire(f"n{number}.example")
            camera.sendto(query + b"\0\1\0\1", (GOOD, 53))
            equal("its answer", camera.recv(512)[:2], query[:2])
    equal("all were asked", len(dns.asked), 1000)
    equal("another camera's", dig(lab, GOOD, "cam.example", camera=11), ("NOERROR", [GOOD]))
    lookup(appliance, "cam.example", "answer")
    recorded = [event for event in appliance.eve.find(event_type="dns") if event["src_ip"] == "192.168.77.10"]
    equal("lookups in the record", len(recorded), 240)
    appliance.recorded()


if __name__ == "__main__":
    harness.main()
