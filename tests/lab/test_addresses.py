# SPDX-License-Identifier: MIT
"""Destinations that no rule may open: refused in every written form, with not
one packet sent anywhere."""

import harness
from harness import check, equal, port_of, story
from net import GATEWAY4, GATEWAY6, WAN4, WAN6

OWN = (GATEWAY4, GATEWAY6, WAN4, WAN6)
NEVER = {
    "169.254.1.1": "link-local",
    "169.254.169.254": "metadata",
    "100.100.100.200": "metadata",
    "10.9.8.7": "private",
    "172.16.9.9": "private",
    "192.168.200.1": "private",
    "100.64.0.9": "carrier-grade NAT",
    "198.18.200.1": "benchmarking",
    "192.0.2.1": "documentation",
    "240.0.0.1": "future use",
    "fd00:ec2::254": "metadata",
    "fd99::1": "unique local",
    "64:ff9b::a09:807": "NAT64 of 10.9.8.7",
    "64:ff9b::7f00:1": "NAT64 of 127.0.0.1",
    "2002:a09:807::1": "6to4 of 10.9.8.7",
    "2001:db8::1": "documentation",
}
ALLOW_ALL = harness.RULES.replace("default: {then: block", "default: {then: allow").replace(
    "unknown: {then: block", "unknown: {then: allow")


def refused_by_appliance(lab, appliance, address, port=443):
    """The connection ends unanswered, and the record says by whom."""
    port_there = None
    try:
        with lab.connect(address, port, timeout=15) as camera:
            port_there = port_of(camera)
            camera.sendall(b"GET / HTTP/1.1\r\n\r\n")
            equal(f"bytes from {address}", camera.recv(1), b"")
    except OSError:
        pass
    want = {"event_type": "flow", "dest_port": port}
    if port_there is not None:
        want["src_port"] = port_there
    own = appliance.eve.wait(10, **want)["borderlens"]
    equal(f"{address}: verdict", own["verdict"], "block")
    equal(f"{address}: rule set", own["ruleset"], "appliance")
    equal(f"{address}: bytes that left", own["left"]["up"], 0)


@story(120)
def special_addresses_are_refused_whatever_the_rules_say(lab):
    appliance = lab.started(ALLOW_ALL)
    before = lab.net.astray()
    for number, address in enumerate(NEVER):
        refused_by_appliance(lab, appliance, address, 7000 + number)
    equal("packets that went out", lab.net.astray() - before, 0)
    appliance.recorded()


@story()
def the_appliance_itself_is_no_destination(lab):
    """Not on its listener (a loop), and not on another port."""
    appliance = lab.started(ALLOW_ALL)
    for address in OWN:
        for port in (8443, 22):
            refused_by_appliance(lab, appliance, address, port)
            appliance.eve.events.clear()
    check("it lives", appliance.alive())


@story()
def a_mapped_address_is_the_address_it_maps(lab):
    appliance = lab.started(ALLOW_ALL)
    before = lab.net.astray()
    refused_by_appliance(lab, appliance, "::ffff:10.9.8.7", 7100)
    equal("packets that went out", lab.net.astray() - before, 0)


@story()
def a_private_block_may_be_opened_by_the_configuration(lab):
    from servers import Server, context
    inside = "10.9.8.7"
    lab.net.add_cloud(inside)
    identity = lab.pki.server("nvr.local.example")
    lab.server(Server(lab.net.net, inside, tls=context(identity)))
    appliance = lab.started(ALLOW_ALL, {"gateway": {"allow_private": ["10.9.8.0/24"]}})
    camera = lab.camera_context(appliance)
    answer = lab.request(camera, address=inside, name="nvr.local.example")
    check("served", answer.startswith(b"HTTP/1.1 200"), answer[:40])


if __name__ == "__main__":
    harness.main()
