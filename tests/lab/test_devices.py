# SPDX-License-Identifier: MIT
"""Cameras appear by themselves, keep who they are, and are told when they are
not who they were."""

import json
import os
import socket
import struct
import subprocess

import harness
from appliance import wait_for
from harness import GOOD, GOOD6, NAME, RULES, check, equal, port_of, read_all, story, write
from net import GATEWAY4, GATEWAY6, Namespace, family_of, is_v6, run
from servers import Server, context

# Cards of makers that make cameras, by the registry of the IEEE.
HIKVISION, DAHUA, AXIS = "44:47:cc:00:00:01", "08:ed:ed:00:00:02", "b8:a4:4f:00:00:03"
BY_NAME = RULES.replace("rules:\n", "rules:\n  - {id: 5, match: {device: shed}, then: block,"
                        ' why: "The shed is closed"}\n')
DEVICES = f"""\
devices:
  - {{name: dock, group: yard, mac: "{DAHUA}", ip: 192.168.78.99}}
"""


class Dock:
    """A camera on a second interface, with a card of Dahua's."""

    def __init__(self, lab):
        self.lab = lab
        self.space = Namespace(f"{lab.prefix}-dock")
        run("ip", "link", "add", "cams1", "netns", lab.net.gw.name, "type", "veth",
            "peer", "name", "eth0", "address", DAHUA, "netns", self.space.name)
        lab.net.gw.ip("addr", "add", "192.168.78.1/24", "dev", "cams1")
        lab.net.gw.ip("link", "set", "cams1", "up")
        self.space.ip("addr", "add", "192.168.78.20/24", "dev", "eth0")
        self.space.ip("link", "set", "eth0", "up")
        self.space.ip("route", "add", "default", "via", "192.168.78.1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.space.name], check=False)
        subprocess.run(["ip", "-n", self.lab.net.gw.name, "link", "del", "cams1"], capture_output=True, check=False)


def set_card(lab, mac):
    """The cameras' one card is another from now on, and says so."""
    lab.net.cam.sysctl(net__ipv4__conf__eth0__arp_notify=1)
    lab.net.cam.ip("link", "set", "eth0", "address", mac)


def greet(space, gateway):
    """One packet to the gateway: the neighbours know each other then."""
    subprocess.run(space.command("ping", "-q", "-c", "1", "-W", "1", gateway), capture_output=True, check=False)


def listed(appliance, *words):
    done = appliance.command("devices", *words, "--json")
    equal(f"devices {' '.join(words)}: exit", done.returncode, 0)
    return json.loads(done.stdout)


def named(appliance):
    return {device["name"]: device for device in listed(appliance, "list")["devices"]}


def request(lab, camera):
    """The device that a connection is recorded under, and its event."""
    port = None
    try:
        with lab.open_tls(camera) as connection:
            port = port_of(connection)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
            read_all(connection)
    except OSError:
        pass
    return port


def started(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.appliance(BY_NAME, {"gateway": {"cameras": ["cams0", "cams1"]}, "devices": "devices.yaml"})
    write(os.path.join(appliance.directory, "devices.yaml"), DEVICES)
    return appliance.start()


def appear(lab, appliance, dock):
    """Seen before it connects to anything, with who made it and where it is."""
    greet(dock.space, "192.168.78.1")
    seen = appliance.eve.wait(event_type="anomaly", anomaly__type="device-new", in_iface="cams1")
    equal("MAC", seen["ether"]["src_mac"], DAHUA)
    equal("address", seen["src_ip"], "192.168.78.20")
    equal("device", seen["borderlens"]["device"], "dock")
    check("maker", "Dahua" in seen["borderlens"]["maker"], seen["borderlens"])
    wrong = appliance.eve.wait(event_type="anomaly", anomaly__type="device-conflict")
    equal("conflict", (wrong["anomaly"]["event"], wrong["borderlens"]["device"]), ("OTHER_IP", "dock"))
    greet(lab.net.cam, GATEWAY4)
    appliance.eve.wait(event_type="anomaly", anomaly__type="device-new", ether__src_mac=HIKVISION)
    found = named(appliance)
    check("both are there", {"dock", HIKVISION} <= set(found), found)
    check("maker in the list", "Hikvision" in found[HIKVISION]["maker"], found[HIKVISION])
    equal("group", found["dock"]["group"], "yard")
    equal("who named it", found["dock"]["named_by"].rpartition("/")[2], "devices.yaml:2")
    equal("conflicts", found["dock"]["conflicts"], 1)


def refuse_wrong_names(appliance):
    for old, new, words in (("dock", "pier", "devices.yaml:2"), (HIKVISION, "a b", "a name has"),
                            (HIKVISION, "dock", "another device"), ("nobody", "x", "no device")):
        done = appliance.command("devices", "rename", old, new)
        equal(f"rename {old} {new}: exit", done.returncode, 1)
        check(f"rename {old} {new}: why", words in done.stderr, done.stderr)


def learn_name(lab, appliance, camera):
    """The next connection after a rename has the name, and its rule."""
    event = appliance.eve.wait(event_type="flow", src_port=request(lab, camera))
    equal("unnamed", event["borderlens"]["device"], HIKVISION)
    equal("its MAC", event["ether"]["src_mac"], HIKVISION)
    equal("verdict", event["borderlens"]["verdict"], "allow")
    refuse_wrong_names(appliance)
    done = appliance.command("devices", "rename", HIKVISION.upper().replace(":", "-"), "shed")
    equal(f"rename's exit ({done.stderr})", done.returncode, 0)
    request(lab, camera)
    event = appliance.eve.wait(event_type="flow", borderlens__device="shed")
    equal("verdict by name", (event["borderlens"]["verdict"], event["borderlens"]["rule"]), ("block", "5"))
    shown = listed(appliance, "show", "shed")
    equal("who named it", shown["named_by"], "learned")
    check("its destination", any(row["sni"] == NAME and row["camera_tls"]["verdict"] == "ok"
                                 for row in shown["destinations"]), shown["destinations"])
    check("shown by address too", listed(appliance, "show", "192.168.77.10")["name"] == "shed")


def take_address(lab, appliance):
    """Another card at an address that was another's a moment ago."""
    greet(lab.net.cam, GATEWAY4)
    set_card(lab, AXIS)
    greet(lab.net.cam, GATEWAY4)
    wrong = appliance.eve.wait(15, event_type="anomaly", anomaly__event="IP_TAKEN", src_ip="192.168.77.10")
    equal("who took it", wrong["ether"]["src_mac"], AXIS)
    equal("whose it was", wrong["borderlens"]["other_mac"], HIKVISION)
    check("it has no name of another's", wrong["borderlens"]["device"] == AXIS, wrong["borderlens"])
    shown = appliance.command("devices", "show", AXIS)
    check("shown", "ip-taken" in shown.stdout, shown.stdout)


def forget(appliance):
    done = appliance.command("devices", "forget", "shed")
    equal(f"forget's exit ({done.stderr})", done.returncode, 0)
    found = named(appliance)
    check("it is gone", "shed" not in found and HIKVISION not in found, list(found))
    check("its connections stay", "shed" in appliance.command("flows").stdout)
    equal("forgotten twice", appliance.command("devices", "forget", "shed").returncode, 1)
    done = appliance.command("devices", "forget", "dock")
    check("devices.yaml keeps it", "devices.yaml:2" in done.stdout, done.stdout)


@story(90)
def cameras_appear_keep_their_name_and_are_told_when_in_conflict(lab):
    before = lab.net.cam.ip("-o", "link", "show", "eth0").split("link/ether ")[1].split()[0]
    set_card(lab, HIKVISION)
    try:
        with Dock(lab) as dock:
            appliance = started(lab)
            camera = lab.camera_context(appliance)
            appear(lab, appliance, dock)
            learn_name(lab, appliance, camera)
            take_address(lab, appliance)
            forget(appliance)
            text = appliance.command("devices", "list").stdout
            check("one line each", "dock" in text and AXIS in text, text)
            appliance.recorded()
    finally:
        set_card(lab, before)


@story()
def the_record_goes_on_while_cameras_are_named(lab):
    """Names are written beside the recorder, which loses nothing by it."""
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.started()
    camera = lab.camera_context(appliance)
    greet(lab.net.cam, GATEWAY4)
    wait_for("the camera", 10, lambda: named(appliance))
    key = next(iter(named(appliance)))
    for count in range(6):
        request(lab, camera)
        done = appliance.command("devices", "rename", key, f"name-{count}")
        equal(f"rename's exit ({done.stderr})", done.returncode, 0)
        key = f"name-{count}"
    appliance.eve.wait(10, 6, event_type="flow")
    appliance.recorded()


@story()
def a_camera_that_the_kernel_forgot_is_who_it_was(lab):
    """Known by its card alone: what its name may not do goes on to be refused."""
    card = lab.net.cam.ip("-o", "link", "show", "eth0").split("link/ether ")[1].split()[0]
    appliance = lab.appliance(BY_NAME, {"devices": "devices.yaml"})
    write(os.path.join(appliance.directory, "devices.yaml"), f'devices:\n  - {{name: shed, mac: "{card}"}}\n')
    appliance.start()
    greet(lab.net.cam, GATEWAY4)
    appliance.eve.wait(event_type="anomaly", anomaly__type="device-new")
    arrived = lab.net.arrived(GOOD)
    for _ in range(2):
        with lab.net.cam.socket(kind=socket.SOCK_DGRAM) as camera:
            camera.connect((GOOD, 5000))
            camera.send(b"\x99anything")
            port = port_of(camera)
            event = appliance.eve.wait(src_port=port)
        equal("who, and what became of it", (event["borderlens"]["device"], event["borderlens"]["verdict"]), ("shed", "block"))
        equal("its card", event["ether"]["src_mac"], card)
        lab.net.gw.ip("neigh", "flush", "dev", "cams0")
    equal("packets at the far side", lab.net.arrived(GOOD) - arrived, 0)


def say(lab, source):
    """One datagram from this address of the camera's; the port that it came from."""
    with lab.net.cam.socket(family_of(source), socket.SOCK_DGRAM) as camera:
        camera.bind((source, 0))
        camera.connect((GOOD6 if is_v6(source) else GOOD, 5000))
        camera.send(b"\x99anything")
        return port_of(camera)


def first_packet(lab, appliance, *sources):
    """What was recorded of the first datagram of one of these addresses.  It waits a
    second at most, which on a busy machine may not do for the first of them."""
    for source in sources:
        cloud = GOOD6 if is_v6(source) else GOOD
        arrived = lab.net.arrived(cloud)
        event = appliance.eve.wait(src_port=say(lab, source))
        if event["borderlens"]["verdict"] == "block":
            equal("packets at the far side", lab.net.arrived(cloud) - arrived, 0)
            break
    return event


@story()
def a_camera_is_known_by_its_card_from_its_first_packet(lab):
    """The kernel does not know it yet: the datagram waits until it does."""
    card = lab.net.cam.ip("-o", "link", "show", "eth0").split("link/ether ")[1].split()[0]
    box = lab.net.gw.ip("-o", "link", "show", "cams0").split("link/ether ")[1].split()[0]
    appliance = lab.appliance(BY_NAME, {"devices": "devices.yaml"})
    write(os.path.join(appliance.directory, "devices.yaml"), f'devices:\n  - {{name: shed, mac: "{card}"}}\n')
    first = [[f"192.168.77.{last}" for last in (201, 211, 221)], [f"fd77::{last}" for last in (201, 211, 221)]]
    news = [*(f"{address}/24" for address in first[0]), *(f"{address}/64" for address in first[1]),
            "192.168.77.202/24", "192.168.77.203/24"]
    for gateway in (GATEWAY4, GATEWAY6):
        lab.net.cam.ip("neigh", "replace", gateway, "lladdr", box, "dev", "eth0", "nud", "permanent")
    for address in news[:-1]:
        lab.net.cam.ip("addr", "add", address, "dev", "eth0", *(["nodad"] if is_v6(address) else []))
    try:
        lab.net.gw.ip("neigh", "flush", "dev", "cams0")
        appliance.start()
        for sources in first:
            event = first_packet(lab, appliance, *sources)
            equal("who, and what became of it", (event["borderlens"]["device"], event["borderlens"]["verdict"]), ("shed", "block"))
            equal("its card", event["ether"]["src_mac"], card)
        try:
            lab.connect(camera=202).close()
        except OSError:
            pass
        event = appliance.eve.wait(src_ip="192.168.77.202", event_type="flow")
        equal("of a connection", (event["borderlens"]["device"], event["borderlens"]["verdict"]), ("shed", "block"))
        lab.net.cam.sysctl(net__ipv4__conf__eth0__arp_ignore=8)
        lab.net.cam.ip("addr", "add", news[-1], "dev", "eth0")
        event = appliance.eve.wait(src_port=say(lab, "192.168.77.203"))
        equal("who does not answer", (event["borderlens"]["device"], event["borderlens"]["verdict"]), ("192.168.77.203", "allow"))
        check("has no card", "ether" not in event, event)
    finally:
        lab.net.cam.sysctl(net__ipv4__conf__eth0__arp_ignore=0)
        for gateway in (GATEWAY4, GATEWAY6):
            lab.net.cam.ip("neigh", "del", gateway, "dev", "eth0")
        for address in news:
            subprocess.run(["ip", "-n", lab.net.cam.name, "addr", "del", address, "dev", "eth0"],
                           capture_output=True, check=False)


def shout(lab, count):
    """ARP requests of so many cards, each at one of 100 addresses."""
    hardware = bytes.fromhex(lab.net.gw.ip("-o", "link", "show", "cams0").split("link/ether ")[1].split()[0].replace(":", ""))
    with lab.net.cam.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0806) as wire:
        wire.bind(("eth0", 0x0806))
        for number in range(count):
            card = b"\x02\x00" + number.to_bytes(4, "big")
            asks = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + card + bytes([192, 168, 77, 100 + number % 100])
            wire.send(hardware + card + b"\x08\x06" + asks + bytes(6) + socket.inet_aton(GATEWAY4))


@story()
def a_camera_that_makes_up_cards_fills_nothing(lab):
    """Its conflicts are told within their bounds, and other cameras are served."""
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.started()
    camera = lab.camera_context(appliance)
    check("served before", lab.request(camera).startswith(b"HTTP/1.1 200"))
    shout(lab, 20000)
    check("served after", lab.request(camera, camera=11).startswith(b"HTTP/1.1 200"))
    appliance.eve.wait(10, 2, event_type="flow")
    appliance.eve.wait(10, 10, event_type="anomaly", anomaly__type="device-conflict")
    told = len(appliance.eve.find(event_type="anomaly"))
    check("told within bounds", told < 400, told)
    equal("health", appliance.command("health").stdout, "healthy\n")
    appliance.recorded()


if __name__ == "__main__":
    harness.main()
