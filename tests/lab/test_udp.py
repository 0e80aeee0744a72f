# SPDX-License-Identifier: MIT
"""Datagrams: each flow is located, told apart, judged and recorded, and what is
blocked leaves no packet."""

import contextlib
import errno
import json
import os
import re
import signal
import socket
import struct
import threading

import harness
from appliance import ROOT, wait_for
from cameras import TELECOM_CN6 as BAD6
from harness import BAD, GOOD, GOOD6, RULES, check, equal, story
from hello import real_hello
from net import family_of, is_v6

SHORT = {"timeout": {"udp_idle": "1s", "udp_two_way": "1s"}}


class Echo:
    """A server of UDP: sends each datagram back, and counts."""

    def __init__(self, space, address, port, answer=lambda data: data):
        self.socket = space.socket(family_of(address), socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((address, port))
        self.answer = answer
        self.datagrams = []
        self.peers = set()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                data, peer = self.socket.recvfrom(65536)
                if data == b"" and peer[0] == self.socket.getsockname()[0]:
                    return
                self.datagrams.append(data)
                self.peers.add(peer[:2])
                if (answer := self.answer(data)) is not None:
                    self.socket.sendto(answer, peer)

    def bytes(self):
        return sum(map(len, self.datagrams))

    def close(self):
        own = self.socket.getsockname()
        with contextlib.suppress(OSError):
            self.socket.sendto(b"", own)  # wakes it
        self.thread.join(2)
        self.socket.close()


def source_of(address, camera):
    return f"fd77::{camera}" if is_v6(address) else f"192.168.77.{camera}"


def camera_socket(lab, address, camera=10, port=0, connect=None):
    made = lab.net.cam.socket(family_of(address), socket.SOCK_DGRAM)
    made.settimeout(15)
    made.bind((source_of(address, camera), port))
    if connect is not None:
        made.connect((address, connect))
    return made


def flow(appliance, port, **want):
    """The flow of that camera's port (None: any), once it is over."""
    if port is not None:
        want["src_port"] = port
    return appliance.eve.wait(10, event_type="flow", **want)


def datagrams_go_both_ways_and_are_counted(lab, appliance):
    sent = []
    for address in (GOOD, GOOD6):
        server = lab.server(Echo(lab.net.net, address, 5000))
        with camera_socket(lab, address, connect=5000) as camera:
            sent.append((server, camera.getsockname()[1]))
            for size in (0, 1, 100, 1400, 9000):
                camera.send(bytes(size))
                equal(f"{size} bytes come back from {address}", len(camera.recv(65536)), size)
    for server, port in sent:
        equal("what the far side received", (len(server.datagrams), server.bytes()), (5, 10501))
        event = flow(appliance, port, proto="UDP")
        equal("packets", (event["flow"]["pkts_toserver"], event["flow"]["pkts_toclient"]), (5, 5))
        own = event["borderlens"]
        equal("verdict and end", (own["verdict"], own["end"]), ("allow", "idle"))
        equal("what left", (own["left"]["up"], own["left"]["down"]), (10501, 10501))


def what_is_blocked_leaves_no_packet_and_is_one_record(lab, appliance):
    for address in (BAD, BAD6):
        before = lab.net.arrived(address)
        with camera_socket(lab, address, connect=5000) as camera:
            port = camera.getsockname()[1]
            told = [error.errno for _ in range(10) if (error := sending(camera, b"\x99" * 100)) is not None]
            if not told:
                told = [harness.refused(camera.recv, 1).errno]
            equal(f"{address}: the camera is told", set(told), {errno.ECONNREFUSED})
        event = flow(appliance, port)
        own = event["borderlens"]
        equal(f"{address}: verdict", (own["verdict"], own["left"]["up"]), ("block", 0))
        # One that the kernel held an error against was not sent.
        check(f"{address}: all are counted", event["flow"]["pkts_toserver"] >= 9, event["flow"])
        equal(f"{address}: packets at the far side", lab.net.arrived(address) - before, 0)
        equal(f"{address}: records", len(appliance.eve.find(event_type="flow", src_port=port)), 1)


def sending(camera, data):
    """The error that it ended with, or None."""
    try:
        camera.send(data)
    except OSError as error:
        return error
    return None


def captured(name):
    """The first datagrams of a QUIC client, as tests/inspect has them."""
    with open(os.path.join(ROOT, "tests/inspect/quic_captures.h"), encoding="ascii") as file:
        body = re.search(rf"{name}\[\] = {{(.*?)NULL,\n}};", file.read(), re.S).group(1)
    return [bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', one))) for one in body.split(",") if one.strip()]


QUIC_NAME = "token.services.mozilla.com"


def quic_is_named_and_refused_or_passed_as_configured(lab, appliance):
    """Recorded Initials whose hello spans two datagrams."""
    datagrams = captured("captured_two_datagrams")
    server = lab.server(Echo(lab.net.net, GOOD, 443))
    with camera_socket(lab, GOOD, connect=443) as camera:
        port = camera.getsockname()[1]
        for one in datagrams:
            camera.send(one)
        equal("the camera is told", harness.refused(camera.recv, 1).errno, errno.ECONNREFUSED)
    event = flow(appliance, port)
    own = event["borderlens"]
    equal("verdict", (own["verdict"], own["rule"], own["left"]["up"]), ("block", "quic", 0))
    equal("protocol", event["app_proto"], "quic")
    equal("what the server received", server.datagrams, [])
    told = next(one["quic"] for one in appliance.eve.find(src_port=port) if "quic" in one)
    equal("name", told["sni"], QUIC_NAME)
    check("print", told["ja4"].startswith("q13d"), told)
    reconfigure(appliance, quic="allow")
    with camera_socket(lab, GOOD, connect=443) as camera:
        port = camera.getsockname()[1]
        camera.send(datagrams[0])
        camera.send(datagrams[1])
        equal("what comes back", [camera.recv(65536) for _ in datagrams], datagrams)
    own = flow(appliance, port)["borderlens"]
    equal("passed", (own["verdict"], own["inspect"], own["left"]["up"]),
          ("allow", "passthrough", sum(map(len, datagrams))))
    # Half a hello is none: it waits, and nothing of it leaves.
    received = len(server.datagrams)
    with camera_socket(lab, GOOD, connect=443) as camera:
        port = camera.getsockname()[1]
        camera.send(datagrams[0])
        own = flow(appliance, port)["borderlens"]
    equal("half a hello", (own["verdict"], own["rule"], own["left"]["up"]), ("block", "undecodable", 0))
    equal("nothing arrived", len(server.datagrams), received)


def reconfigure(appliance, rules=None, **changes):
    with open(appliance.config_path, encoding="utf-8") as file:
        settings = harness.merge(json.load(file), changes)
    harness.write(appliance.config_path, json.dumps(settings, indent=1))
    if rules is not None:
        harness.write(settings["rules"][0], rules)
    done = appliance.command("reload")
    equal("reload", done.returncode, 0)


@story()
def a_reload_ends_what_its_rules_block_and_opens_what_they_allow(lab):
    appliance = lab.started(changes={"timeout": {"udp_idle": "20s", "udp_two_way": "20s"}})
    server = lab.server(Echo(lab.net.net, GOOD, 5000))
    blocked = lab.server(Echo(lab.net.net, BAD, 5000))
    with camera_socket(lab, GOOD, connect=5000) as camera, camera_socket(lab, BAD, connect=5000) as other:
        ports = camera.getsockname()[1], other.getsockname()[1]
        camera.send(b"before")
        equal("before", camera.recv(100), b"before")
        other.send(b"blocked")
        harness.refused(other.recv, 100)
        reconfigure(appliance, quic="refuse")
        camera.send(b"between")
        equal("a reload that changes nothing", camera.recv(100), b"between")
        turned = RULES.replace('touches: ["CN"]', 'ip: 3.120.0.10').replace("default: {then: block", "default: {then: allow")
        reconfigure(appliance, turned)
        own = flow(appliance, ports[0])["borderlens"]
        equal("end", (own["end"], own["verdict"], own["left"]["up"]), ("rule-change", "block", 13))
        with contextlib.suppress(ConnectionRefusedError):
            camera.send(b"after")
        own = flow(appliance, ports[1])["borderlens"]
        equal("what was blocked", (own["end"], own["left"]["up"]), ("refused", 0))
        wait_for("what is allowed now", 5, lambda: answered(other, b"allowed now"))
    equal("what the server received", server.datagrams, [b"before", b"between"])
    equal("what the other received", set(blocked.datagrams), {b"allowed now"})
    equal("exit", appliance.stop(), 0)
    last = appliance.eve.find(event_type="flow", src_port=ports[1])
    equal("the appliance's end is told", [event["borderlens"]["end"] for event in last], ["refused", "shutdown"])


def who_nobody_asked_is_not_heard_and_a_port_is_one_for_all(lab, appliance):
    """The camera's port has one port on the appliance for all its destinations,
    and only they can answer through it."""
    one, other = (lab.server(Echo(lab.net.net, GOOD, port)) for port in (5100, 5101))
    with camera_socket(lab, GOOD) as camera:
        for port in (5100, 5101):
            camera.sendto(b"punch", (GOOD, port))
            equal("from where it was sent to", camera.recvfrom(100), (b"punch", (GOOD, port)))
        equal("one port for both", one.peers, other.peers)
        stranger = lab.net.net.socket(kind=socket.SOCK_DGRAM)
        stranger.bind((GOOD, 5102))
        stranger.sendto(b"hello", next(iter(one.peers)))
        stranger.close()
        camera.sendto(b"last", (GOOD, 5100))
        equal("the stranger is not heard", camera.recvfrom(100), (b"last", (GOOD, 5100)))
        # Nobody listens there: the server's word for it reaches the camera.
        camera.connect((GOOD, 5103))
        camera.send(b"anybody?")
        equal("told", harness.refused(camera.recv, 1).errno, errno.ECONNREFUSED)
        port = camera.getsockname()[1]
    event = flow(appliance, port, dest_port=5103)
    equal("end", event["borderlens"]["end"], "unreachable")


@story()
def a_killed_worker_tells_its_flows_lost(lab):
    appliance = lab.started(changes={"workers": 1})
    server = lab.server(Echo(lab.net.net, GOOD, 5000))
    with camera_socket(lab, GOOD, connect=5000) as camera:
        port = camera.getsockname()[1]
        for _ in range(5):
            camera.send(bytes(100))
            camera.recv(200)
        with camera_socket(lab, BAD, connect=5000) as other:
            other.send(b"\x99blocked")
            equal("the other is told", harness.refused(other.recv, 1).errno, errno.ECONNREFUSED)
            refused = other.getsockname()[1]
        worker = appliance.role_pids("worker")[0]
        os.kill(worker, signal.SIGKILL)
        own = flow(appliance, refused)["borderlens"]
        equal("what was blocked is told", (own["verdict"], own["rule"], own["end"], own["left"]["up"]), ("block", "10", "lost", 0))
        event = flow(appliance, port)
        own = event["borderlens"]
        equal("lost", (own["end"], own["left"]["up"], own["left"]["down"]), ("lost", 500, 500))
        wait_for("another worker", 5, lambda: appliance.role_pids("worker") not in ([], [worker]))
        wait_for("service", 5, lambda: answered(camera, b"again"))
    check("and what the server received", server.bytes() >= 505, server.bytes())
    equal("exit", appliance.stop(), 0)
    appliance.recorded()


def answered(camera, data, timeout=0.2):
    camera.settimeout(timeout)
    try:
        camera.send(data)
        return camera.recv(65536) == data
    except OSError:
        return False


@story()
def a_flood_of_ports_stays_within_its_camera(lab):
    appliance = lab.started(changes={"workers": 1, "limit": {"udp_per_camera": 200}})
    lab.server(Echo(lab.net.net, GOOD, 5000))
    flood = lab.net.cam.socket(kind=socket.SOCK_RAW, protocol=socket.IPPROTO_UDP)
    flood.bind(("192.168.77.11", 0))
    for port in range(20000):
        header = struct.pack(">HHHH", 1024 + port, 5000, 8 + 5, 0)
        flood.sendto(header + b"flood", (GOOD, 0))
    with camera_socket(lab, GOOD, connect=5000) as camera:
        check("another camera is served", answered(camera, b"me too", 2))
    flood.close()
    event = appliance.eve.wait(10, event_type="flow", borderlens__end="overload")
    equal("whose", (event["src_ip"], event["borderlens"]["verdict"]), ("192.168.77.11", "block"))
    with camera_socket(lab, GOOD, connect=6100) as camera:
        camera.send(rtp_packet(1, 4711))
        port = camera.getsockname()[1]
        # Behind it in the worker's queue: when this is answered, it was taken.
        with camera_socket(lab, GOOD, connect=5000) as other:
            wait_for("what was sent behind it", 5, answered, other, b"behind", 2)
        equal("exit", appliance.stop(), 0)
    appliance.recorded()
    waited = appliance.eve.find(event_type="flow", src_port=port)
    equal("what waited at the end is told", [event["borderlens"]["end"] for event in waited], ["shutdown"])
    flows = appliance.eve.find(event_type="flow", src_ip="192.168.77.11", borderlens__end="shutdown")
    equal("flows", len(flows), 200)
    overload = appliance.eve.find(event_type="flow", borderlens__end="overload")
    check("few records", len(overload) <= 2, len(overload))
    told = sum(event["flow"]["pkts_toserver"] for event in flows + overload)
    check("nothing is forgotten", told > 15000, told)


def rtp_packet(number, source):
    return struct.pack(">BBHII", 0x80, 96, number, 1000 * number, source) + bytes(100)


def halves_by_the_thousand_push_out_their_own(lab):
    """What waits for a second datagram has bounds for all cameras together."""
    sink = lab.server(Echo(lab.net.net, GOOD, 6100, answer=lambda data: None))
    flood = lab.net.cam.socket(kind=socket.SOCK_RAW, protocol=socket.IPPROTO_UDP)
    flood.bind(("192.168.77.11", 0))
    half = rtp_packet(1, 77)
    for port in range(40, 1090):  # of those that no socket of another story's is given
        flood.sendto(struct.pack(">HHHH", port, 6100, 8 + len(half), 0) + half, (GOOD, 0))
    flood.close()
    with camera_socket(lab, GOOD, connect=6100) as camera:
        port = camera.getsockname()[1]
        for number in (1, 2, 3):
            camera.send(rtp_packet(number, 4711))
        wait_for("all three", 5, lambda: sum(data[8:12] == struct.pack(">I", 4711) for data in sink.datagrams) == 3)
    return port


BINDING = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)


def media_behind_what_opened_its_way_is_told_anew(lab, appliance):
    """As WebRTC does it, and whoever wants to be taken for something else."""
    server = lab.server(Echo(lab.net.net, GOOD, 6200))
    # Picture and sound take turns.
    media = [rtp_packet(number, source) for number in range(1, 4) for source in (4712, 4713)]

    def send(opening):
        with camera_socket(lab, GOOD, connect=6200) as camera:
            camera.send(opening)
            equal("the way is open", camera.recv(1000), opening)
            for one in media:
                sending(camera, one)
            return camera.getsockname()[1]

    port = send(BINDING)
    wait_for("all of it", 5, lambda: server.datagrams == [BINDING, *media])
    equal("from one port", len(server.peers), 1)
    own = flow(appliance, port, app_proto="stun")["borderlens"]
    equal("what opened it", (own["end"], own["left"]["up"], own["left"]["down"]), ("done", 20, 20))
    own = flow(appliance, port, app_proto="rtp")["borderlens"]
    equal("what followed", (own["end"], own["left"]["up"]), ("idle", 6 * 112))
    footage = RULES.replace("""  - {id: 20,""", """  - {id: 15, match: {app: [rtp]}, then: block, why: "No media"}\n  - {id: 20,""")
    reconfigure(appliance, footage)
    # Of what nobody knows one packet more of each is needed to see it.
    for opening, most in ((BINDING, 0), (b"\x99open sesame", 2)):
        del server.datagrams[:]
        own = flow(appliance, send(opening), app_proto="rtp")["borderlens"]
        equal("blocked", (own["verdict"], own["rule"], own["left"]["up"]), ("block", "15", 0))
        equal("nothing but its opening left", server.datagrams, [opening, *media[:most]])
    reconfigure(appliance, RULES)


def dtls_hello(name):
    """A ClientHello of DTLS, without a cookie, in one record."""
    body = real_hello(name)[4:]
    at = 2 + 32 + 1 + body[2 + 32]
    body = b"\xfe\xfd" + body[2:at] + b"\0" + body[at:]
    size = len(body).to_bytes(3, "big")
    fragment = b"\x01" + size + bytes(2) + bytes(3) + size + body
    return b"\x16\xfe\xff" + bytes(8) + struct.pack(">H", len(fragment)) + fragment


def media_behind_dtls_and_a_second_name_in_it_are_judged(lab, appliance):
    """As SRTP has its keys from DTLS on the same ports (RFC 5764)."""
    server = lab.server(Echo(lab.net.net, GOOD, 6300))
    hello, media = dtls_hello("first.example"), [rtp_packet(number, 4714) for number in (1, 2, 3)]
    refused = RULES.replace("  - {id: 20,", """  - {id: 17, match: {sni: ["second.example"]}, then: block, why: "Not that one"}\n  - {id: 20,""")
    reconfigure(appliance, refused)
    with camera_socket(lab, GOOD, connect=6300) as camera:
        port = camera.getsockname()[1]
        for one in (hello, hello):  # sent again it is the same one
            camera.send(one)
            equal("the way is open", camera.recv(2000), one)
        for one in media:
            camera.send(one)
        wait_for("the media", 5, lambda: server.datagrams == [hello, hello, *media])
        camera.send(dtls_hello("second.example"))
    own = flow(appliance, port, app_proto="dtls", borderlens__verdict="allow")["borderlens"]
    equal("what opened it", (own["end"], own["left"]["up"]), ("done", 2 * len(hello)))
    own = flow(appliance, port, app_proto="rtp")["borderlens"]
    equal("the media", (own["end"], own["left"]["up"]), ("done", 3 * 112))
    own = flow(appliance, port, borderlens__verdict="block")["borderlens"]
    equal("the second name", (own["rule"], own["left"]["up"]), ("17", 0))
    equal("nothing more arrived", len(server.datagrams), 5)
    reconfigure(appliance, RULES)


def another_hello_between_the_same_ports_is_judged_by_its_name(lab, appliance):
    """The first name is allowed; what is said behind it is another matter."""
    first, second = captured("captured_two_datagrams"), captured("captured_with_ja4")[:1]
    refused = RULES.replace("  - {id: 20,", """  - {id: 16, match: {sni: ["www.blogger.com"]}, then: block, why: "Not that one"}\n  - {id: 20,""")
    server = lab.server(Echo(lab.net.net, GOOD, 8443))
    reconfigure(appliance, refused, quic="allow")
    with camera_socket(lab, GOOD, connect=8443) as camera:
        port = camera.getsockname()[1]
        for one in first:
            camera.send(one)
        equal("what comes back", [camera.recv(65536) for _ in first], first)
        camera.send(second[0])
        equal("the camera is told", harness.refused(camera.recv, 2).errno, errno.ECONNREFUSED)
    own = flow(appliance, port, borderlens__verdict="allow")["borderlens"]
    equal("what the first one was", (own["end"], own["left"]["up"]), ("done", sum(map(len, first))))
    own = flow(appliance, port, borderlens__verdict="block")["borderlens"]
    equal("what the second one was", (own["rule"], own["left"]["up"]), ("16", 0))
    told = {one["quic"]["sni"] for one in appliance.eve.find(src_port=port) if "quic" in one}
    equal("both names", told, {QUIC_NAME, "www.blogger.com"})
    # Nor is it let through behind what nobody knows.
    reconfigure(appliance, RULES, quic="refuse")
    with camera_socket(lab, GOOD, connect=8443) as camera:
        port = camera.getsockname()[1]
        camera.send(b"\x99anything")
        equal("the unknown goes", camera.recv(100), b"\x99anything")
        camera.send(second[0])
        equal("the camera is told", harness.refused(camera.recv, 2).errno, errno.ECONNREFUSED)
    own = flow(appliance, port, app_proto="quic")["borderlens"]
    equal("what came behind", (own["rule"], own["left"]["up"]), ("quic", 0))
    equal("what the server received", server.datagrams, [*first, b"\x99anything"])


def hellos_beyond_a_cameras_share_are_dropped_and_counted(lab, appliance):
    """So that the others' datagrams do not wait while one camera's hellos are opened."""
    hello = captured("captured_with_ja4")[0]
    server = lab.server(Echo(lab.net.net, GOOD, 8444))
    reconfigure(appliance, RULES, quic="allow", limit={"udp_hellos": 1})
    with contextlib.ExitStack() as stack:
        flood = [stack.enter_context(camera_socket(lab, GOOD, camera=12, connect=8444)) for _ in range(100)]
        for camera in flood:
            sending(camera, hello)
        camera = stack.enter_context(camera_socket(lab, GOOD, camera=11, connect=8444))
        check("another camera's is answered", answered(camera, hello, 5))
        flood[-1].send(b"\x99none")
        # What comes back may be a hello first, of a later second.
        check("what is none goes on", any(flood[-1].recv(2000) == b"\x99none" for _ in range(2)))
    event = flow(appliance, None, borderlens__rule="udp-hellos")
    own = event["borderlens"]
    equal("whose", (event["src_ip"], own["verdict"], own["end"], own["left"]["up"]),
          ("192.168.77.12", "block", "overload", 0))
    check("nothing of them arrived", server.datagrams.count(hello) <= 101 - event["flow"]["pkts_toserver"], len(server.datagrams))
    reconfigure(appliance, RULES, quic="refuse", limit={"udp_hellos": 500})


def each_kind_leaves_nothing_where_it_is_blocked(lab, appliance):
    before = lab.net.arrived(BAD)
    payloads = {"stun": b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), "quic": captured("captured_with_ja4")[0],
                "ntp": b"\x23" + bytes(47), "unknown": b"\x99garbage!"}
    ports = {"stun": 3478, "quic": 443, "ntp": 123, "unknown": 9999}
    with contextlib.ExitStack() as stack:
        sources = {kind: stack.enter_context(camera_socket(lab, BAD, connect=ports[kind])) for kind in payloads}
        for kind, camera in sources.items():
            camera.send(payloads[kind])
        events = {kind: flow(appliance, camera.getsockname()[1]) for kind, camera in sources.items()}
    for kind, event in events.items():
        own = event["borderlens"]
        equal(f"{kind}: what left", (own["verdict"], own["left"]["up"]), ("block", 0))
        if kind != "unknown":
            equal("it is told apart", event["app_proto"], kind)
        else:
            equal("its first bytes", own["app"]["first"], payloads[kind][:8].hex())
    equal("packets at the far side", lab.net.arrived(BAD) - before, 0)


@story(120)
def datagrams_are_relayed_told_apart_and_recorded(lab):
    appliance = lab.started(changes=SHORT | {"workers": 1})
    port = halves_by_the_thousand_push_out_their_own(lab)
    equal("another camera's are told", flow(appliance, port)["app_proto"], "rtp")
    datagrams_go_both_ways_and_are_counted(lab, appliance)
    what_is_blocked_leaves_no_packet_and_is_one_record(lab, appliance)
    who_nobody_asked_is_not_heard_and_a_port_is_one_for_all(lab, appliance)
    each_kind_leaves_nothing_where_it_is_blocked(lab, appliance)
    quic_is_named_and_refused_or_passed_as_configured(lab, appliance)
    another_hello_between_the_same_ports_is_judged_by_its_name(lab, appliance)
    media_behind_dtls_and_a_second_name_in_it_are_judged(lab, appliance)
    media_behind_what_opened_its_way_is_told_anew(lab, appliance)
    hellos_beyond_a_cameras_share_are_dropped_and_counted(lab, appliance)
    equal("from a camera's own address", lab.net.leaked(), 0)
    appliance.recorded()


if __name__ == "__main__":
    harness.main()
