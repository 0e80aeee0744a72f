# SPDX-License-Identifier: MIT
"""Servers that fail in every way: the camera's connection ends likewise, the
cause is in the record, and no byte of the camera is given to a bad server."""

import contextlib
import threading
import time

import harness
from harness import GOOD, NAME, check, equal, story
from hello import real_hello, records
from servers import Server, context, garbage, http, reset_after_hello, reset_at_once, stall

FAST = {"timeout": {"connect": "1s", "handshake": "1s"}}


def served(lab, identity, name=NAME, **server):
    """An appliance whose camera asks one server; the error that the camera
    sees (None: it is served), and the record."""
    there = lab.server(Server(lab.net.net, GOOD, tls=context(identity) if identity else None, **server))
    appliance = lab.started(changes=FAST)
    camera = lab.camera_context(appliance)
    error = None
    try:
        lab.request(camera, name=name)
    except OSError as seen:
        error = seen
    event = appliance.eve.wait(15, event_type="flow")
    appliance.recorded()
    return there, error, event["borderlens"]


def refused_for(lab, identity, *errors, name=NAME):
    there, error, own = served(lab, identity, name)
    check("the camera is not served", error is not None)
    equal("end", own["end"], "server-certificate")
    check(f"errors hold {errors}", set(errors) & set(own["server"]["errors"]), own["server"])
    equal("verified", own["server"]["verified"], False)
    equal("verdict", own["verdict"], "block")
    equal("bytes that left", own["left"]["up"], 0)
    equal("bytes the server was given", there.received, [])


@story()
def a_good_server_is_served_and_verified(lab):
    there, error, own = served(lab, lab.good)
    equal("error", error, None)
    equal("verified", (own["server"]["verified"], own["server"]["errors"]), (True, []))
    equal("requests", len(there.received), 1)
    equal("inspect", own["inspect"], "opened")
    equal("name the server was sent", there.names, [NAME])


@story()
def an_intermediate_that_is_sent_is_used(lab):
    middle = lab.pki.authority("middle", issuer=lab.pki.root)
    _, error, own = served(lab, lab.pki.server(NAME, issuer=middle, appended=(middle,)))
    equal("error", error, None)
    equal("verified", own["server"]["verified"], True)


@story()
def an_expired_certificate_is_refused(lab):
    refused_for(lab, lab.pki.server(NAME, days=-2), "expired")


@story()
def a_self_signed_certificate_is_refused(lab):
    refused_for(lab, lab.pki.server(NAME, self_signed=True), "self-signed", "unknown-issuer")


@story()
def an_unknown_authority_is_refused(lab):
    refused_for(lab, lab.pki.server(NAME, issuer=lab.pki.authority("somebody else")), "unknown-issuer")


@story()
def a_missing_intermediate_is_refused(lab):
    middle = lab.pki.authority("middle", issuer=lab.pki.root)
    refused_for(lab, lab.pki.server(NAME, issuer=middle), "unknown-issuer")


@story()
def another_name_is_refused(lab):
    refused_for(lab, lab.pki.server("other.example"), "name-mismatch")


@story()
def a_name_in_the_subject_alone_is_refused(lab):
    refused_for(lab, lab.pki.server("other.example", subject=NAME), "name-mismatch")


@story()
def a_certificate_for_clients_is_refused(lab):
    refused_for(lab, lab.pki.server(NAME, usage="clientAuth"), "wrong-purpose")


@story()
def a_leaf_that_signs_leaves_is_refused(lab):
    leaf = lab.pki.server("leaf.example")
    refused_for(lab, lab.pki.server(NAME, issuer=leaf, appended=(leaf,)), "bad-constraints", "unknown-issuer",
                "wrong-purpose")


def fails_with(lab, *ends, **server):
    there, error, own = served(lab, None, **server)
    check("the camera is not served", error is not None)
    check("end", own["end"] in ends, own["end"])
    check("the cause is told", own["end_text"] != "", own)
    equal("bytes that left", own["left"]["up"], 0)


@story()
def a_server_that_resets_at_once(lab):
    # The reset may come before the connection was seen to stand.
    fails_with(lab, "server-tls", "unreachable", handler=reset_at_once)


@story()
def a_server_that_resets_after_the_hello(lab):
    fails_with(lab, "server-tls", handler=reset_after_hello)


@story()
def a_server_that_speaks_no_tls(lab):
    fails_with(lab, "server-tls", handler=garbage)


@story()
def a_server_that_never_answers(lab):
    start = time.monotonic()
    fails_with(lab, "timeout", handler=stall)
    check("in time", time.monotonic() - start < 15)


def unreachable(lab, port=443):
    appliance = lab.started(changes=FAST)
    camera = lab.camera_context(appliance)
    harness.refused(lab.request, camera, port=port)
    own = appliance.eve.wait(event_type="flow")["borderlens"]
    equal("end", own["end"], "unreachable")
    equal("bytes that left", own["left"]["up"], 0)
    return own


@story()
def a_closed_port(lab):
    check("the cause is told", "refused" in unreachable(lab, 4433)["end_text"])


@story()
def a_server_that_is_not_there(lab):
    lab.net.net.nft("table inet hole { chain in { type filter hook prerouting priority -400;\n"
                    f"ip daddr {GOOD} drop\n}}\n}}")
    try:
        unreachable(lab)
    finally:
        lab.net.net.run("nft", "delete", "table", "inet", "hole")


@contextlib.contextmanager
def bad_line(lab, *rules):
    """What arrives at the appliance from servers, and at servers, goes through these."""
    for space, device in ((lab.net.gw, "wan0"), (lab.net.net, "eth0")):
        space.nft("table inet line { chain in { type filter hook prerouting priority -400;\n"
                  + "".join(f"iifname {device} {rule}\n" for rule in rules) + "}\n}")
    try:
        yield
    finally:
        for space in (lab.net.gw, lab.net.net):
            space.run("nft", "delete", "table", "inet", "line")


BODY = bytes(range(256)) * 4096


def give_body(connection, server):
    server.received.append(connection.recv(65536))
    connection.sendall(BODY)
    connection.unwrap()


@story()
def a_line_that_loses_packets_loses_no_byte(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good), handler=give_body))
    appliance = lab.started()
    camera = lab.camera_context(appliance)
    with bad_line(lab, "numgen random mod 100 < 3 drop"):
        for _ in range(3):
            with lab.open_tls(camera, timeout=40) as connection:
                connection.sendall(b"x")
                check("what came is what was sent", harness.read_all(connection) == BODY)
    for event in appliance.eve.wait(15, 3, event_type="flow"):
        equal("what left down", event["borderlens"]["left"]["down"], len(BODY))
    appliance.recorded()


@story()
def a_line_that_swallows_large_packets_holds_nobody_for_ever(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good), handler=give_body))
    appliance = lab.started(changes={"timeout": {"idle": "1s", "handshake": "1s"}})
    camera = lab.camera_context(appliance)
    with bad_line(lab, "meta length > 600 drop"):
        began = time.monotonic()
        harness.refused(lab.request, camera)
        check("in time", time.monotonic() - began < 15)
        own = appliance.eve.wait(event_type="flow")["borderlens"]
    check("the cause is told", (own["end"], own["left"]["up"]) == ("timeout", 0) and own["end_text"] != "", own)


@story()
def one_camera_does_not_take_a_slow_server_from_another(lab):
    """A server with eight places, each handshake half a second: a camera that says
    hello on a hundred connections takes some of the places, and not all."""
    places, tls = threading.Semaphore(8), context(lab.good)

    def slowly(connection, server):
        with places:
            time.sleep(0.5)
            with tls.wrap_socket(connection, server_side=True) as opened:
                http(opened, server)

    lab.server(Server(lab.net.net, GOOD, handler=slowly))
    appliance = lab.started(changes={"limit": {"unfinished": 4}})
    trusting = lab.camera_context(appliance)
    wire = records(real_hello(NAME))
    hasty = []
    try:
        for _ in range(100):
            hasty.append(lab.connect(GOOD, camera=10))
            hasty[-1].sendall(wire)
        appliance.eve.wait(10, 100, borderlens__stage="open")
        began = time.monotonic()
        check("another camera is served", lab.request(trusting, camera=11).startswith(b"HTTP/1.1 200"))
        took = time.monotonic() - began
        check("it did not wait for the first one's hundred", took < 5, took)
    finally:
        for connection in hasty:
            connection.close()


if __name__ == "__main__":
    harness.main()
