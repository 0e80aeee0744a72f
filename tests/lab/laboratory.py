# SPDX-License-Identifier: MIT
"""The embedded laboratory of ./run: real cameras, the real redirect, clouds on
addresses that the real databases place, and every connection told as it ends.

    laboratory.py --geo DIRECTORY [--once]
"""

import argparse
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import cameras
from appliance import ROOT, Appliance, binary, wait_for
from net import Net, WAN4
from pki import Pki
from servers import Server, context, mosquitto
from show import Painter, bytes_text, event_line, header

DIRECTORY = "/run/borderlens-lab"
PREFIX = "bl"
CONFIG = """\
# The laboratory's configuration; made anew at each ./run.
site: laboratory
state_dir: {directory}/state
run_dir: {directory}/run
gateway:
  cameras: [cams0]
  mode: tproxy
tls:
  ca: auto
  upstream: {{ca: {directory}/clouds/001.pem}}
  rejected: passthrough
geo:
  country: [{geo}/dbip-country.mmdb, {geo}/geo-whois-asn-country.mmdb]
  asn: {geo}/asn.mmdb
  operators: {root}/geo/operators.csv
  vendors: {root}/geo/vendors.csv
  kinds: {root}/geo/kinds.csv
rules: [{root}/config/rulesets/eu-gdpr.yaml]
devices: devices.yaml
record: {{eve: {directory}/eve/eve.json, keep: {{flows: 1d}}}}
"""


def say(text=""):
    print(text, flush=True)


class Laboratory:
    def __init__(self, geo, painter):
        self.geo, self.painter = geo, painter
        self.net = None
        self.appliance = None
        self.servers = []
        self.told = {}     # (source address, source port) -> the flow event that was printed
        self.results = []  # (story, event, what is wrong)

    # ---- setting up ----

    def prepare(self):
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        for part in ("", "clouds", "eve"):
            os.makedirs(os.path.join(DIRECTORY, part), mode=0o755, exist_ok=True)
        self.net = Net(PREFIX, cameras=cameras.DEVICES.values(), clouds=cameras.PLACES, hosts=cameras.HOSTS)
        self.start_clouds()
        with open(f"{DIRECTORY}/devices.yaml", "w", encoding="utf-8") as out:
            out.write("devices:\n")
            for name in cameras.DEVICES:
                ips = f"{cameras.address_of(name)}, \"{cameras.address_of(name, True)}\""
                out.write(f"  - {{name: {name}, ip: [{ips}]}}\n")
        with open(f"{DIRECTORY}/borderlens.yaml", "w", encoding="utf-8") as out:
            out.write(CONFIG.format(directory=DIRECTORY, geo=self.geo, root=ROOT))
        self.appliance = Appliance(self.net.gw, DIRECTORY, f"{DIRECTORY}/borderlens.yaml", f"{DIRECTORY}/eve/eve.json")

    def start_clouds(self):
        pki = Pki(f"{DIRECTORY}/clouds")
        names = {}
        for name, address in cameras.HOSTS.items():
            names.setdefault(address, []).append(name)
        for address, known in names.items():
            identity = pki.server(*known)
            self.servers.append(Server(self.net.net, address, 443, tls=context(identity)))
            if address == cameras.AMAZON_DE:
                self.servers.append(mosquitto(self.net.net, DIRECTORY, identity, address))
        expired = pki.server("old.cameras.example", days=-3)
        self.servers.append(Server(self.net.net, cameras.AMAZON_DE, 8443, tls=context(expired)))

    def start(self):
        checked = self.appliance.command("check")
        if checked.returncode != 0:
            raise RuntimeError(f"the configuration is not good:\n{checked.stderr}")
        self.appliance.start(deadline_s=60)
        for line in self.appliance.log().splitlines():
            say(self.painter.faint("  " + re.sub(r"^<\d>", "", line)))
        exported = self.appliance.command("ca", "export")
        if exported.returncode != 0:
            raise RuntimeError(f"ca export: {exported.stderr}")
        with open(f"{DIRECTORY}/appliance-ca.pem", "w", encoding="ascii") as out:
            out.write(exported.stdout)

    def tell_places(self):
        """What the databases say of the clouds, before anything is sent."""
        say("\nThe clouds, as `borderlens geo lookup` places them:")
        for address in cameras.PLACES:
            done = self.appliance.command("geo", "lookup", address, "--json")
            if done.returncode != 0:
                raise RuntimeError(f"geo lookup {address}: {done.stderr}")
            place = json.loads(done.stdout)
            say(f"  {address:<15} located {place_word(place, 'located'):<8} registered "
                f"{place_word(place, 'registered'):<8} operator {place_word(place, 'operator'):<8} "
                f"{asn_text(place)}")

    # ---- telling ----

    def tell(self):
        """Print the connections that ended since the last time."""
        for event in self.appliance.eve.poll():
            if event.get("event_type") != "flow":
                continue
            self.told[(event["src_ip"], event["src_port"])] = event
            say(event_line(event, self.painter))

    def flows_from(self, source, seen):
        return [event for key, event in self.told.items() if key[0] == source and key not in seen]

    def play(self, story):
        """Let one camera connect; what its record says must come within 15 s."""
        seen = set(self.told)
        with open(f"{DIRECTORY}/clients.log", "ab") as log:
            log.write(f"\n$ {shlex.join(story.command)}\n".encode())
            log.flush()
            client = self.net.cam.popen(*story.command, stdin=subprocess.PIPE, stdout=log, stderr=log)
            client.stdin.write(story.stdin)
            client.stdin.close()
            try:
                wait_for(f"the end of {story.command[0]}", 40, lambda: self.tell() or client.poll() is not None)
            except TimeoutError:
                client.kill()
                client.wait()

        def recorded():
            self.tell()
            return self.flows_from(story.source, seen)

        try:
            event = wait_for("the record of a connection", 15, recorded)[0]
        except TimeoutError:
            self.results.append((story, None, "no record of the connection"))
            return
        self.results.append((story, event, story.wrong(event, client.returncode)))

    def play_all(self):
        say("\n" + header(self.painter))
        for story in cameras.stories(DIRECTORY, f"{DIRECTORY}/appliance-ca.pem", f"{DIRECTORY}/clouds/001.pem"):
            self.play(story)
        self.send_datagrams()

    def send_datagrams(self):
        """What is not TCP, to a place that is refused: the gateway drops it."""
        with self.net.cam.socket(kind=socket.SOCK_DGRAM) as probe:
            for port in (53, 123, 443):
                probe.sendto(b"is anybody there", (cameras.ALIBABA_CN, port))
        subprocess.run(self.net.cam.command("ping", "-q", "-c", "2", "-i", "0.2", "-W", "1", cameras.ALIBABA_CN),
                       capture_output=True, check=False)
        say(self.painter.faint(f"lobby-1 also sent 3 datagrams and 2 pings to {cameras.ALIBABA_CN}: see the far side"))

    # ---- the end ----

    def conclude(self):
        """The closing table; True when all is as it must be."""
        good = True
        say(f"\n{self.painter.bold('What happened')}")
        for story, event, wrong in self.results:
            own = (event or {}).get("borderlens", {})
            word = self.painter.bad("WRONG") if wrong else self.painter.good("ok   ")
            seen = f"{own.get('verdict', '-')}, {own.get('inspect', '-')}"
            say(f"  {word} {story.device:<9} {story.what:<52} {seen:<18} {bytes_text(own.get('left', {}).get('up', 0)):>8} left")
            if wrong:
                say(f"        {self.painter.bad(wrong)}")
                good = False
        return self.conclude_far_side() & self.conclude_ledger() & good

    def conclude_far_side(self):
        good = True
        say(f"\n{self.painter.bold('Counted on the far side')}, by rules that are not the appliance's")
        for address in cameras.REFUSED:
            packets = self.net.arrived(address)
            good = good and packets == 0
            say(f"  {packets:>4} packets reached {address}, which the rules refuse")
        for what, packets in (("with a camera's own address", self.net.leaked()), ("for anywhere else", self.net.astray())):
            good = good and packets == 0
            say(f"  {packets:>4} packets {what}")
        return good

    def conclude_ledger(self):
        status, words = 1, ""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            status, words = self.appliance.ledger()
            if status == 0:
                break
            time.sleep(0.1)
        say(f"\n{self.painter.bold('The record')} (borderlens ledger verify: exit {status})")
        for line in words.splitlines():
            say(f"  {line}")
        return status == 0

    def hints(self):
        command = f"ip netns exec {PREFIX}-gw {os.path.relpath(binary())}"
        config = f"-c {DIRECTORY}/borderlens.yaml"
        say(f"\n{self.painter.bold('It stays up until Ctrl-C.')} The console comes in a later version; until then, in another terminal:")
        say(f"  {command} flows {config}")
        say(f"  {command} explain --to {cameras.ALIBABA_DE}:443 --device yard-4 {config}")
        say(f"  {command} ledger verify {config}")
        say(f"  {command} gateway show {config}")
        say("  and be a camera yourself:")
        say(f"  ip netns exec {PREFIX}-cam curl --cacert {DIRECTORY}/appliance-ca.pem https://media.cameras.example/")

    def stay(self):
        while True:
            self.tell()
            if not self.appliance.alive():
                raise RuntimeError(f"the appliance ended:\n{self.appliance.log()[-2000:]}")
            time.sleep(0.2)

    def close(self):
        if self.appliance is not None:
            try:
                self.appliance.stop()
            except TimeoutError as error:
                say(str(error))
        if self.net is not None:
            self.net.close()


def place_word(place, fact):
    """A fact of `geo lookup --json`; an unknown one is the word unknown."""
    value = place.get("place", place).get(fact)
    return "/".join(value) if isinstance(value, list) else str(value or "unknown")


def asn_text(place):
    place = place.get("place", place)
    return f"AS{place['asn']} {place.get('org', '')}" if place.get("asn") else "no network known"


def end_on_signal(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


def lock():
    os.makedirs("/run/lock", exist_ok=True)
    held = open("/run/lock/borderlens-lab", "w", encoding="ascii")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("error: the laboratory is up already: another ./run holds it")
    return held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geo", required=True)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    held = lock()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    laboratory = Laboratory(options.geo, Painter(sys.stdout))
    status = 1
    try:
        say("making three namespaces: cameras, the appliance, the internet ...")
        laboratory.prepare()
        say(f"{len(cameras.DEVICES)} cameras on 192.168.77.0/24 and fd77::/64, the appliance on {WAN4}, "
            f"{len(cameras.PLACES)} cloud addresses; no route leads outside")
        say("starting the appliance ...")
        laboratory.start()
        laboratory.tell_places()
        laboratory.play_all()
        good = laboratory.conclude()
        status = 0 if good else 1
        if not options.once:
            laboratory.hints()
            laboratory.stay()
    except KeyboardInterrupt:
        say("\nending ...")
    except (RuntimeError, TimeoutError, OSError) as error:
        say(f"error: {error}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        laboratory.close()
        held.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
