# SPDX-License-Identifier: MIT
"""Servers that are bad in every way there is a name for, each asked for four
times through one appliance: blocked (as it is by itself), mirrored to a camera
that verifies, mirrored to one that does not, and accepted by a rule.

What is asserted at the camera, by a client of its own: that no server looks
better through the appliance than it is."""

import os
import shutil
import ssl
import subprocess
import sys

import harness
from appliance import build_directory
from harness import GOOD, NAME, check, equal, story

PORT = 20000
BLOCKED, MIRRORED, ACCEPTED = 0, 1000, 2000

RULES = f"""\
ruleset: laboratory
version: "1"
title: One server, treated in three ways
jurisdiction: test
mode: enforce
unknown: block
rules:
  - {{id: mirrors, match: {{port: "{PORT + MIRRORED}-{PORT + MIRRORED + 999}"}}, then: allow, servers: mirror, why: "Mirrored"}}
  - {{id: accepts, match: {{port: "{PORT + ACCEPTED}-{PORT + ACCEPTED + 999}"}}, then: allow, servers: accept, why: "Accepted"}}
default: allow
"""

# What is wrong with each, in the words of the record; None: no flaw.
CERTIFICATES = {
    "good": None,
    "good-staple": None,
    "dh-2048": None,
    "hundred-certificates": None,
    "cross-signed": None,
    "expired": ["expired"],
    "long-expired": ["expired"],
    "not-yet-valid": ["not-yet-valid"],
    "wrong-name": ["name-mismatch"],
    "wide-wildcard": ["name-mismatch"],
    "part-wildcard": ["name-mismatch"],
    "inner-wildcard": ["name-mismatch"],
    "address-as-name": ["name-mismatch"],
    "cn-only": ["name-mismatch"],
    "nul-in-name": ["name-mismatch", "malformed"],
    "self-signed": ["self-signed"],
    "unknown-ca": ["unknown-issuer"],
    "missing-intermediate": ["unknown-issuer"],
    "expired-issuer": ["expired", "issuer-dates"],
    "rsa-1024": ["weak"],
    "sha1-signature": ["weak"],
    "md5-signature": ["weak"],
    "for-clients": ["wrong-purpose"],
    "for-code": ["wrong-purpose"],
    "key-may-not-sign": ["wrong-purpose"],
    "is-a-ca": ["wrong-purpose"],
    "signed-by-a-leaf": ["bad-constraints"],
    "path-length": ["bad-constraints"],
    "name-constraints": ["bad-constraints"],
    "loop": ["unknown-issuer"],
    "too-deep": ["chain-too-long"],
    "critical-extension": ["malformed"],
    "version-1": ["malformed", "name-mismatch"],
    "revoked-staple": ["revoked"],
    "old-staple": ["bad-staple"],
    "must-staple": ["no-staple"],
    "revoked-by-list": ["revoked"],
    "stale-list": ["crl-expired"],
}
# No handshake with these: there is nothing to mirror, and nothing to accept.
HANDSHAKES = (
    "chain-over-64k", "p-192", "p-224", "secp256k1", "brainpool", "key-of-another", "key-of-another-12", "cut-hello", "cut-certificate", "cut-key-exchange",
    "cut-hello-done", "cut-hello-13", "cut-extensions-13", "cut-certificate-13", "cut-verify-13", "cut-finished-13",
    "bad-finished-13", "bad-signature", "malformed-certificate", "tls-1.0", "tls-1.1", "psk-only", "dh-1024", "dh-8192", "dh-8192-13",
    "sha1-handshake", "rc4", "3des", "export", "null", "anonymous", "no-rfc5746", "ssl-3", "compression", "downgraded",
    "alpn-not-asked-for", "raw-public-key")
# Those that leave by themselves, by an alert, FIN or reset: nobody blocked them.
GOES = {
    "p-192", "p-224", "secp256k1", "brainpool", "cut-hello", "cut-certificate", "cut-key-exchange", "cut-hello-done",
    "cut-hello-13", "cut-extensions-13", "cut-certificate-13", "cut-verify-13", "cut-finished-13", "tls-1.0", "tls-1.1",
    "psk-only", "dh-8192-13", "sha1-handshake", "raw-public-key"}
# What a copy of the leaf shows as it is: signed by the CA that cameras trust.
COPIED = {"expired", "not-yet-valid", "name-mismatch"}
STAPLES = {"good-staple": "good", "revoked-staple": "revoked", "old-staple": "expired"}


class FaultServer:
    """The program, on the cloud's address."""

    def __init__(self, lab, directory):
        program = shutil.which("fault_server", path=os.path.join(build_directory(), "tests", "support"))
        check("fault_server is built", program is not None)
        self._process = lab.net.net.popen(program, GOOD, str(PORT), "3", directory, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
        self.names = []
        for line in self._process.stdout:
            if line == "ready\n":
                break
            self.names.append(line.strip())

    def received(self):
        """{(name, mode): bytes of cameras}; it ends with that."""
        said, _ = self._process.communicate(timeout=30)
        rows = (line.split() for line in said.splitlines())
        return {(name, int(mode) * 1000): int(count) for name, mode, count in rows}

    def close(self):
        self._process.kill()
        self._process.wait()


class Camera:
    """Asks each server; keeps what came of it and by which port it went."""

    def __init__(self, lab, context):
        self.lab, self.context = lab, context
        self.seen = {}

    def ask(self, server, name, mode):
        port = PORT + mode + server.names.index(name)
        raw = self.lab.connect(GOOD, port)
        self.seen[harness.port_of(raw), port] = (name, mode)
        error, answer, certificate = None, b"", None
        try:
            with self.context.wrap_socket(raw, server_hostname=NAME, suppress_ragged_eofs=False) as connection:
                certificate = connection.getpeercert(binary_form=True)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
                answer = harness.read_all(connection)
        except OSError as seen:  # ssl.SSLError is one
            error = seen
        finally:
            raw.close()
        return error, answer, certificate


def careless():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_ciphers("ALL:@SECLEVEL=0")
    return made


def served(seen):
    error, answer, _ = seen
    return error is None and answer.startswith(b"HTTP/1.1 200")


def check_camera(faults, strict, loose):
    """What the cameras see; strict trusts our CA alone and checks the name."""
    for name, errors in CERTIFICATES.items():
        if errors is None:
            for mode in (BLOCKED, MIRRORED, ACCEPTED):
                check(f"{name} is served ({mode})", served(seen := strict.ask(faults, name, mode)), seen)
            continue
        check(f"{name}, blocked: no handshake, verified or not",
              all(camera.ask(faults, name, BLOCKED)[2] is None for camera in (strict, loose)))
        seen = strict.ask(faults, name, MIRRORED)
        check(f"{name}, mirrored: a camera that verifies refuses it",
              isinstance(seen[0], ssl.SSLCertVerificationError) and seen[2] is None, seen)
        # The alert ends in the certificate's own words where it is copied.
        wanted = 20 if set(errors) - COPIED else {"expired": 10, "not-yet-valid": 9, "name-mismatch": 62}[errors[0]]
        if name != "long-expired":
            equal(f"{name}, mirrored: what the camera finds wrong", seen[0].verify_code, wanted)
        check(f"{name}, mirrored: one that does not verify talks", served(seen := loose.ask(faults, name, MIRRORED)), seen)
        seen = strict.ask(faults, name, ACCEPTED)
        named = "name-mismatch" not in errors
        check(f"{name}, accepted: served unless the name is another's", served(seen) == named, seen)
    for name in HANDSHAKES:
        for camera in (strict, loose):
            for mode in (BLOCKED, MIRRORED, ACCEPTED):
                error, _, certificate = camera.ask(faults, name, mode)
                check(f"{name}: no handshake ({mode})", error is not None and certificate is None)


def check_flaw(what, name, mode, own, verifies):
    errors = CERTIFICATES[name]
    treated = {BLOCKED: None, MIRRORED: "mirrored", ACCEPTED: "accepted"}[mode]
    check(f"{what}: errors", set(errors) <= set(own["server"]["errors"]), own["server"])
    equal(f"{what}: verified", own["server"]["verified"], False)
    equal(f"{what}: treated", own["server"].get("treated"), treated)
    if mode == BLOCKED:
        equal(f"{what}: end", (own["end"], own["verdict"]), ("server-certificate", "block"))
    elif mode == MIRRORED and verifies:
        equal(f"{what}: end", (own["end"], own["inspect"]), ("rejected", "rejected"))
    elif mode == MIRRORED:
        equal(f"{what}: the camera", own["camera_tls"]["verdict"], "ok")


def check_record(eve, camera, verifies):
    for (port, to), (name, mode) in camera.seen.items():
        what = f"{name} ({mode})"
        event = eve.wait(10, event_type="flow", src_port=port, dest_port=to)
        own = event["borderlens"]
        equal(f"{what}: stapled", own["server"].get("ocsp"),
              STAPLES.get(name) if name in CERTIFICATES else own["server"].get("ocsp"))
        if name in HANDSHAKES:
            equal(f"{what}: end", (own["end"], own["left"]["up"]), ("server-tls", 0))
            # Who goes by itself was not blocked.
            blocked = name not in GOES
            equal(f"{what}: verdict", (own["verdict"], own["rule"] == "server-tls", event["flow"]["action"]),
                  ("block", True, "drop") if blocked else ("allow", False, "pass"))
            continue
        if CERTIFICATES[name] is None:
            equal(f"{what}: verified", (own["server"]["verified"], own["server"]["errors"]), (True, []))
            continue
        check_flaw(what, name, mode, own, verifies)
        alert = eve.wait(10, event_type="alert", src_port=port, dest_port=to)["alert"]
        category = {BLOCKED: "Connection blocked by rule", ACCEPTED: "Bad server accepted by rule",
                    MIRRORED: "Server not verified" if verifies else "Camera does not verify the server"}[mode]
        if mode != ACCEPTED or own["camera_tls"]["verdict"] == "ok":
            equal(f"{what}: alert", alert["category"], category)


@story(120)
def no_bad_server_looks_better_than_it_is(lab):
    directory = os.path.join(lab.directory, "faults")
    os.makedirs(directory, exist_ok=True)
    faults = lab.server(FaultServer(lab, directory))
    equal("classes", sorted(faults.names), sorted([*CERTIFICATES, *HANDSHAKES]))
    check("at least 25 of them", len(faults.names) >= 25)
    appliance = lab.started(rules=RULES, changes={
        "tls": {"upstream": {"ca": f"{directory}/roots.pem", "crl": [f"{directory}/lists.pem"]}}})
    trusting = lab.camera_context(appliance)
    trusting.hostname_checks_common_name = False  # RFC 9525; who reads it would take the server itself, too
    strict = Camera(lab, trusting)
    loose = Camera(lab, careless())
    check_camera(faults, strict, loose)
    check_record(appliance.eve, strict, True)
    check_record(appliance.eve, loose, False)
    for (name, mode), count in faults.received().items():
        if (name in HANDSHAKES) or (mode == BLOCKED and CERTIFICATES[name]):
            equal(f"{name} ({mode}): bytes of cameras that it was given", count, 0)
    appliance.recorded()
    asked = len(strict.seen) + len(loose.seen)
    flaws = sorted({word for errors in CERTIFICATES.values() for word in errors or ()})
    print(f"{len(faults.names)} servers, {len(faults.names) - list(CERTIFICATES.values()).count(None)} of them bad, asked "
          f"{asked} times: {len(flaws)} words for certificates ({' '.join(flaws)}), {len(HANDSHAKES)} handshakes that fail; "
          "none looked better than it is", flush=True, file=sys.stderr)


@story()
def a_list_that_is_out_of_date_is_said_to_be(lab):
    directory = os.path.join(lab.directory, "faults")
    os.makedirs(directory, exist_ok=True)
    lab.server(FaultServer(lab, directory))
    made = lab.appliance(changes={"tls": {"upstream": {"crl": [f"{directory}/lists.pem"]}}})
    done = made.command("check")
    equal("exit", done.returncode, 0)
    check("it warns", "out of date since" in done.stderr and "lists.pem" in done.stderr, done.stderr)
    harness.write(f"{directory}/none.pem", "nothing\n")
    made = lab.appliance(changes={"tls": {"upstream": {"crl": [f"{directory}/none.pem"]}}})
    done = made.command("check")
    equal("exit", done.returncode, 78)
    check("it says which", "none.pem holds no list of revoked certificates" in done.stderr, done.stderr)


if __name__ == "__main__":
    harness.main()
