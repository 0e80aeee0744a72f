# SPDX-License-Identifier: MIT
"""Real clients of seven TLS libraries, each once with our authority (it must be
opened) and once without (the refusal must be seen for one, the passthrough must
work, and must confirm it)."""

import base64
import hashlib
import json
import os
import ssl
import subprocess

import harness
from harness import BAD, GOOD, ROOT, check, equal, story
from servers import Server, context

CLIENTS = os.path.join(ROOT, "tests", "lab", "clients")
LIBRARIES = {"mbedtls": ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"], "wolfssl": ["-lwolfssl"]}
CURL_VERSION = {"1.2": ["--tlsv1.2", "--tls-max", "1.2"], "1.3": ["--tlsv1.3"]}
WGET_VERSION = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}


def build(lab, name):
    program = os.path.join(lab.directory, name)
    if not os.path.exists(program):
        done = subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program,
                               f"{CLIENTS}/{name}.c", *LIBRARIES[name]], capture_output=True, text=True, check=False)
        equal(f"{name} compiles", (done.returncode, done.stderr), (0, ""))
    return program


# Each: the command line of one request.

def openssl(_lab, name, ca, version):
    return ["openssl", "s_client", "-connect", f"{GOOD}:443", "-servername", name, "-CAfile", ca,
            "-verify_return_error", "-quiet", f"-tls{version.replace('.', '_')}"]


def curl(_lab, name, ca, version, *more):
    return ["curl", "-sS", "--max-time", "15", "--cacert", ca, *CURL_VERSION[version], *more, f"https://{name}/"]


def curl_with_a_pin(lab, name, _ca, version):
    """It trusts both authorities, and looks for the cloud's key when the
    handshake is done."""
    with open(lab.good.chain, encoding="ascii") as chain:
        pem = chain.read()
    key = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=pem, capture_output=True, text=True, check=True)
    pin = base64.b64encode(hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        key.stdout.replace("PUBLIC KEY", "CERTIFICATE"))).digest()).decode()
    return curl(lab, name, f"{lab.directory}/both.pem", version, "--pinnedpubkey", f"sha256//{pin}")


def wget(_lab, name, ca, version):
    return ["wget", "-q", "-O", "-", "--tries=1", "--timeout=15", "--ca-certificate", ca, "--ca-directory=/nowhere",
            f"--secure-protocol={WGET_VERSION[version]}", f"https://{name}/"]


def gnutls(_lab, name, ca, version):
    return ["gnutls-cli", "--x509cafile", ca, "--sni-hostname", name, "--verify-hostname", name,
            "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "-p", "443", GOOD]


def mbedtls(lab, name, ca, _version):
    return [build(lab, "mbedtls"), GOOD, "443", name, ca, "required"]


def mbedtls_looks_itself(lab, name, ca, _version):
    return [build(lab, "mbedtls"), GOOD, "443", name, ca, "optional"]


def wolfssl(lab, name, ca, version):
    return [build(lab, "wolfssl"), GOOD, "443", name, ca, version]


# label, command, version, how it refuses: by an alert, or by a close
SAID, SILENT = "said", "silent"
ROWS = [
    ("openssl", openssl, "1.2", SAID), ("openssl", openssl, "1.3", SAID),
    ("curl", curl, "1.2", SAID), ("curl", curl, "1.3", SAID),
    ("curl-pin", curl_with_a_pin, "1.2", SILENT), ("curl-pin", curl_with_a_pin, "1.3", SILENT),
    ("wget", wget, "1.2", SILENT), ("wget", wget, "1.3", SILENT),
    ("gnutls", gnutls, "1.2", SAID), ("gnutls", gnutls, "1.3", SAID),
    ("mbedtls", mbedtls, "1.2", SAID), ("mbedtls-optional", mbedtls_looks_itself, "1.2", SILENT),
    ("wolfssl", wolfssl, "1.2", SAID), ("wolfssl", wolfssl, "1.3", SAID),
]
# These start slowly: one process makes all of its requests.
SLOW = [
    ("node", ["node", f"{CLIENTS}/node.js"], SILENT),
    ("java", ["java", "-XX:TieredStopAtLevel=1", f"{CLIENTS}/Java.java"], SAID),
]
VERSIONS = ("1.2", "1.3")


def host(label, version, which):
    return f"{label}-{version.replace('.', '')}-{which}.cameras.example"


def start(lab):
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.started()
    ours = f"{lab.directory}/ours.pem"
    harness.write(ours, appliance.command("ca", "export").stdout)
    with open(ours, encoding="ascii") as first, open(lab.pki.root.chain, encoding="ascii") as second:
        harness.write(f"{lab.directory}/both.pem", first.read() + second.read())
    names = [host(label, version, which) for label, *_ in ROWS + SLOW for version in VERSIONS for which in ("yes", "no")]
    lab.net.name_hosts({name: GOOD for name in names})
    return server, appliance, ours


def request(lab, command):
    """Whether the client had its answer."""
    done = subprocess.run(lab.net.cam.command(*command), input="GET / HTTP/1.1\r\nHost: cloud\r\n\r\n", text=True,
                          capture_output=True, timeout=30, check=False)
    return "bytes taken" in done.stdout or done.returncode == 0 and "wget" not in command[0] and "s_client" not in command


def told(appliance, name, count):
    """The closing lines of a name's connections so far."""
    return [event["borderlens"] for event in appliance.eve.wait(15, count, event_type="flow", tls__sni=name)] \
        if count > 1 else [appliance.eve.wait(15, event_type="flow", tls__sni=name)["borderlens"]]


def summary(own):
    return own["inspect"], own.get("camera_tls", {}).get("verdict"), own["left"]["up"] > 0


OPENED = ("opened", "ok", True)
PASSED = ("passthrough", "rejected", True)
EXPECTED = {SAID: [("rejected", "rejected", False), PASSED],
            SILENT: [("rejected", "probable", False), ("rejected", "probable", False), PASSED]}


@story(120)
def clients_of_every_library_refuse_in_their_way_and_then_pass(lab):
    _, appliance, ours = start(lab)
    theirs = lab.pki.root.chain
    wrong = []
    for label, command, version, how in ROWS:
        trusted, pinned = host(label, version, "yes"), host(label, version, "no")
        if command is curl_with_a_pin:  # its trusting twin is the row above
            trusted = None
        elif not request(lab, command(lab, trusted, ours, version)):
            wrong.append(f"{trusted} is not served")
        served = [request(lab, command(lab, pinned, theirs, version)) for _ in EXPECTED[how]]
        if served != [False] * (len(served) - 1) + [True]:
            wrong.append(f"{pinned}: served {served}")
        if trusted and (seen := [summary(own) for own in told(appliance, trusted, 1)]) != [OPENED]:
            wrong.append(f"{trusted}: {seen}")
        if (seen := [summary(own) for own in told(appliance, pinned, len(EXPECTED[how]))]) != EXPECTED[how]:
            wrong.append(f"{pinned}: {seen}")
    equal("rows that are not as they must be", wrong, [])
    appliance.recorded()


def tasks_of(label, how, version, ours, theirs):
    """What a slow client is to ask, and what must become of each."""
    word = f"TLSv{version}"
    yield host(label, version, "yes"), ours, word, "ok"
    for i, row in enumerate(EXPECTED[how]):
        yield host(label, version, "no"), theirs, word, "ok" if row == PASSED else "refused"


@story(120)
def clients_that_start_slowly_too(lab):
    _, appliance, ours = start(lab)
    wrong, running = [], []
    for label, command, how in SLOW:
        tasks = [task for version in VERSIONS for task in tasks_of(label, how, version, ours, lab.pki.root.chain)]
        words = [word for task in tasks for word in task[:3]]
        running.append((label, how, tasks, lab.net.cam.popen(*command, GOOD, "443", *words, stdout=subprocess.PIPE,
                                                             stderr=subprocess.PIPE, text=True)))
    for label, how, tasks, process in running:
        out, err = process.communicate(timeout=60)
        if [line.split()[0] for line in out.splitlines()] != [task[3] for task in tasks]:
            wrong.append(f"{label} said {out!r} {err[-300:]!r}")
        for version in VERSIONS:
            if (seen := [summary(own) for own in told(appliance, host(label, version, "yes"), 1)]) != [OPENED]:
                wrong.append(f"{label} {version}: {seen}")
            if (seen := [summary(own) for own in told(appliance, host(label, version, "no"),
                                                      len(EXPECTED[how]))]) != EXPECTED[how]:
                wrong.append(f"{label} {version}: {seen}")
    equal("rows that are not as they must be", wrong, [])
    appliance.recorded()


def ask(lab, address=GOOD):
    """A camera that trusts its cloud's own authority only."""
    return lab.request(ssl.create_default_context(cafile=lab.pki.root.chain), address=address)


@story()
def what_was_refused_is_shown_of_the_device(lab):
    """By an alert once, and then passed; elsewhere it trusts us, and that is said."""
    _, appliance, ours = start(lab)
    lab.server(Server(lab.net.net, GOOD, 8883, tls=context(lab.good)))
    harness.refused(ask, lab)
    ask(lab)
    lab.request(ssl.create_default_context(cafile=ours), port=8883)
    appliance.eve.wait(10, 3, event_type="flow")
    shown = json.loads(appliance.command("devices", "show", "192.168.77.10", "--json").stdout)
    seen = {(place["sni"], place["ip"], place["port"]): (place["camera_tls"]["verdict"], place["camera_tls"]["ok"],
                                                          place["camera_tls"]["rejected"], place["camera_tls"]["passed"],
                                                          "refused" in place["camera_tls"])
            for place in shown["destinations"]}
    equal("by place", seen, {(harness.NAME, GOOD, 443): ("rejected", 0, 2, 1, True),
                             (harness.NAME, GOOD, 8883): ("ok", 1, 0, 0, False)})
    said = appliance.command("devices", "show", "192.168.77.10").stdout
    check("and in words", "taken 1 times, refused 1 times; passed because of that 1 times" in said and harness.NAME in said, said)


@story()
def what_the_rules_refuse_is_not_passed_either(lab):
    """The camera refuses our leaf at a good place; the same name at a bad one
    gets nothing, before and after."""
    _, appliance, _ = start(lab)
    before = lab.net.arrived(BAD)
    for address, served in ((BAD, False), (GOOD, False), (BAD, False), (GOOD, True), (BAD, False)):
        if served:
            check("served", ask(lab, address).startswith(b"HTTP/1.1 200"))
        else:
            harness.refused(ask, lab, address)
    equal("packets that reached the refused place", lab.net.arrived(BAD), before)
    for event in appliance.eve.wait(10, 3, event_type="flow", dest_ip=BAD):
        equal("bytes that left", event["borderlens"]["left"]["up"], 0)
        equal("inspect", event["borderlens"]["inspect"], "refused")


if __name__ == "__main__":
    harness.main()
