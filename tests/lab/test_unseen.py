# SPDX-License-Identifier: MIT
"""What a camera sends that is neither TCP nor UDP, or comes when nobody is
there: nothing of it passes, all of it is counted and recorded."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

import harness
import net as network
from appliance import binary, wait_for
from harness import GOOD, GOOD6, check, equal, story
from test_udp import Echo, answered

SOON = {"record": {"anomalies": "200ms"}}
CAMERA, CAMERA6 = "192.168.77.10", "fd77::10"
REFUSING = harness.RULES.replace("then: allow", "then: block")
PING = b"\x08\x00\x00\x00\x00\x01\x00\x01"
PING6 = b"\x80\x00\x00\x00\x00\x01\x00\x01"


def forwarding(lab):
    """So that a leak would arrive."""
    lab.net.gw.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)


def counters(appliance):
    """What `gateway show` says: name -> packets."""
    done = subprocess.run(appliance.space.command(binary(), "gateway", "show", "--json"),
                          capture_output=True, text=True, check=True)
    return {name: row["packets"] for name, row in json.loads(done.stdout).items()}


def head4(protocol, payload, to, fragment=0, camera=CAMERA):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0,
                       socket.inet_aton(camera), socket.inet_aton(to))


def raw4(lab, protocol, payload, to=GOOD, fragment=0, broadcast=False, camera=CAMERA):
    """An IPv4 packet whose header is written here."""
    head = head4(protocol, payload, to, fragment, camera)
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        if broadcast:
            out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        out.sendto(head + payload, (to, 0))


def raw6(lab, following, payload, to=GOOD6):
    """An IPv6 packet whose header is written here."""
    head = struct.pack("!IHBB16s16s", 6 << 28, len(payload), following, 64,
                       socket.inet_pton(socket.AF_INET6, CAMERA6), socket.inet_pton(socket.AF_INET6, to))
    with lab.net.cam.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        out.sendto(head + payload, (to, 0, 0, 0))


def udp(payload=b"odd", port=9000, own_port=40000):
    return struct.pack("!HHHH", own_port, port, 8 + len(payload), 0) + payload


def behind_header():
    """A datagram behind an extension header of eight bytes that says nothing."""
    return bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp()


LOOKUP = b"\0\7\1\0\0\1\0\0\0\0\0\0\3cam\5local\0\0\1\0\1"

# kind, its counter, of which camera, and what sends it
SENT = (
    ("icmp", "icmp_all", CAMERA, lambda lab: raw4(lab, 1, PING)),
    ("icmp", "icmp_all", CAMERA6, lambda lab: raw6(lab, 58, PING6)),
    ("gre", "gre_all", CAMERA, lambda lab: raw4(lab, 47, b"\0\0\x08\0odd")),
    ("gre", "gre_all", CAMERA6, lambda lab: raw6(lab, 47, b"\0\0\x08\0odd")),
    ("esp", "esp_all", CAMERA, lambda lab: raw4(lab, 50, b"spi.seq.data")),
    ("6in4", "sit_all", CAMERA, lambda lab: raw4(lab, 41, b"\x60" + bytes(39))),
    ("other", "other_all", CAMERA, lambda lab: raw4(lab, 132, b"sctp" * 4)),
    ("multicast", "multicast_all", CAMERA, lambda lab: raw4(lab, 17, udp(port=1900), "239.255.255.250")),
    ("multicast", "multicast_all", CAMERA6, lambda lab: raw6(lab, 17, udp(port=3702), "ff05::c")),
    # What looks for others: mDNS, LLMNR, NetBIOS.
    ("multicast", "multicast_all", CAMERA, lambda lab: raw4(lab, 17, udp(LOOKUP, 5353), "224.0.0.251")),
    ("multicast", "multicast_all", CAMERA6, lambda lab: raw6(lab, 17, udp(LOOKUP, 5353), "ff02::fb")),
    ("multicast", "multicast_all", CAMERA, lambda lab: raw4(lab, 17, udp(LOOKUP, 5355), "224.0.0.252")),
    ("broadcast", "broadcast_all", CAMERA, lambda lab: raw4(lab, 17, udp(LOOKUP, 137), "192.168.77.255", broadcast=True)),
    ("broadcast", "broadcast_all", CAMERA, lambda lab: raw4(lab, 17, udp(), "255.255.255.255", broadcast=True)),
    ("broadcast", "broadcast_all", CAMERA, lambda lab: raw4(lab, 17, udp(), "192.168.77.255", broadcast=True)),
    ("ipv6-extension", "extension_all", CAMERA6, lambda lab: raw6(lab, 0, behind_header())),
    ("ipv6-extension", "extension_all", CAMERA6, lambda lab: raw6(lab, 60, behind_header())),
    ("fragment", "fragment_all", CAMERA, lambda lab: raw4(lab, 17, udp(), fragment=0x2000)),
    ("port-0", "port0_all", CAMERA, lambda lab: raw4(lab, 17, udp(port=0))),
    ("port-0", "port0_all", CAMERA, lambda lab: raw4(lab, 17, udp(own_port=0))),
    ("port-0", "port0_all", CAMERA6, lambda lab: raw6(lab, 17, udp(port=0))),
    ("martian", "martian_all", "127.0.0.9", lambda lab: raw4(lab, 17, udp(), camera="127.0.0.9")),
    ("martian", "martian_all", "224.0.0.9", lambda lab: raw4(lab, 6, bytes(20), camera="224.0.0.9")),
    ("fragment", "fragment_all", CAMERA6,
     lambda lab: raw6(lab, 44, struct.pack("!BBHI", 17, 0, 1, 7) + udp())),
)


@story()
def nothing_but_tcp_and_udp_passes_and_all_is_counted_and_recorded(lab):
    forwarding(lab)
    appliance = lab.started(changes=SOON)
    leaked, astray = lab.net.leaked(), lab.net.astray()
    want = {}
    for kind, counter, camera, send in SENT:
        before = counters(appliance)[counter]
        send(lab)
        wait_for(f"{kind} of {camera} to be counted", 5, lambda: counters(appliance)[counter] > before)
        want[kind, camera] = want.get((kind, camera), 0) + 1

    def recorded(kind, camera):
        found = appliance.eve.find(event_type="anomaly", src_ip=camera, borderlens__anomaly__kind=kind)
        return sum(event["borderlens"]["anomaly"]["packets"] for event in found)

    for (kind, camera), packets in want.items():
        wait_for(f"{kind} of {camera} in the record", 5, lambda: recorded(kind, camera) >= packets)
        # The host itself sends some of these: MLD reports, pings of neighbours.
        if kind in ("gre", "esp", "6in4", "other", "fragment", "ipv6-extension", "port-0", "martian"):
            equal(f"{kind} of {camera}", recorded(kind, camera), packets)
    event = appliance.eve.find(event_type="anomaly", borderlens__anomaly__kind="gre")[0]
    equal("where it came in", event["in_iface"], "cams0")
    equal("whose it was", event["ether"]["src_mac"], mac_of_camera(lab))
    equal("packets on the far side", (lab.net.leaked() - leaked, lab.net.astray() - astray), (0, 0))
    appliance.recorded()


def mac_of_camera(lab):
    return lab.net.cam.run("cat", "/sys/class/net/eth0/address").strip()


def send_some(lab, count):
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((CAMERA, 0))
        for _ in range(count):
            out.sendto(b"out", (GOOD, 9000))


def gaps(appliance):
    return appliance.eve.find(event_type="anomaly", src_ip=CAMERA, borderlens__anomaly__kind="gap")


@story()
def what_came_while_nobody_was_there_is_told_as_a_gap(lab):
    forwarding(lab)
    leaked = lab.net.leaked()
    appliance = lab.appliance(changes=SOON)
    equal("gateway set", appliance.command("gateway", "set").returncode, 0)
    send_some(lab, 2)
    wait_for("what came after the boot to be dropped", 5, lambda: counters(appliance)["udp_other"] == 2)
    check("there are rules already", "already" in appliance.command("gateway", "set").stderr)
    appliance.start()
    wait_for("the gap of the boot", 5, lambda: gaps(appliance))
    gap = gaps(appliance)[0]
    equal("packets in it", gap["borderlens"]["anomaly"]["packets"], 2)
    check("it began before anybody knows", " before 20" in gap["borderlens"]["why"], gap["borderlens"]["why"])

    equal("exit after SIGTERM", appliance.stop(), 0)
    send_some(lab, 3)
    raw4(lab, 47, b"\0\0\x08\0odd")
    wait_for("all to be dropped", 5, lambda: counters(appliance)["udp_other"] == 3)
    appliance.start()
    wait_for("the gap of the stop", 5, lambda: len(gaps(appliance)) == 2)
    gap = gaps(appliance)[1]
    equal("packets in it", gap["borderlens"]["anomaly"]["packets"], 3)
    check("it says from when to when", " between 20" in gap["borderlens"]["why"], gap["borderlens"]["why"])
    gre = appliance.eve.wait(event_type="anomaly", borderlens__anomaly__kind="gre")
    equal("GRE meanwhile", gre["borderlens"]["anomaly"]["packets"], 1)

    appliance.stop()
    appliance.start()
    appliance.recorded()
    equal("gaps told", len(gaps(appliance)), 2)
    equal("leaked", lab.net.leaked() - leaked, 0)


def health(appliance):
    return appliance.command("health").stdout.strip()


@contextlib.contextmanager
def sending_on(lab):
    """A camera that sends one datagram after the other, over both families."""
    over = threading.Event()

    def send():
        with lab.net.cam.socket(kind=socket.SOCK_DGRAM) as four, \
                lab.net.cam.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
            while not over.wait(0.001):
                for made, address in ((four, GOOD), (six, GOOD6)):
                    with contextlib.suppress(OSError):
                        made.sendto(b"out", (address, 9))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@story()
def rules_that_somebody_changes_are_loaded_anew_at_once(lab):
    forwarding(lab)
    appliance = lab.started(changes=SOON)
    before = lab.net.leaked()
    with sending_on(lab):
        for command in ("flush ruleset", "flush chain inet borderlens forward",
                        "insert rule inet borderlens from_camera accept"):
            listed = rules_of(appliance)
            appliance.space.run("nft", *command.split())
            wait_for(f"the rules after {command}", 5, lambda: rules_of(appliance) == listed)
    # A network manager that takes foreign routing rules for its own.
    for family in ("-4", "-6"):
        appliance.space.ip(family, "rule", "flush")
        appliance.space.ip(family, "rule", "add", "lookup", "main", "priority", "32766")
    with lab.net.cam.socket(kind=socket.SOCK_DGRAM) as camera:
        server = lab.server(Echo(lab.net.net, GOOD, 5000))
        camera.connect((GOOD, 5000))
        wait_for("service without routing rules", 5, lambda: answered(camera, b"there?"))
        appliance.space.ip("route", "flush", "table", "25196")
        wait_for("service without the route", 5, lambda: answered(camera, b"still there?"))
        appliance.space.ip("-6", "route", "flush", "table", "25196")
        wait_for("the route of IPv6", 5, lambda: "default" in appliance.space.run("ip", "-6", "route", "show", "table", "25196"))
    equal("what the server saw", {peer[0] for peer in server.peers}, {network.WAN4})
    equal("leaked while there were no rules", lab.net.leaked() - before, 0)
    wait_for("health", 5, lambda: health(appliance) == "healthy")
    status = json.loads(appliance.command("status", "--json").stdout)
    check("changes in the status", 6 <= status["gateway"]["rules_changes"] <= 7, status)
    leaked = lab.net.leaked()
    raw4(lab, 47, b"\0\0\x08\0odd")
    wait_for("a drop that is told", 5, lambda: appliance.eve.find(borderlens__anomaly__kind="gre"))
    equal("leaked", lab.net.leaked() - leaked, 0)


@story()
def the_box_answers_what_asks_for_the_time_and_nothing_leaves(lab):
    """Also what asks the box itself, as DHCP may tell cameras to."""
    forwarding(lab)
    appliance = lab.started(rules=REFUSING, changes={"ntp": "answer"})
    before = {cloud: lab.net.arrived(cloud) for cloud in (GOOD, GOOD6)}
    asked = b"\x23" + bytes(39) + b"a stamp."
    for address in (GOOD, GOOD6, "192.168.77.1", "fd77::1"):
        with lab.net.cam.socket(network.family_of(address), socket.SOCK_DGRAM) as camera:
            camera.settimeout(15)
            camera.connect((address, 123))
            camera.send(asked)
            answer = camera.recv(100)
        equal(f"{address}: bytes", len(answer), 48)
        equal(f"{address}: the mode", answer[0] & 0x3F, 0x24)
        equal(f"{address}: what was sent", answer[24:32], b"a stamp.")
        told = struct.unpack("!I", answer[40:44])[0] - 2208988800
        check(f"{address}: the time", abs(told - time.time()) < 5, told)
    equal("what arrived", {cloud: lab.net.arrived(cloud) for cloud in before}, before)
    appliance.stop()
    event = appliance.eve.wait(event_type="flow", dest_ip=GOOD)
    equal("by whom", (event["borderlens"]["ruleset"], event["borderlens"]["rule"]), ("appliance", "ntp"))
    equal("what left", event["borderlens"]["left"]["up"], 0)


@story()
def a_broker_that_dies_is_started_anew_and_workers_go_on(lab):
    """What waits for it is asked again; nothing that was dropped is told twice."""
    appliance = lab.started(changes={"ntp": "answer", **SOON})
    raw4(lab, 47, b"\0\0\x08\0odd")
    appliance.eve.wait(borderlens__anomaly__kind="gre")
    for round_ in range(3):
        pid = appliance.role_pids("broker")[0]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        with lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
            camera.settimeout(15)
            camera.connect((f"3.120.0.{20 + round_}", 123))
            camera.send(b"\x23" + bytes(47))
            equal("bytes of the answer", len(camera.recv(100)), 48)
        check("it is another one", appliance.role_pids("broker") not in ([], [pid]))
    raw4(lab, 47, b"\0\0\x08\0odd")
    wait_for("the second one", 5, lambda: len(appliance.eve.find(borderlens__anomaly__kind="gre")) == 2)
    appliance.recorded()
    found = appliance.eve.find(borderlens__anomaly__kind="gre")
    equal("packets told", [event["borderlens"]["anomaly"]["packets"] for event in found], [1, 1])


@story()
def a_flood_of_made_up_cameras_stays_within_its_bounds(lab):
    sent, most = 6000, 4096
    appliance = lab.started(changes=SOON)
    before = counters(appliance)["esp_all"]
    with lab.net.cam.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        for number in range(sent):
            camera = f"192.168.77.{1 + number % 250}" if number < 250 else f"10.{number >> 8}.{number & 255}.9"
            out.sendto(head4(50, b"spi.seq.data", GOOD, camera=camera) + b"spi.seq.data", (GOOD, 0))
    wait_for("all to be counted", 5, lambda: counters(appliance)["esp_all"] - before == sent)
    listed = json.loads(appliance.space.run("nft", "-j", "list", "set", "inet", "borderlens", "unseen4"))
    rows = next(row["set"]["elem"] for row in listed["nftables"] if "set" in row)
    check("the set has its bound", most - 1 <= len(rows) <= most, len(rows))
    wait_for("some of it in the record", 5, lambda: len(appliance.eve.find(borderlens__anomaly__kind="esp")) > 100)
    check("no more than 32 a turn", len(appliance.eve.find(borderlens__anomaly__kind="esp")) < most)
    equal("health", health(appliance), "healthy")
    appliance.recorded()


def filter_bridges(space, value):
    """Whether the kernel can: br_netfilter may not be there."""
    if not os.path.exists("/proc/sys/net/bridge"):
        return False
    space.sysctl(**{f"net__bridge__bridge-nf-call-{family}": value for family in ("iptables", "ip6tables")})
    return True


@story()
def cameras_of_one_bridge_find_each_other(lab):
    """What the bridge carries between them is none of ours; the copy that the
    host gets is dropped."""
    gw, name = lab.net.gw, f"{lab.prefix}-cam"
    other = network.Namespace(f"{lab.prefix}-net2")
    try:
        gw.ip("link", "add", "br0", "type", "bridge")
        for device, there in (("port1", name), ("port2", other.name)):
            network.run("ip", "link", "add", device, "netns", gw.name, "type", "veth",
                        "peer", "name", "seg0", "netns", there)
            gw.ip("link", "set", device, "master", "br0", "up")
            network.run("ip", "-n", there, "link", "set", "seg0", "up")
        gw.ip("link", "set", "br0", "up")
        lab.net.cam.ip("addr", "add", "10.44.0.2/24", "dev", "seg0")
        other.ip("addr", "add", "10.44.0.3/24", "dev", "seg0")
        filter_bridges(gw, 0)
        appliance = lab.started(changes={"gateway": {"cameras": ["br0"]}, **SOON})
        group = socket.inet_aton("239.255.255.250")
        with other.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening, \
                lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            listening.bind(("", 3702))
            listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                 group + socket.inet_aton("10.44.0.3"))
            listening.settimeout(15)
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.44.0.2"))
            asking.bind(("10.44.0.2", 0))
            asking.settimeout(15)
            asking.sendto(b"who is there", ("239.255.255.250", 3702))
            said, camera = listening.recvfrom(100)
            equal("what the other camera heard", said, b"who is there")
            listening.sendto(b"I am", camera)
            equal("what the first one heard", asking.recv(100), b"I am")
        appliance.eve.wait(src_ip="10.44.0.2", borderlens__anomaly__kind="multicast")
        appliance.stop()
        if not filter_bridges(gw, 1):
            return
        appliance.start()
        check("it warns of filtered bridges", "br0 is a bridge whose frames" in appliance.log())
    finally:
        gw.ip("link", "del", "br0")
        for device in ("port1", "port2"):
            gw.ip("link", "del", device)
        subprocess.run(["ip", "netns", "del", other.name], check=False)


OTHERS = """\
table inet others {
 chain steer {
  type filter hook prerouting priority mangle; policy accept;
  iifname cams0 meta l4proto udp meta mark set 7 tproxy to :9100 accept
 }
}
"""


@story()
def rules_of_somebody_else_bring_datagrams_to_a_known_port(lab):
    for family in ("-4", "-6"):
        lab.net.gw.ip(family, "rule", "add", "fwmark", "7", "lookup", "77")
        lab.net.gw.ip(family, "route", "add", "local", "default", "dev", "lo", "table", "77")
    try:
        lab.net.gw.nft(OTHERS)
        appliance = lab.started(changes={"ntp": "answer", "workers": 1,
                                         "gateway": {"manage": False, "listen_udp": 9100}})
        for address in (GOOD, GOOD6):
            with lab.net.cam.socket(network.family_of(address), socket.SOCK_DGRAM) as camera:
                camera.settimeout(15)
                camera.connect((address, 123))
                camera.send(b"\x23" + bytes(47))
                equal(f"{address}: bytes of the answer", len(camera.recv(100)), 48)
        equal("the rules are left alone", rules_of(appliance), "")
    finally:
        for family in ("-4", "-6"):
            lab.net.gw.ip(family, "rule", "del", "fwmark", "7", "lookup", "77")
            lab.net.gw.ip(family, "route", "flush", "table", "77")


def rules_of(appliance):
    done = subprocess.run(appliance.space.command("nft", "-s", "-t", "list", "table", "inet", "borderlens"),
                          capture_output=True, text=True, check=False)
    return done.stdout


if __name__ == "__main__":
    harness.main()
