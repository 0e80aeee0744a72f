# SPDX-License-Identifier: MIT
"""Servers that ask who the camera is: the certificate that devices.yaml gives to
the device is shown, to a server that asks and that was verified, and to nobody
else; a camera without one goes through with its own."""

import json
import os
import ssl

import harness
from harness import GOOD, check, equal, story
from servers import Server, context, http

NAMES = []  # whom each of the server's connections came from


def note_and_answer(connection, server):
    certificate = connection.getpeercert()
    NAMES.append(dict(part[0] for part in certificate["subject"])["commonName"] if certificate else None)
    http(connection, server)


def asking(lab, identity, **settings):
    """A server's context that takes nobody without a certificate of the lab's."""
    made = context(identity, **settings)
    made.load_verify_locations(lab.pki.root.chain)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def device_files(lab):
    """devices.yaml for a camera with a certificate and one without."""
    identity = lab.pki.server("lobby-camera", usage="clientAuth")
    directory = os.path.join(lab.directory, "devices")
    os.makedirs(directory, exist_ok=True)
    for path, name in ((identity.chain, "lobby.pem"), (identity.key, "lobby.key")):
        with open(path, encoding="ascii") as from_:
            harness.write(f"{directory}/{name}", from_.read())
    os.chmod(f"{directory}/lobby.key", 0o600)
    return directory


def write_devices(directory, cert="lobby.pem", key="lobby.key", gate=None):
    gates = {"client_cert": gate} if gate else {}
    harness.write(f"{directory}/devices.yaml", json.dumps({"devices": {
        "lobby": {"ip": "192.168.77.10", "client_cert": {"cert": cert, "key": key}},
        "gate": {"ip": "192.168.77.11", **gates}}}))
    return {"devices": f"{directory}/devices.yaml"}


def ask(lab, appliance, camera_context, camera, port):
    raw = lab.connect(GOOD, port, camera=camera)
    at, error = harness.port_of(raw), None
    try:
        with camera_context.wrap_socket(raw, server_hostname=harness.NAME, suppress_ragged_eofs=False) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
            harness.read_all(connection)
    except OSError as seen:
        error = seen
    finally:
        raw.close()
    event = appliance.eve.wait(10, event_type="flow", src_port=at, dest_port=port)
    return error, dict(event["borderlens"], resumed=event["tls"].get("session_resumed", False))


@story()
def the_certificate_of_the_device_is_shown_to_who_asks(lab):
    directory = device_files(lab)
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    stranger = lab.pki.server(harness.NAME, issuer=lab.pki.authority("somebody else"))
    for port, tls in ((443, asking(lab, lab.good)), (444, asking(lab, lab.good, **old)), (445, context(lab.good)),
                      (446, asking(lab, stranger))):
        lab.server(Server(lab.net.net, GOOD, port, handler=note_and_answer, tls=tls))
    appliance = lab.started(changes=write_devices(directory))
    trusting = lab.camera_context(appliance)
    for port in (443, 444, 443):
        NAMES.clear()
        error, own = ask(lab, appliance, trusting, 10, port)
        equal("error", error, None)
        equal("whom the server saw", NAMES, ["lobby-camera"])
        equal("record", (own["inspect"], own["device"], own["server"]["verified"]), ("opened", "lobby", True))
        # A session that is resumed was begun with it: it is not asked for again.
        check("it says that it was shown", own["resumed"] or own["server"]["client_cert"], own)
    NAMES.clear()
    error, own = ask(lab, appliance, trusting, 10, 445)
    equal("a server that does not ask", (error, NAMES, "client_cert" in own["server"]), (None, [None], False))
    NAMES.clear()
    error, own = ask(lab, appliance, trusting, 11, 443)
    check("a device without one passes, and has nothing that the server takes", error is not None)
    equal("it", (own["inspect"], own["server"]["wants_client_cert"], "client_cert" in own["server"], NAMES),
          ("passthrough", True, False, []))
    error, own = ask(lab, appliance, trusting, 10, 446)
    check("a bad server is blocked", error is not None)
    equal("it", (own["end"], own["server"]["errors"], NAMES), ("server-certificate", ["unknown-issuer"], []))
    appliance.recorded()


OLD_TLS = harness.RULES.replace("rules:\n", """rules:
  - {id: old, match: {tls: {max: "1.2"}}, then: block, why: "No TLS below 1.3"}
""")


@story()
def it_is_not_shown_to_a_server_that_a_rule_blocks(lab):
    """That a rule asks for what only the server's handshake tells is no reason to
    say before it is asked who the camera is."""
    directory = device_files(lab)
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    for port, tls in ((443, asking(lab, lab.good)), (444, asking(lab, lab.good, **old))):
        lab.server(Server(lab.net.net, GOOD, port, handler=note_and_answer, tls=tls))
    appliance = lab.started(rules=OLD_TLS, changes=write_devices(directory))
    trusting = lab.camera_context(appliance)
    NAMES.clear()
    error, own = ask(lab, appliance, trusting, 10, 443)
    equal("a new one", (error, NAMES, own["verdict"]), (None, ["lobby-camera"], "allow"))
    NAMES.clear()
    error, own = ask(lab, appliance, trusting, 10, 444)
    check("the old one is blocked", error is not None)
    equal("it", (own["end"], own["rule"], own["left"]["up"]), ("refused", "old", 0))
    equal("whom it saw", (NAMES, own["server"].get("client_cert")), ([], None))
    check("it asked", own["server"]["wants_client_cert"], own)
    appliance.recorded()


UNSEEN = harness.RULES.replace("rules:\n", """rules:
  - {id: unseen, match: {inspect: passthrough}, then: block, why: "What passes is not seen"}
""")


def reloaded(appliance):
    done = appliance.command("reload")
    equal("reload", (done.returncode, done.stderr), (0, ""))


@story()
def who_asks_is_remembered(lab):
    """The next connection there makes no handshake that is broken off: it passes,
    or is blocked by rule, or shows a certificate that its device has now."""
    directory = device_files(lab)
    there = lab.server(Server(lab.net.net, GOOD, 443, handler=note_and_answer, tls=asking(lab, lab.good)))
    devices = write_devices(directory)
    appliance = lab.started(changes=devices)
    trusting = lab.camera_context(appliance)

    def goes(inspect, connections):
        """A camera without one of its own."""
        before = there.accepted
        error, own = ask(lab, appliance, trusting, 11, 443)
        check("it has nothing that the server takes", error is not None)
        equal("it", (own["inspect"], own["server"]["wants_client_cert"]), (inspect, True))
        equal("connections to the server", there.accepted - before, connections)
        return {key: own[key] for key in ("rule", "why", "verdict", "verdict_stage", "server")}

    def shows(camera):
        NAMES.clear()
        error, own = ask(lab, appliance, trusting, camera, 443)
        equal("one that has a certificate", (error, NAMES, own["inspect"]), (None, ["lobby-camera"], "opened"))

    first, second = goes("passthrough", 2), goes("passthrough", 1)
    equal("the record, but for the certificate", {**second, "server": None}, {**first, "server": None})
    equal("what is said of the server", (second["server"]["verified"], second["server"]["errors"]), (False, []))
    shows(10)
    harness.write(f"{appliance.directory}/rules.yaml", UNSEEN)
    reloaded(appliance)
    equal("the rule", goes("refused", 0)["rule"], "unseen")
    write_devices(directory, gate={"cert": "lobby.pem", "key": "lobby.key"})
    reloaded(appliance)
    shows(11)
    write_devices(directory)
    changes = harness.merge(devices, {"tls": {"camera": {"min": "1.2"}}})
    harness.write(appliance.config_path, json.dumps(lab.settings(appliance.directory, changes)))
    harness.write(f"{appliance.directory}/rules.yaml", harness.RULES)
    reloaded(appliance)
    goes("passthrough", 2)
    appliance.recorded()


@story()
def what_is_no_pair_is_said_where_it_stands(lab):
    directory = device_files(lab)
    other = lab.pki.server("other", usage="clientAuth")
    os.chmod(other.key, 0o600)
    old = lab.pki.server("old", usage="clientAuth", days=-2)
    os.chmod(old.key, 0o600)
    for cert, key, status, words in (
            ("lobby.pem", other.key, 78, "is not the key of"), ("none.pem", "lobby.key", 78, "none.pem"),
            ("lobby.key", "lobby.key", 78, "holds no certificate"), ("lobby.pem", "lobby.pem", 78, "holds no private key"),
            (old.chain, old.key, 0, "its client_cert has expired"), ("lobby.pem", "lobby.key", 0, "")):
        done = lab.appliance(changes=write_devices(directory, cert, key)).command("check")
        equal(f"{cert} {key}: exit", done.returncode, status)
        check("it is told", words in done.stderr, done.stderr)
        check("with its place", words == "" or "devices.yaml:1:" in done.stderr, done.stderr)
    os.chmod(f"{directory}/lobby.key", 0o644)
    done = lab.appliance(changes=write_devices(directory)).command("check")
    check("a key that others read", done.returncode == 78 and "must be 600" in done.stderr, done.stderr)


if __name__ == "__main__":
    harness.main()
