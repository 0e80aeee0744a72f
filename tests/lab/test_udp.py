# SPDX-License-Identifier: MIT
"""Datagrams: each flow is located, told apart, judged and recorded, and what is
blocked leaves no packet."""

import contextlib
import errno
import socket
import threading

import harness
from appliance import wait_for
from harness import BAD, GOOD, GOOD6, RULES, check, equal, story
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
    made.settimeout(5)
    made.bind((source_of(address, camera), port))
    if connect is not None:
        made.connect((address, connect))
    return made


def flow(appliance, port, **want):
    """The flow of that camera's port, once it is over."""
    return appliance.eve.wait(10, event_type="flow", src_port=port, **want)


@story()
def datagrams_go_both_ways_and_are_counted(lab):
    appliance = lab.started(changes=SHORT)
    for address in (GOOD, GOOD6):
        server = lab.server(Echo(lab.net.net, address, 5000))
        with camera_socket(lab, address, connect=5000) as camera:
            port = camera.getsockname()[1]
            for size in (0, 1, 100, 1400, 9000):
                data = bytes(size)
                camera.send(data)
                equal(f"{size} bytes come back from {address}", len(camera.recv(65536)), size)
        equal("what the far side received", (len(server.datagrams), server.bytes()), (5, 10501))
        event = flow(appliance, port, proto="UDP")
        equal("packets", (event["flow"]["pkts_toserver"], event["flow"]["pkts_toclient"]), (5, 5))
        own = event["borderlens"]
        equal("verdict", own["verdict"], "allow")
        equal("what left", (own["left"]["up"], own["left"]["down"]), (10501, 10501))
        equal("end", own["end"], "idle")
    appliance.recorded()


@story()
def what_is_blocked_leaves_no_packet_and_is_one_record(lab):
    appliance = lab.started(changes=SHORT)
    before = lab.net.arrived(BAD)
    with camera_socket(lab, BAD, connect=5000) as camera:
        port = camera.getsockname()[1]
        refused = None
        for _ in range(10):
            try:
                camera.send(b"\x99" * 100)
            except OSError as error:
                refused = error.errno
        try:
            camera.recv(1)
        except OSError as error:
            refused = refused or error.errno
        equal("the camera is told", refused, errno.ECONNREFUSED)
    event = flow(appliance, port)
    own = event["borderlens"]
    equal("verdict", own["verdict"], "block")
    equal("what left", own["left"]["up"], 0)
    check("all are counted", event["flow"]["pkts_toserver"] >= 9, event["flow"])
    equal("packets at the far side", lab.net.arrived(BAD) - before, 0)
    equal("records", len(appliance.eve.find(event_type="flow", src_port=port)), 1)
    appliance.recorded()


if __name__ == "__main__":
    harness.main()
