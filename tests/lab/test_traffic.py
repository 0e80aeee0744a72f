# SPDX-License-Identifier: MIT
"""What is forwarded is forwarded whole: both families, both ways of redirecting,
big bodies, ends mirrored, and what is neither TCP nor UDP never."""

import contextlib
import fcntl
import hashlib
import json
import os
import select
import socket
import ssl
import struct
import subprocess
import termios
import time
import warnings

import harness
from appliance import wait_for
from harness import BAD, GOOD, GOOD6, NAME, RULES, check, equal, port_of, story
from servers import Server, context, echo, is_truncation, reset

SO_SNDBUFFORCE = 32  # socket(7); Python has no name for it


def serving(lab, address=GOOD, handler=None, **changes):
    server = lab.server(Server(lab.net.net, address, tls=context(lab.good), handler=handler))
    appliance = lab.started(changes=changes)
    return server, appliance, lab.camera_context(appliance)


@story()
def both_families_are_opened_and_told_apart(lab):
    lab.server(Server(lab.net.net, GOOD6, tls=context(lab.good)))
    _, appliance, camera = serving(lab)
    for address in (GOOD, GOOD6):
        check("served", lab.request(camera, address=address).startswith(b"HTTP/1.1 200"))
        event = appliance.eve.wait(event_type="flow", dest_ip=address)
        equal("inspect", event["borderlens"]["inspect"], "opened")
        equal("operator", event["borderlens"]["place"]["operator"], "US")
    equal("packets from a camera's own address", lab.net.leaked(), 0)


@story(120)
def a_body_of_32_mib_arrives_unchanged_both_ways(lab):
    server, appliance, camera = serving(lab, handler=echo)
    body = os.urandom(1 << 20) * 32
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        camera.minimum_version = camera.maximum_version = version
        server.received.clear()
        with lab.open_tls(camera, timeout=60) as connection:
            port = port_of(connection)
            got = hashlib.sha256()
            exchange(connection, body, got)
        equal("hash of what came back", got.hexdigest(), hashlib.sha256(body).hexdigest())
        equal("hash of what arrived", hashlib.sha256(b"".join(server.received)).hexdigest(), hashlib.sha256(body).hexdigest())
        payload = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]["payload"]
        equal("bytes up and down", (payload["up"], payload["down"]), (len(body), len(body)))


def exchange(connection, body, got):
    """Send and receive at once, in one thread: a TLS connection of Python's is
    not for two."""
    blocked = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
    sent = received = 0
    connection.setblocking(False)
    while received < len(body):
        before = sent + received
        with contextlib.suppress(*blocked):
            if sent < len(body):
                sent += connection.send(body[sent:sent + 65536])
        with contextlib.suppress(*blocked):
            piece = connection.recv(65536)
            check("more", piece, received)
            got.update(piece)
            received += len(piece)
        if sent + received == before:
            select.select([connection], [connection] if sent < len(body) else [], [], 5)


@story()
def versions_of_both_sides(lab):
    _, appliance, camera = serving(lab)
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLS 1.2"), (ssl.TLSVersion.TLSv1_3, "TLS 1.3")):
        camera.minimum_version = camera.maximum_version = version
        with lab.open_tls(camera) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            check("served", harness.read_all(connection).startswith(b"HTTP/1.1 200"))
            port = port_of(connection)
        seen = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]["camera_tls"]
        equal("the camera's TLS", (seen["version"], seen["verdict"]), (name, "ok"))


def ask_in(lab, appliance, version, camera):
    """The TLS of the camera's side as recorded, for a camera that speaks this
    version alone; with `end`."""
    old = lab.camera_context(appliance)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    raw = lab.connect(GOOD, camera=camera)
    port = port_of(raw)
    with contextlib.suppress(OSError), raw, old.wrap_socket(raw, server_hostname=harness.NAME) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        harness.read_all(connection)
        connection.unwrap()
    own = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]
    return own["end"], own.get("camera_tls", {}).get("version"), own.get("camera_tls", {}).get("legacy", False), own["server"].get("version")


@story()
def each_device_has_its_own_lowest_version(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    path = os.path.join(lab.directory, "versions.yaml")
    harness.write(path, json.dumps({"devices": {
        "old": {"ip": "192.168.77.10", "tls_min": "1.0"}, "strict": {"ip": "192.168.77.12", "tls_min": "1.3"}}}))
    appliance = lab.started(changes={"devices": path, "tls": {
        "ca": "auto", "upstream": {"ca": lab.pki.root.chain}, "camera": {"min": "1.2"}}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        equal("the old one", ask_in(lab, appliance, ssl.TLSVersion.TLSv1, 10), ("done", "TLS 1.0", True, "TLS 1.3"))
        equal("another of its age", ask_in(lab, appliance, ssl.TLSVersion.TLSv1, 11)[0], "camera-tls")
    equal("another", ask_in(lab, appliance, ssl.TLSVersion.TLSv1_2, 11), ("done", "TLS 1.2", False, "TLS 1.3"))
    equal("the strict one", ask_in(lab, appliance, ssl.TLSVersion.TLSv1_2, 12)[0], "camera-tls")
    equal("in 1.3", ask_in(lab, appliance, ssl.TLSVersion.TLSv1_3, 12), ("done", "TLS 1.3", False, "TLS 1.3"))


def trusts_at(space, source, authority, days):
    """Whether a client whose clock is so many days off takes what GOOD shows it."""
    when_s = int(time.time()) + days * 86400
    command = ["openssl", "s_client", "-connect", f"{GOOD}:443", "-bind", source, "-servername", NAME,
               "-verify_hostname", NAME, "-CAfile", authority, "-attime", str(when_s), "-verify_return_error",
               "-brief", "-ign_eof"]
    return subprocess.run(space.command(*command), input="GET / HTTP/1.1\r\n\r\n", capture_output=True,
                          text=True, check=False, timeout=20).returncode == 0


@story()
def a_camera_whose_clock_is_wrong_takes_the_leaf_as_it_takes_the_server(lab):
    """The server's certificate lasts from 40 days ago to in 30: ours lasts as long,
    under an authority that began before."""
    _, appliance, _ = serving(lab)
    ours, theirs = os.path.join(lab.directory, "ours.pem"), lab.pki.root.chain
    harness.write(ours, appliance.command("ca", "export").stdout)
    for days, camera, taken in ((0, 10, True), (-39, 10, True), (29, 10, True), (-41, 11, False), (31, 12, False)):
        source = f"192.168.77.{camera}"
        equal(f"by our leaf, {days} days off", trusts_at(lab.net.cam, source, ours, days), taken)
        own = appliance.eve.wait(event_type="flow", src_ip=source)["borderlens"]
        equal("inspect", own["inspect"], "opened" if taken else "rejected")
        equal(f"by the server itself, {days} days off", trusts_at(lab.net.net, GOOD, theirs, days),
              taken)


@story()
def alpn_is_the_servers_choice(lab):
    server, _, camera = serving(lab)
    server.tls.set_alpn_protocols(["mqtt"])
    camera.set_alpn_protocols(["h2", "mqtt"])
    with lab.open_tls(camera) as connection:
        equal("protocol", connection.selected_alpn_protocol(), "mqtt")


@story()
def redirect_mode_serves_both_families(lab):
    lab.server(Server(lab.net.net, GOOD6, tls=context(lab.good)))
    _, appliance, camera = serving(lab, gateway={"mode": "redirect"})
    for address in (GOOD, GOOD6):
        check("served", lab.request(camera, address=address).startswith(b"HTTP/1.1 200"))
    harness.refused(lab.request, camera, address=BAD)
    equal("packets that reached the refused place", lab.net.arrived(BAD), 0)
    equal("packets from a camera's own address", lab.net.leaked(), 0)
    appliance.recorded()


@story()
def somebody_else_may_redirect(lab):
    """manage: false; the rules are the site's own."""
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    lab.net.gw.nft("table ip site { chain pre { type nat hook prerouting priority dstnat;\n"
                   "iifname cams0 tcp dport 443 redirect to :8443\n}\n}")
    appliance = lab.started(changes={"gateway": {"mode": "redirect", "manage": False}})
    tables = lab.net.gw.run("nft", "list", "tables").split("\n")
    equal("tables", [line for line in tables if line], ["table ip site"])
    check("served", lab.request(lab.camera_context(appliance)).startswith(b"HTTP/1.1 200"))
    equal("requests", len(server.received), 1)


@story()
def half_a_close_is_half_a_close(lab):
    """A camera that is done sending still gets the whole answer (plain bytes:
    with TLS 1.3 a close_notify has the same meaning)."""
    def answer_after_the_end(connection, server):
        while data := connection.recv(65536):
            server.keep(data)
        connection.sendall(b"answer after the end")

    server = lab.server(Server(lab.net.net, GOOD, 80, handler=answer_after_the_end))
    appliance = lab.started()
    with lab.connect(port=80) as camera:
        camera.sendall(b"POST / HTTP/1.1\r\n\r\nlast words")
        camera.shutdown(socket.SHUT_WR)
        equal("answer", harness.read_all(camera), b"answer after the end")
        port = port_of(camera)
    equal("what the server got", b"".join(server.received), b"POST / HTTP/1.1\r\n\r\nlast words")
    own = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]
    equal("end", (own["end"], own["inspect"]), ("done", "plain"))


def truncate(connection, _server):
    """Half an answer, then a FIN without close_notify."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    raw = socket.socket(fileno=connection.detach())
    raw.shutdown(socket.SHUT_WR)
    while raw.recv(65536):
        pass
    raw.close()


@story()
def a_truncation_never_becomes_a_clean_close(lab):
    _, appliance, camera = serving(lab, handler=truncate)
    with lab.open_tls(camera) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        data, error = b"", None
        try:
            while piece := connection.recv(65536):
                data += piece
        except ssl.SSLError as seen:
            error = seen
        port = port_of(connection)
    check("the half answer came", data.endswith(b"half"), data)
    check("and no clean end", is_truncation(error), error)
    equal("end", appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]["end"], "truncated")


def reset_later(connection, _server):
    connection.recv(65536)
    connection.sendall(b"and then")
    reset(connection)


def receive_only(connection, server):
    """What came, and how it ended."""
    with contextlib.suppress(ssl.SSLError):
        while piece := connection.recv(65536):
            server.keep(piece)
        connection.unwrap()
    server.keep(None)


def leave_at_once(lab, camera, body):
    """A camera that says all it has behind its Finished, without waiting for a
    ticket, and is gone."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    spoken = camera.wrap_bio(incoming, outgoing, server_hostname=NAME)
    with lab.connect() as raw:
        raw.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 * len(body))
        while True:
            try:
                spoken.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65536))
        spoken.write(body)
        with contextlib.suppress(ssl.SSLWantReadError):
            spoken.unwrap()
        raw.sendall(outgoing.read())
        return port_of(raw)


@story()
def a_camera_that_leaves_before_its_ticket_came_loses_nothing(lab):
    """What reaches a socket that is closed is answered by RST, and what the
    socket had not sent yet is gone."""
    server, appliance, camera = serving(lab, handler=receive_only)
    body = os.urandom(300004)
    for count in range(1, 11):
        port = leave_at_once(lab, camera, body)
        own = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]
        wait_for("the server saw the end", 10, lambda: server.received.count(None) == count)
        check("all of it arrived", b"".join(filter(None, server.received)) == body * count)
        equal("end", own["end"], "done")


@story()
def a_reset_stays_a_reset(lab):
    """With the bytes right before it, which may reach the appliance together
    with the reset."""
    lab.server(Server(lab.net.net, GOOD, 80, handler=reset_later))
    appliance = lab.started()
    for _ in range(200):
        with lab.connect(port=80) as camera:
            camera.sendall(b"GET / HTTP/1.1\r\n\r\n")
            error = harness.refused(harness.read_all, camera)
            check("reset", isinstance(error, ConnectionResetError), error)
    appliance.eve.wait(10, 200, event_type="flow", borderlens__end="reset")


def take_slowly(connection, server):
    connection.sendall(b"nobody reads this")
    with contextlib.suppress(OSError):
        while piece := connection.recv(65536):
            server.keep(piece)
            time.sleep(0.005)
    server.keep(None)


def unacknowledged(connection):
    return struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0]


@story()
def what_was_taken_of_a_camera_that_resets_arrives(lab):
    """It closes with an answer unread, once its kernel has been told that all was
    received; the server reads it much later."""
    server = lab.server(Server(lab.net.net, GOOD, 80, handler=take_slowly))
    appliance = lab.started()
    body = os.urandom(4 << 20)
    with lab.connect(port=80) as camera:
        port = port_of(camera)
        camera.sendall(body)
        wait_for("all is acknowledged", 20, lambda: unacknowledged(camera) == 0)
    wait_for("the server saw the end", 20, lambda: None in server.received)
    arrived = b"".join(server.received[:-1])
    check("all of it arrived", arrived == body, f"{len(arrived)} of {len(body)}")
    own = appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]
    equal("end and what left", (own["end"], own["left"]["up"]), ("reset", len(body)))


REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"


def refuse_body(connection, _server):
    """The rest is unread, so the close is a reset."""
    connection.recv(1000)
    connection.sendall(REFUSAL)


@story()
def a_server_that_answers_and_resets_is_heard(lab):
    lab.server(Server(lab.net.net, GOOD, 80, handler=refuse_body))
    appliance = lab.started()
    for _ in range(20):
        with lab.connect(port=80) as camera, contextlib.suppress(ConnectionError):
            answer = b""
            with contextlib.suppress(ConnectionError):
                camera.sendall(b"POST / HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n" + bytes(8 << 20))
            while piece := camera.recv(65536):
                answer += piece
        equal("answer", answer, REFUSAL)
    appliance.eve.wait(10, 20, event_type="flow", borderlens__end="reset")


def again(lab, camera, session=None, **options):
    """A request that shows a session; the one that it brings."""
    raw = lab.connect(**options)
    with camera.wrap_socket(raw, server_hostname=NAME, session=session, suppress_ragged_eofs=False) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
        check("served", harness.read_all(connection).startswith(b"HTTP/1.1 200"))
        return connection.session


@story()
def both_sides_are_resumed_until_a_rule_changes(lab):
    _, appliance, camera = serving(lab)
    first = again(lab, camera)
    second = again(lab, camera, first)
    flows = appliance.eve.wait(count=2, event_type="flow")
    resumed = [(flow["tls"].get("session_resumed", False), flow["borderlens"]["camera_tls"].get("resumed", False))
               for flow in flows]
    equal("resumed", resumed, [(False, False), (True, True)])
    for key in ("subject", "issuerdn", "serial", "fingerprint", "notafter"):
        equal(key, flows[1]["tls"][key], flows[0]["tls"][key])
    equal("servers", flows[1]["borderlens"]["server"]["verified"], True)
    third = again(lab, camera, second)
    harness.write(f"{appliance.directory}/rules.yaml", RULES + "# another text is another policy\n")
    equal("reload", appliance.command("reload").returncode, 0)
    again(lab, camera, third)
    flow = appliance.eve.wait(count=4, event_type="flow")[3]
    equal("after it the server", flow["tls"].get("session_resumed", False), False)
    equal("after it the camera", flow["borderlens"]["camera_tls"].get("resumed", False), False)


def pinned(lab):
    """A camera that trusts its cloud's own authority only."""
    return ssl.create_default_context(cafile=lab.pki.root.chain)


@story()
def a_camera_that_pins_is_recorded_and_then_passes(lab):
    server, appliance, _ = serving(lab)
    harness.refused(lab.request, pinned(lab))
    first = appliance.eve.wait(event_type="flow")["borderlens"]
    equal("the first", (first["inspect"], first["end"], first["camera_tls"]["verdict"]), ("rejected", "rejected", "rejected"))
    equal("bytes that left", first["left"]["up"], 0)
    check("the second is served", lab.request(pinned(lab)).startswith(b"HTTP/1.1 200"))
    second = appliance.eve.wait(count=2, event_type="flow")[1]["borderlens"]
    equal("the second", second["inspect"], "passthrough")
    check("its bytes are counted", second["left"]["up"] > 200, second["left"])
    equal("requests", len(server.received), 1)
    harness.refused(lab.request, pinned(lab), camera=11)
    third = appliance.eve.wait(count=3, event_type="flow")[2]["borderlens"]
    equal("another camera's first", third["inspect"], "rejected")
    listed = appliance.command("flows")
    equal("flows' exit", listed.returncode, 0)
    for line, word in zip(listed.stdout.splitlines(), ("rejected", "passthrough", "rejected"), strict=True):
        check(f"the list says {word}", word in line.split(), line)


@story()
def a_camera_that_pins_may_be_blocked_instead(lab):
    server, appliance, _ = serving(lab, tls={"rejected": "block"})
    for count in (1, 2):
        harness.refused(lab.request, pinned(lab))
        appliance.eve.wait(count=count, event_type="flow")
    equal("requests", server.received, [])


@story()
def what_is_neither_tcp_nor_udp_is_dropped_and_counted(lab):
    _, appliance, _ = serving(lab)
    before = lab.net.arrived(GOOD), lab.net.arrived(GOOD6)
    counted = total_packets(lab)
    for address in (GOOD, GOOD6):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with lab.net.cam.socket(family, socket.SOCK_RAW, 47) as gre:
            gre.sendto(bytes(8), (address, 0))
        subprocess.run(lab.net.cam.command("ping", "-q", "-c", "2", "-i", "0.1", "-W", "1", address),
                       capture_output=True, check=False)
    wait_for("the drops to be counted", 5, lambda: total_packets(lab) - counted >= 6)
    equal("packets that arrived", (lab.net.arrived(GOOD), lab.net.arrived(GOOD6)), before)
    shown = appliance.command("gateway", "show")
    equal("gateway show's exit", shown.returncode, 0)
    check("it tells of UDP", "udp" in shown.stdout.lower(), shown.stdout)


def total_packets(lab):
    return sum(packets for name, packets in lab.net.gw.counters().items() if "tcp" not in name)


if __name__ == "__main__":
    harness.main()
