# SPDX-License-Identifier: MIT
"""The server's name is found whatever way the hello is cut, and what is not a
hello is recorded as what it is."""

import contextlib
import fcntl
import socket
import ssl
import struct
import time

import harness
from appliance import wait_for
from harness import GOOD, NAME, check, equal, port_of, story
from hello import padded, real_hello, records
from servers import Server, context

SIOCOUTQ = 0x5411
HELLO_MAX = 65536


def serving(lab, **changes):
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    return server, lab.started(changes=changes)


def unsent(connection):
    """Bytes that the other kernel has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(connection, SIOCOUTQ, b"\0" * 4))[0]


def deliver(connection, data):
    """Send, and wait until it lies on the other side by itself."""
    connection.sendall(data)
    while unsent(connection) > 0:
        time.sleep(0)


def expect_server_hello(connection):
    """What comes back is a handshake record: the hello was understood."""
    equal("first byte of the answer", connection.recv(1), b"\x16")


def ended(appliance, connection):
    """The last line of a connection, which the camera ends by this.  Its first one
    is of none that is TLS where this machine took too long between the
    connection and its hello."""
    port = port_of(connection)
    connection.close()
    return appliance.eve.wait(event_type="flow", src_port=port)


@story(120)
def the_name_is_found_at_every_split_of_the_hello(lab):
    _, appliance = serving(lab)
    wire = records(real_hello(NAME))
    ports = []
    for at in range(1, len(wire)):
        with lab.connect() as camera:
            deliver(camera, wire[:at])
            camera.sendall(wire[at:])
            expect_server_hello(camera)
            ports.append(port_of(camera))
    events = appliance.eve.wait(15, len(ports), event_type="flow")
    names = {event["src_port"]: event["tls"].get("sni") for event in events}
    equal("ports whose name was lost", [port for port in ports if names.get(port) != NAME], [])


@story()
def the_name_is_found_in_writes_of_one_byte(lab):
    _, appliance = serving(lab)
    with lab.connect() as camera:
        for byte in records(real_hello(NAME)):
            deliver(camera, bytes([byte]))
        expect_server_hello(camera)
        equal("name", ended(appliance, camera)["tls"]["sni"], NAME)


@story()
def the_name_is_found_in_records_of_one_byte(lab):
    _, appliance = serving(lab)
    with lab.connect() as camera:
        camera.sendall(records(real_hello(NAME), 1))
        expect_server_hello(camera)
        equal("name", ended(appliance, camera)["tls"]["sni"], NAME)


@story()
def a_real_handshake_survives_a_cut_hello(lab):
    _, appliance = serving(lab)
    made = lab.camera_context(appliance)
    raw = lab.connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    camera = made.wrap_bio(incoming, outgoing, server_hostname=NAME)
    first = True
    while True:
        try:
            camera.do_handshake()
            break
        except ssl.SSLWantReadError:
            data = outgoing.read()
            if first:
                for byte in data:
                    deliver(raw, bytes([byte]))
            else:
                raw.sendall(data)
            first = False
            incoming.write(raw.recv(65536))
    raw.sendall(outgoing.read())
    camera.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    raw.sendall(outgoing.read())
    incoming.write(raw.recv(65536))
    check("an answer came", incoming.pending > 0)
    raw.close()


@story()
def a_hello_of_64_kib_is_read_and_one_byte_more_is_not(lab):
    _, appliance = serving(lab)
    message = real_hello(NAME)
    for size in (2000, 16384, 20000, HELLO_MAX):
        with lab.connect() as camera:
            camera.sendall(records(padded(message, size)))
            expect_server_hello(camera)
            equal(f"name in {size} bytes", ended(appliance, camera)["tls"]["sni"], NAME)
    with lab.connect() as camera:
        try:
            camera.sendall(records(padded(message, HELLO_MAX + 1)))
            answer = camera.recv(1)
        except OSError:
            answer = b""
        check("no handshake with a hello above the bound", answer != b"\x16", answer)
        event = appliance.eve.wait(event_type="flow", src_port=port_of(camera))
        equal("bytes that left", event["borderlens"]["left"]["up"], 0)


@story()
def a_record_that_claims_16_mib_is_not_waited_for(lab):
    _, appliance = serving(lab)
    with lab.connect() as camera:
        camera.sendall(b"\x16\x03\x01\xff\xff\x01\xff\xff\xff" + bytes(1000))
        harness.refused(expect_refusal, camera)
        event = appliance.eve.wait(event_type="flow", src_port=port_of(camera))
        check("it is recorded", event["borderlens"]["inspect"] in ("undecodable", "refused"), event["borderlens"])


def expect_refusal(connection):
    if connection.recv(1) != b"\x16":
        raise ConnectionError("closed or refused")


STRANGERS = {
    "http": b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "sslv2": bytes.fromhex("802b0100020012000000100100800700c0030080060040020080040080") + bytes(16),
    "unknown": bytes(range(128, 256)) * 3,
}


@story()
def what_is_not_tls_is_recorded_as_what_it_is(lab):
    _, appliance = serving(lab)
    for protocol, data in STRANGERS.items():
        with lab.connect() as camera:
            port = port_of(camera)
            camera.sendall(data)
            with contextlib.suppress(OSError):  # it may be reset by now
                camera.shutdown(socket.SHUT_WR)
            drain(camera)
        appliance.eve.wait(event_type="anomaly", src_port=port)
        flow = appliance.eve.wait(event_type="flow", src_port=port)
        check(f"{protocol} is told", protocol in str(flow).lower(), flow)
        check(f"{protocol} is judged", flow["borderlens"]["verdict"] in ("allow", "block"), flow["borderlens"])
    appliance.recorded()


def drain(connection):
    try:
        harness.read_all(connection)
    except OSError:
        pass


@story()
def broken_hellos_end_nothing_but_themselves(lab):
    """Each byte of a hello changed; the workers live on.  With the first one
    changed it is no TLS, and goes to a server that does not answer it."""
    _, appliance = serving(lab, timeout={"half_close": "2s"})
    workers = appliance.role_pids("worker")
    wire = bytearray(records(real_hello(NAME)))
    for at in range(0, len(wire), 2):
        changed = bytes(wire[:at]) + bytes([wire[at] ^ 0xFF]) + bytes(wire[at + 1:])
        with lab.connect() as camera:
            camera.sendall(changed)
    wait_for("every connection's end", 30,
             lambda: len(appliance.eve.find(event_type="flow")) >= (len(wire) + 1) // 2)
    equal("workers", appliance.role_pids("worker"), workers)
    appliance.recorded()


@story()
def a_silent_camera_is_closed_at_ten_seconds(lab):
    _, appliance = serving(lab)
    with lab.connect() as silent, lab.connect(camera=11) as slow:
        start = time.monotonic()
        slow.sendall(records(real_hello(NAME))[:20])
        drain(silent)
        took = time.monotonic() - start
        drain(slow)
        check("closed at 10 s", 9 < took < 20, took)
        for port in (port_of(silent), port_of(slow)):
            event = appliance.eve.wait(event_type="flow", src_port=port)
            equal("end", event["borderlens"]["end"], "hello-timeout")
            equal("bytes that left", event["borderlens"]["left"]["up"], 0)


@story()
def a_trickle_does_not_stretch_the_deadline(lab):
    _, appliance = serving(lab, timeout={"hello": "1s"})
    wire = records(real_hello(NAME))
    with lab.connect() as camera:
        start = time.monotonic()
        harness.refused(trickle, camera, wire, 0.1)
        check("closed at 1 s", time.monotonic() - start < 8)
        appliance.eve.wait(event_type="flow", src_port=port_of(camera), borderlens__end="hello-timeout")


def trickle(connection, data, pause_s):
    """A byte each pause, until the other side has had enough."""
    connection.settimeout(pause_s)
    for byte in data[:100]:
        connection.sendall(bytes([byte]))
        try:
            if connection.recv(1) == b"":
                raise ConnectionError("closed")
        except TimeoutError:
            pass


if __name__ == "__main__":
    harness.main()
