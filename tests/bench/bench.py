# SPDX-License-Identifier: MIT
"""Measures the appliance and two peers in turn; see tests/bench/run."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys

from appliance import ROOT, binary, children, wait_for
from cameras import AMAZON_DE, HOSTS
from harness import RULES, write
from net import Net, die_with_parent
from pki import Pki

TICKS = os.sysconf("SC_CLK_TCK")
NAME = "media.cameras.example"
PORT = 8443
REDIRECT = """\
table ip bench {
 chain pre {
  type filter hook prerouting priority mangle
  iifname "cams0" tcp dport 443 tproxy to 127.0.0.1:%d meta mark set 1 accept
 }
}
""" % PORT
HAPROXY = """\
global
  nbthread 2
  maxconn 9000
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
listen bench
  bind 0.0.0.0:{port} transparent ssl crt {fixed}
  server origin 0.0.0.0:443 ssl verify required ca-file {roots} sni ssl_fc_sni no-ssl-reuse
"""
BORDERLENS = """\
site: bench
state_dir: {directory}/state
run_dir: {directory}/run
gateway: {{cameras: [cams0], mode: tproxy, manage: false, listen: {port}}}
tls: {{ca: {{cert: {ca.chain}, key: {ca.key}}}, upstream: {{ca: {roots}}}}}
geo:
  country: [{geo}/dbip-country.mmdb, {geo}/geo-whois-asn-country.mmdb]
  asn: {geo}/asn.mmdb
  operators: {root}/geo/operators.csv
  vendors: {root}/geo/vendors.csv
rules: [rules.yaml]
limit: {{per_camera: 10000}}
record: {{eve: {directory}/eve/eve.json}}
"""


class Bench:
    def __init__(self, geo):
        self.directory = f"/tmp/blt{os.getpid()}"
        os.makedirs(f"{self.directory}/eve", mode=0o755)
        self.net = Net(f"blt{os.getpid()}", cameras=(10,), clouds=(AMAZON_DE,), hosts=HOSTS)
        self.net.gw.ip("rule", "add", "fwmark", "1", "lookup", "100")
        self.net.gw.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
        self.net.gw.nft(REDIRECT)
        self.pki = Pki(f"{self.directory}/pki")
        self.ca = self.pki.authority("bench interception")
        os.chmod(self.ca.key, 0o600)
        self.origin_identity = self.pki.server(NAME)
        self.geo = geo
        self.log = open(f"{self.directory}/log", "ab")
        self.origin = self.net.net.popen(f"{ROOT}/build/traffic", "origin", AMAZON_DE, "443",
                                         self.origin_identity.chain, self.origin_identity.key,
                                         stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def commands(self):
        fixed = self.pki.server(NAME, issuer=self.ca)
        write(f"{self.directory}/fixed.pem", read(fixed.chain) + read(fixed.key))
        write(f"{self.directory}/haproxy.cfg", HAPROXY.format(port=PORT, fixed=f"{self.directory}/fixed.pem",
                                                            roots=self.pki.root.chain))
        write(f"{self.directory}/rules.yaml", RULES)
        write(f"{self.directory}/borderlens.yaml",
              BORDERLENS.format(directory=self.directory, port=PORT, ca=self.ca, roots=self.pki.root.chain,
                                geo=self.geo, root=ROOT))
        return {
            "borderlens": [binary(), "run", "-c", f"{self.directory}/borderlens.yaml"],
            "haproxy": ["haproxy", "-db", "-f", f"{self.directory}/haproxy.cfg"],
            "sslsplit": ["sslsplit", "-e", "tproxy", "-K", fixed.key, "-k", self.ca.key, "-c", self.ca.chain,
                         "ssl", "127.0.0.1", str(PORT)],
        }

    def traffic(self, what, *arguments):
        return self.net.cam.command(f"{ROOT}/build/traffic", what, AMAZON_DE, "443", self.ca.chain, NAME,
                                    *map(str, arguments))

    def load(self, count, threads, up, down):
        done = subprocess.run(self.traffic("load", count, threads, up, down), capture_output=True, text=True,
                              timeout=180, check=True)
        succeeded, failed, seconds = done.stdout.split()
        if int(failed) > count // 100:
            raise RuntimeError(f"{failed} of {count} connections failed: {done.stderr[-500:]}")
        return int(succeeded), float(seconds)

    def measure(self, command, connections):
        """One peer's figures of one round."""
        started = self.net.gw.popen(*command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                    start_new_session=True)
        try:
            wait_for(f"{command[0]} to serve", 30, self.serves)
            figures = {}
            before = cpu(started.pid)
            count, seconds = self.load(connections, 16, 16, 2)
            figures["us/connection"] = (cpu(started.pid) - before) * 1e6 / count
            figures["connections/s"] = count / seconds
            for key, up, down in (("ns/byte up", 1 << 26, 16), ("ns/byte down", 16, 1 << 26)):
                before = cpu(started.pid)
                count, _ = self.load(8, 4, up, down)
                figures[key] = (cpu(started.pid) - before) * 1e9 / (count * (1 << 26))
            figures["KB/idle connection"] = self.idle_memory(started.pid)
            return figures
        finally:
            end(started)

    def serves(self):
        done = subprocess.run(self.traffic("load", 1, 1, 16, 2), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0 and done.stdout.startswith("1 ")

    def idle_memory(self, pid, count=1000):
        before = memory_kb(pid)
        held = subprocess.Popen(self.traffic("hold", count), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                preexec_fn=die_with_parent)
        opened = int(held.stdout.readline().split()[0])
        after = memory_kb(pid)
        held.communicate("", timeout=60)
        return (after - before) / opened

    def close(self):
        self.origin.kill()
        self.net.close()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def tree(pid):
    found = [pid]
    for child in children(pid):
        found += tree(child)
    return found


def cpu(pid):
    """Seconds of user and system time of a tree, its reaped children too."""
    total = 0
    for one in tree(pid):
        try:
            with open(f"/proc/{one}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_kb(pid):
    """Proportional set size of a tree: what is shared counts once."""
    total = 0
    for one in tree(pid):
        with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def end(process):
    pids = tree(process.pid)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        try:
            process.wait(15)
            break
        except subprocess.TimeoutExpired:
            continue


def show(results):
    """Medians of the rounds; the ratio is the median of each round's own."""
    keys = list(results["borderlens"][0])
    print(f"\n{'':<12}" + "".join(f"{key:>24}" for key in keys))
    for peer, rounds in results.items():
        cells = []
        for key in keys:
            value = statistics.median(figures[key] for figures in rounds)
            ratio = statistics.median(figures[key] / base[key] for figures, base in zip(rounds, results["haproxy"]))
            cells.append(f"{value:>14.2f} ({ratio:5.2f}x)")
        print(f"{peer:<12}" + "".join(f"{cell:>24}" for cell in cells))
    print("in brackets: the ratio to haproxy in the same round, median")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geo", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=2000)
    options = parser.parse_args()
    bench = Bench(options.geo)
    try:
        commands = bench.commands()
        results = {peer: [] for peer in commands}
        for round_ in range(options.rounds):
            order = list(commands) if round_ % 2 == 0 else list(commands)[::-1]
            for peer in order:
                figures = bench.measure(commands[peer], options.connections)
                results[peer].append(figures)
                print(f"round {round_ + 1} {peer:<11} " + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()),
                      flush=True)
        show(results)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
