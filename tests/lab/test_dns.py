# SPDX-License-Identifier: MIT
"""Lookups: relayed, recorded, refused by name; and the names that they give to
flows which have none."""

import contextlib
import json
import socket
import struct
import subprocess
import threading
import time

import harness
from harness import BAD, GOOD, GOOD6, RULES, check, equal, refused, story
from net import GATEWAY4, GATEWAY6, family_of
from servers import Server
from servers import context as tls

HIDDEN = "198.51.100.7"  # what a spoofer answers
NOBODYS = "192.0.2.53"   # of a range for documentation (RFC 5737)
TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "HTTPS": 65}
NAMED = RULES.replace("rules:\n", """rules:
  - {id: 5, match: {sni: tracker.example}, then: block, why: "A tracker"}
  - {id: 6, match: {sni: late.example, port: 443}, then: block, why: "Not there"}
""")
SHORT = {"timeout": {"udp_idle": "1s", "udp_two_way": "1s"}}
NAMES = ("cam.vendor.example", "cam.example", "b.example", "x.tracker.example", "cam.cameras.example",
         "a.late.example", "long.example")


def wire(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


class Dns:
    """A name server: knows the names of a table, and which questions came."""

    def __init__(self, space, address, names, spoof=False):
        self.names, self.spoof, self.asked, self.came = names, spoof, [], []
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
        authentic = bytes([0x80 | query[3] & 0x20])  # AD where it was asked for
        good = query[:2] + b"\x81" + authentic + b"\0\1\0\1\0\0\0\0" + question + record(1, socket.inet_aton(address))
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
                self.came.append(query)
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
        "dig", "-b", source, f"@{server}", name, "+tries=1", "+time=15", "+nocookie", *options),
        capture_output=True, text=True, check=False)
    status = done.stdout.split("status: ")[1].split(",")[0] if "status: " in done.stdout else "none"
    answers = [line.split()[-1] for line in done.stdout.splitlines()
               if line and not line.startswith(";") and " A" in line.replace("\t", " ")]
    return status, answers


def camera_socket(lab, camera=10, timeout=15):
    made = lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(timeout)
    made.bind((f"192.168.77.{camera}", 0))
    return made


def question(number, name):
    return struct.pack(">H", number) + b"\1\0\0\1\0\0\0\0\0\0" + wire(name) + b"\0\1\0\1"


class Story:
    """One appliance, one name server, and what is to be looked at when flows are over."""

    def __init__(self, lab, **changes):
        self.lab, self.later = lab, []
        self.appliance = lab.started(rules=NAMED, changes={**SHORT, **changes})
        self.dns = lab.server(Dns(lab.net.net, GOOD, dict.fromkeys(NAMES, GOOD)))

    def dig(self, name, *options, server=GOOD, camera=10):
        self.dns.asked.clear()
        return dig(self.lab, server, name, *options, camera=camera)

    def lookup(self, name, kind, **want):
        return self.appliance.eve.wait(10, event_type="dns", dns__rrname=name, dns__type=kind, **want)

    def flow_of(self, port, **want):
        return self.appliance.eve.wait(10, event_type="flow", src_port=port, **want)

    def names(self, what, address, camera, name, basis):
        """What is recorded of a datagram that says nothing of where it goes."""
        with camera_socket(self.lab, camera) as made:
            made.sendto(b"\x99 not known", (address, 5000))
            port = made.getsockname()[1]

        def look():
            event = self.flow_of(port, dest_ip=address)["borderlens"]
            equal(what, (event.get("looked_up", ""), event["name_basis"]), (name, basis))
        self.later.append(look)

    def end(self):
        for look in self.later:
            look()
        self.appliance.recorded()


def is_relayed_recorded_and_names_what_follows(story):
    six = story.lab.server(Dns(story.lab.net.net, GOOD6, {"cam.vendor.example": GOOD}))
    equal("over IPv6", story.dig("cam.vendor.example", server=GOOD6), ("NOERROR", [GOOD]))
    equal("who was asked", (six.asked, story.dns.asked), ([("cam.vendor.example", 1, "udp")], []))
    equal("the answer", story.dig("Cam.Vendor.example"), ("NOERROR", [GOOD]))
    equal("what the server was asked", story.dns.asked, [("cam.vendor.example", 1, "udp")])
    query, answer = (story.lookup("cam.vendor.example", kind, dest_ip=GOOD) for kind in ("query", "answer"))
    equal("type", query["dns"]["rrtype"], "A")
    equal("one flow", query["flow_id"], answer["flow_id"])
    equal("code", answer["dns"]["rcode"], "NOERROR")
    equal("answers", answer["dns"]["answers"], [{"rrtype": "A", "rdata": GOOD}])
    story.names("its name", GOOD, 10, "cam.vendor.example", "dns")
    story.names("another camera looked nothing up", GOOD, 11, "", "none")


def name_is_judged_where_the_hello_has_none(story):
    lab = story.lab
    lab.server(Server(lab.net.net, GOOD, tls=tls(lab.good)))
    context = lab.camera_context(story.appliance)
    context.check_hostname = False
    equal("a name", story.dig("cam.cameras.example")[0], "NOERROR")
    with lab.open_tls(context, name=None) as connection:
        port = connection.getsockname()[1]
    event = story.flow_of(port)["borderlens"]
    equal("its name", (event["looked_up"], event["name_basis"]), ("cam.cameras.example", "dns"))
    equal("it passes", event["verdict"], "allow")
    refused(lab.open_tls, context, name="dns.google")  # the server is another
    event = story.appliance.eve.wait(10, event_type="flow", tls__sni="dns.google")["borderlens"]
    equal("lookups that nobody sees", event["app"]["encrypted_dns"], True)
    equal("a lookup is none of its port", story.dig("a.late.example")[0], "NOERROR")
    refused(lab.open_tls, context, name=None)
    event = story.appliance.eve.wait(10, event_type="flow", borderlens__looked_up="a.late.example",
                                     dest_port=443)["borderlens"]
    equal("the rule", (event["verdict"], event["rule"]), ("block", "6"))
    equal("what left", event["left"]["up"], 0)


def name_that_a_rule_blocks_leaks_nothing(story):
    for options in ((), ("+noedns",), ("+tcp",)):
        equal(f"the camera is told {options}", story.dig("X.Tracker.example", *options), ("REFUSED", []))
        equal("what the server was asked", story.dns.asked, [])
    equal("another name", story.dig("cam.example"), ("NOERROR", [GOOD]))
    equal("and over TCP", story.dig("cam.example", "+tcp"), ("NOERROR", [GOOD]))
    event = story.lookup("x.tracker.example", "query")
    check("marked as refused", event["borderlens"]["refused"], event)
    equal("the rule", event["borderlens"]["rule"], "5")
    alert = story.appliance.eve.wait(10, event_type="alert", app_proto="dns")
    equal("why", alert["alert"]["signature"], "A tracker")

    def look():
        flow = story.appliance.eve.wait(10, event_type="flow", flow_id=event["flow_id"])
        equal("what left of it", flow["borderlens"]["left"]["up"], 0)
    story.later.append(look)


def payload_is_control(story, port):
    def look():
        event = story.flow_of(port)["borderlens"]
        equal("what it was", (event["app"]["proto"], event["payload"]["class"]), ("dns", "control"))
    story.later.append(look)


def over_tcp_it_passes_whole_or_not_at_all(story):
    story.dns.asked.clear()

    def message(number, name):
        query = question(number, name)
        return struct.pack(">H", len(query)) + query

    def numbers(incoming, count):
        """The number and the code of so many answers."""
        got = []
        for _ in range(count):
            answer = incoming.read(struct.unpack(">H", incoming.read(2))[0])
            got.append((struct.unpack(">H", answer[:2])[0], answer[3] & 15))
        return sorted(got)

    with story.lab.connect(port=53) as camera, camera.makefile("rb") as incoming:
        for byte in message(1, "cam.example"):
            camera.sendall(bytes([byte]))
        equal("byte by byte", numbers(incoming, 1), [(1, 0)])
        lookups = camera.getsockname()[1]
        camera.sendall(message(2, "a.tracker.example") + message(3, "b.example") + message(4, "x.tracker.example"))
        equal("three at once", numbers(incoming, 3), [(2, 5), (3, 0), (4, 5)])
        camera.sendall(message(5, "y.tracker.example")[:-3])
        camera.sendall(b"\0\1\1" + b"\0\1x")
        refused(incoming.read)  # behind a lookup nothing else passes
    equal("what the server was asked", [name for name, _, _ in story.dns.asked], ["cam.example", "b.example"])
    with story.lab.connect(port=53) as camera, camera.makefile("rb") as incoming:
        camera.sendall(message(6, "z.tracker.example"))
        equal("nothing but a refusal", numbers(incoming, 1), [(6, 5)])
        refusal = camera.getsockname()[1]
    for port in (lookups, refusal):
        payload_is_control(story, port)
    with story.lab.connect(port=53) as camera:
        camera.sendall(b"SSH-2.0-camera\r\n")
        port = camera.getsockname()[1]
        camera.shutdown(socket.SHUT_WR)
        camera.recv(100)
    equal("another protocol passes as it is", story.flow_of(port)["borderlens"]["left"]["up"], 16)


def its_flow_carries_nothing_else(story):
    story.dns.asked.clear()
    with camera_socket(story.lab) as camera:
        camera.sendto(question(1, "b.example"), (GOOD, 53))
        camera.sendto(b"\x99 not a lookup" * 20, (GOOD, 53))
        camera.sendto(b"\x12\x35\1\0\0\0\0\0\0\0\0\0" + b"payload" * 20, (GOOD, 53))
        equal("its answer", camera.recv(512)[:2], b"\0\1")
        port = camera.getsockname()[1]

    def look():
        event = story.flow_of(port)
        equal("what came", event["flow"]["pkts_toserver"], 3)
        equal("what left beside a lookup", event["borderlens"]["left"]["up"], 27)
    story.later.append(look)


def what_it_says_of_dnssec_passes(story):
    """AD and CD in the head, DO behind it; and AD in the answer."""
    asked = b"\0\7\1\x30\0\1\0\0\0\0\0\1" + wire("cam.example") + b"\0\1\0\1" + b"\0\0\x29\x10\0\0\0\x80\0\0\0"
    story.dns.came.clear()
    with camera_socket(story.lab) as camera:
        camera.sendto(asked, (GOOD, 53))
        equal("the answer", camera.recv(512)[:4], b"\0\7\x81\xa0")
    equal("what came, but for its number", [query[2:] for query in story.dns.came], [asked[2:]])


def of_a_blocked_server_it_is_recorded(story):
    before = story.lab.net.arrived(BAD)
    equal("nobody answers", story.dig("cam.example", server=BAD)[0], "none")
    event = story.lookup("cam.example", "query", dest_ip=BAD)
    equal("the verdict", event["borderlens"]["verdict"], "block")
    equal("packets at the server", story.lab.net.arrived(BAD) - before, 0)


def answer_that_was_cut_is_asked_for_over_tcp(story):
    equal("the answer", story.dig("long.example", camera=12), ("NOERROR", [GOOD]))
    equal("asked twice", [kind for _, _, kind in story.dns.asked], ["udp", "tcp"])
    story.names("learnt over TCP", GOOD, 12, "long.example", "dns")


def what_nobody_asked_for_is_not_learnt(story):
    story.dns.spoof = True
    with camera_socket(story.lab, camera=13) as camera:
        camera.sendto(question(0x1234, "cam.example"), (GOOD, 53))
        first = camera.recv(512)
        equal("the number", first[:2], b"\x12\x34")
        check("the answer", first.endswith(socket.inet_aton(GOOD)), first)
        camera.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            check("no second one", not camera.recv(512))
    story.dns.spoof = False
    story.names("the spoofer's address has no name", HIDDEN, 13, "", "none")
    event = story.lookup("cam.example", "answer", src_ip="192.168.77.13")
    equal("one answer is recorded", len(story.appliance.eve.find(
        event_type="dns", dns__type="answer", flow_id=event["flow_id"])), 1)


def flood_does_not_flood_the_record(story):
    story.dns.asked.clear()
    with camera_socket(story.lab, camera=12) as camera:
        for number in range(600):
            camera.sendto(question(number, f"n{number}.example"), (GOOD, 53))
            equal("its answer", camera.recv(512)[:2], struct.pack(">H", number))
    equal("all were asked", len(story.dns.asked), 600)
    equal("another camera's", story.dig("b.example", camera=11), ("NOERROR", [GOOD]))
    story.lookup("b.example", "answer", src_ip="192.168.77.11")
    recorded = story.appliance.eve.find(event_type="dns", src_ip="192.168.77.12")
    equal("lookups in the record", len(recorded), 240)

    def look():
        story.appliance.stop()
        event = story.appliance.eve.wait(10, event_type="anomaly", src_ip="192.168.77.12", borderlens__anomaly__kind="lookups")
        check("those that have no line", event["borderlens"]["anomaly"]["packets"] >= 2 * 600 - 240, event)
    story.later.append(look)


@story()
def a_lookup(lab):
    made = Story(lab)
    for part in (is_relayed_recorded_and_names_what_follows, name_is_judged_where_the_hello_has_none,
                 name_that_a_rule_blocks_leaks_nothing, over_tcp_it_passes_whole_or_not_at_all,
                 its_flow_carries_nothing_else, what_it_says_of_dnssec_passes, of_a_blocked_server_it_is_recorded,
                 answer_that_was_cut_is_asked_for_over_tcp, what_nobody_asked_for_is_not_learnt,
                 flood_does_not_flood_the_record):
        part(made)
    made.end()


@story()
def configured_resolver_is_asked_in_everybodys_stead(lab):
    made = Story(lab, dns={"resolver": GOOD})
    before = lab.net.arrived(BAD)
    for server, options in ((BAD, ()), (BAD, ("+tcp",)), (GATEWAY4, ()), (GATEWAY6, ("+tcp",)), (NOBODYS, ()), (NOBODYS, ("+tcp",))):
        equal(f"as from {server} {options}", made.dig("cam.example", *options, server=server), ("NOERROR", [GOOD]))
        equal("who was asked", made.dns.asked, [("cam.example", 1, "tcp" if options else "udp")])
    equal("a name that is refused", made.dig("a.tracker.example", server=BAD)[0], "REFUSED")
    equal("is asked of nobody", made.dns.asked, [])
    equal("packets at the server that cameras ask", lab.net.arrived(BAD) - before, 0)
    answer = made.lookup("cam.example", "answer")
    check("marked", answer["borderlens"]["resolver"], answer)
    made.names("its name", GOOD, 10, "cam.example", "dns")
    what_it_says_of_dnssec_passes(made)
    slow_camera_is_no_exception(made)
    another_one_is_asked_from_a_reload_on(made)
    made.end()


def another_one_is_asked_from_a_reload_on(made):
    """And from the next one on, whom the camera asks."""
    path, other = made.appliance.config_path, "3.120.0.78"
    made.lab.net.add_cloud(other)
    second = made.lab.server(Dns(made.lab.net.net, other, {"cam.example": GOOD}))
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    settings["dns"]["resolver"] = other
    harness.write(path, json.dumps(settings))
    equal("reload", made.appliance.command("reload").returncode, 0)
    for options in ((), ("+tcp",)):
        second.asked.clear()
        equal(f"after it {options}", made.dig("cam.example", *options, server=BAD), ("NOERROR", [GOOD]))
        equal("who was asked", (second.asked, made.dns.asked), ([("cam.example", 1, "tcp" if options else "udp")], []))
    del settings["dns"]
    harness.write(path, json.dumps(settings))
    equal("reload", made.appliance.command("reload").returncode, 0)
    equal("the server itself", made.dig("cam.example"), ("NOERROR", [GOOD]))
    equal("who was asked", made.dns.asked, [("cam.example", 1, "udp")])
    equal("one that the rules block", made.dig("cam.example", server=BAD)[0], "none")


def slow_camera_is_no_exception(made):
    """One that says nothing at first is connected to nobody before it does."""
    lab, other = made.lab, "3.120.0.77"
    lab.net.add_cloud(other)
    made.dns.asked.clear()
    with lab.net.cam.socket() as camera:
        camera.settimeout(15)
        camera.connect((other, 53))
        time.sleep(0.6)
        query = question(7, "cam.example")
        camera.sendall(struct.pack(">H", len(query)) + query)
        check("an answer", camera.recv(100)[2:4] == b"\0\7")
    equal("who was asked", made.dns.asked, [("cam.example", 1, "tcp")])
    equal("packets at the server that the camera asked", lab.net.arrived(other), 0)


if __name__ == "__main__":
    harness.main()
