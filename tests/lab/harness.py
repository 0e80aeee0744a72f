# SPDX-License-Identifier: MIT
"""What every laboratory test starts from: a network, a PKI, small databases, an
appliance with a configuration of the test's own, cameras that are sockets.

A test file holds functions marked @story and ends with harness.main().  It
prints "ok NAME", "FAIL NAME: why" or "skip NAME: why" for each, and "end".
"""

import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import traceback

import net as network
from appliance import PATIENCE, ROOT, Appliance, build_directory
from cameras import PLACES, REFUSED
from net import Net
from pki import Pki
from servers import strict

GOOD = "3.120.0.10"      # placed in Germany, run by Amazon: the rules allow it
GOOD6 = "2a05:d014::10"
BAD = REFUSED[0]         # placed in Germany, run by Alibaba: the rules refuse it
NAME = "cloud.cameras.example"
CAMERAS = (10, 11, 12, 13)

RULES = """\
ruleset: laboratory
version: "1"
title: The rules that laboratory tests run under
jurisdiction: test
reviewed: 2026-01-01
expires: 2099-01-01
mode: enforce
unknown: {then: block, why: "Nobody knows who runs that network"}
rules:
  - {id: 10, match: {touches: ["CN"]}, then: block, why: "Located, registered or operated in China"}
  - {id: 20, match: {located: ["DE"]}, then: allow, why: "Located in Germany"}
default: {then: block, why: "Not a place on the list"}
"""

_stories = []


class Skip(Exception):
    """This machine cannot show it; the text says why."""


def story(seconds=60):
    """Mark a test; it fails when it takes longer.  Those of a file that another
    one takes something from are played by themselves only."""
    def mark(function):
        if function.__module__ == "__main__":
            _stories.append((function, seconds))
        return function
    return mark


def check(what, truth, detail=""):
    if not truth:
        raise AssertionError(f"{what}{': ' + str(detail) if detail != '' else ''}")


def equal(what, got, want):
    check(what, got == want, f"{got!r}, not {want!r}")


# ---- databases, small ones, made here ----

def database_maker():
    """The program that makes a small .mmdb of lines."""
    maker = shutil.which("mmdb_maker", path=os.pathsep.join(
        os.path.join(build_directory(), *parts) for parts in ((), ("tests",), ("tests", "support"))))
    if maker is None:
        raise RuntimeError(f"mmdb_maker is not built in {build_directory()}")
    return maker


def make_databases(directory):
    """The three .mmdb files that say of the clouds what the real ones say."""
    maker = database_maker()
    for role in ("located", "registered", "asn"):
        lines = []
        for address, (located, registered, _, asn) in PLACES.items():
            prefix = ipaddress.ip_network(f"{address}/{64 if ':' in address else 24}", strict=False)
            value = {"located": located, "registered": registered, "asn": asn}[role]
            if value:
                lines.append(f"{prefix} {database_fields(role, value)}\n")
        path = os.path.join(directory, f"{role}.mmdb")
        network.run(maker, "-t", DATABASE_TYPES[role], path, input="".join(lines))


DATABASE_TYPES = {"located": "lab-country", "registered": "lab-whois-country", "asn": "lab-asn"}


def database_fields(role, value):
    if role == "asn":
        return f"autonomous_system_number={value} autonomous_system_organization=AS{value}"
    return f"country_code={value}"


# ---- the laboratory of one test file ----

class Lab:
    def __init__(self):
        self.prefix = f"blt{os.getpid()}"
        self.directory = f"/tmp/{self.prefix}"
        self.appliances = []
        self.servers = []
        self._count = 0

    def prepare(self):
        os.makedirs(self.directory, mode=0o755)
        self.net = Net(self.prefix, cameras=CAMERAS, clouds=PLACES, hosts={NAME: GOOD})
        self.pki = Pki(os.path.join(self.directory, "pki"))
        self.good = self.pki.server(NAME, "*.cameras.example", f"IP:{GOOD}")
        make_databases(self.directory)

    # -- configuration --

    def settings(self, directory, changes):
        """The whole configuration as a dictionary; changes are laid over it."""
        base = {
            "site": "test",
            "state_dir": f"{directory}/state",
            "run_dir": f"{directory}/run",
            "gateway": {"cameras": ["cams0"], "mode": "tproxy"},
            "workers": 2,
            "tls": {"ca": "auto", "upstream": {"ca": self.pki.root.chain}},
            "geo": {"country": [f"{self.directory}/located.mmdb", f"{self.directory}/registered.mmdb"],
                    "asn": f"{self.directory}/asn.mmdb", "operators": f"{ROOT}/geo/operators.csv",
                    "vendors": f"{ROOT}/geo/vendors.csv",
                    "kinds": f"{ROOT}/geo/kinds.csv"},
            "rules": [f"{directory}/rules.yaml"],
            "record": {"eve": f"{directory}/eve/eve.json"},
        }
        return merge(base, changes)

    def appliance(self, rules=RULES, changes=None):
        """An appliance that is not started yet, in a directory of its own."""
        self._count += 1
        directory = os.path.join(self.directory, str(self._count))
        os.makedirs(os.path.join(directory, "eve"))
        self._keep_authority(directory)
        write(f"{directory}/rules.yaml", rules)
        settings = self.settings(directory, changes or {})
        write(f"{directory}/borderlens.yaml", json.dumps(settings, indent=1))
        made = Appliance(self.net.gw, directory, f"{directory}/borderlens.yaml", settings["record"]["eve"])
        self.appliances.append(made)
        return made

    def _keep_authority(self, directory):
        """The first appliance makes its authority, which takes longer than all
        else of a start; the others find it there."""
        first = os.path.join(self.directory, "1", "state", "ca")
        if os.path.exists(os.path.join(first, "ca-rsa.pem")):
            shutil.copytree(first, os.path.join(directory, "state", "ca"))

    def started(self, rules=RULES, changes=None, **options):
        return self.appliance(rules, changes).start(**options)

    def camera_context(self, appliance):
        """What a camera under this appliance trusts: its authority, only."""
        done = appliance.command("ca", "export")
        equal("ca export's exit", done.returncode, 0)
        return strict(ssl.create_default_context(cadata=done.stdout))

    def server(self, made):
        self.servers.append(made)
        return made

    # -- between stories --

    def settle(self):
        """End what a story left, so that the next starts from nothing."""
        for made in self.appliances:
            if made.alive():
                made.kill()
            # The rules outlive the appliance on purpose; here they must not.
            subprocess.run(made.space.command("nft", "flush", "ruleset"), check=False)
        for made in self.servers:
            made.close()
        self.appliances.clear()
        self.servers.clear()
        self.net.gw.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)

    def close(self):
        network.remove(self.prefix)
        remove_directory(self.directory)

    # -- cameras --

    def connect(self, address=GOOD, port=443, camera=10, timeout=15):
        """A camera's TCP connection."""
        family = network.family_of(address)
        source = f"fd77::{camera}" if family == socket.AF_INET6 else f"192.168.77.{camera}"
        made = self.net.cam.socket(family)
        try:
            made.settimeout(timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not address.startswith("::ffff:"):
                made.bind((source, 0))
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return made

    def open_tls(self, context, address=GOOD, port=443, name=NAME, **options):
        raw = self.connect(address, port, **options)
        try:
            return context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise

    def request(self, context, **options):
        """One HTTP request over TLS; the whole answer."""
        with self.open_tls(context, **options) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
            return read_all(connection)


def merge(base, changes):
    made = dict(base)
    for key, value in changes.items():
        made[key] = merge(made[key], value) if isinstance(value, dict) and isinstance(made.get(key), dict) else value
    return made


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def refused(function, *arguments, **options):
    """Call what must not succeed; the error that it ended with."""
    try:
        function(*arguments, **options)
    except OSError as error:  # ssl.SSLError is one
        return error
    raise AssertionError("it went through")


def port_of(connection):
    return connection.getsockname()[1]


def remove_directory(path):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        below = [line.split()[1] for line in mounts if line.split()[1].startswith(path + "/")]
    for mount in reversed(below):
        subprocess.run(["umount", "-l", mount], check=False)
    shutil.rmtree(path, ignore_errors=True)


def remove_leftovers():
    """What killed runs left: namespaces, mounts, directories."""
    network.remove_leftovers()
    for name in os.listdir("/tmp"):
        if re.fullmatch(r"blt\d+", name) and network.is_left_over(name):
            remove_directory(f"/tmp/{name}")


def tell(line):
    print(" ".join(line.split()), flush=True)


def play(lab, function, seconds):
    name = function.__name__.replace("_", " ")
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(seconds * PATIENCE)
    try:
        function(lab)
        tell(f"ok {name}")
    except Skip as reason:
        tell(f"skip {name}: {reason}")
    except Exception as error:  # whatever it is, it is this story's failure
        signal.alarm(0)
        traceback.print_exc()
        for made in lab.appliances:
            print(f"---- {made.log_path}\n{made.log()[-6000:]}", file=sys.stderr)
        tell(f"FAIL {name}: {type(error).__name__}: {str(error)[:300]}")
    finally:
        signal.alarm(0)
        lab.settle()


def out_of_time(*_):
    raise TimeoutError("the story took too long")


def ended(*_):
    sys.exit(1)


def main():
    """Play the file's stories; with arguments, those whose name holds one."""
    signal.signal(signal.SIGTERM, ended)
    remove_leftovers()
    lab = Lab()
    try:
        lab.prepare()
        for function, seconds in _stories:
            if len(sys.argv) == 1 or any(word in function.__name__ for word in sys.argv[1:]):
                play(lab, function, seconds)
    finally:
        lab.close()
    print("end", flush=True)
