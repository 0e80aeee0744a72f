# SPDX-License-Identifier: MIT
"""Measures the appliance and two peers in turn; see tests/bench/run."""

import argparse
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

from appliance import ROOT, binary, children, wait_for
from cameras import AMAZON_DE, HOSTS, REFUSED
from harness import RULES, write
from net import Net, die_with_parent
from pki import Pki

TICKS = os.sysconf("SC_CLK_TCK")
NAME = "media.cameras.example"
PORT = 8443
PORT_PAST = 4443                 # of an origin that the appliance is not asked for
CAMERAS = range(10, 42)          # the last parts of their addresses
ORIGIN = AMAZON_DE               # gives no tickets: every connection is a whole handshake
ORIGIN_TICKETS = "3.120.0.11"    # its sessions can be resumed
ORIGIN_NAMES = "3.120.0.12"      # a certificate of its own for each name
BULK = 1 << 26
IDLE_S = 2  # after its last byte a connection is taken for idle
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
  maxconn 4000
defaults
  mode tcp
  timeout connect 10s
  timeout client 10m
  timeout server 10m
  option splice-auto
listen bench
"""
HAPROXY_OPENS = HAPROXY + """\
  bind 0.0.0.0:{port} transparent ssl crt {fixed}
  server origin 0.0.0.0:443 ssl verify required ca-file {roots} sni ssl_fc_sni no-ssl-reuse
"""
HAPROXY_PASSES = HAPROXY + """\
  bind 0.0.0.0:{port} transparent
  server origin 0.0.0.0:443
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
limit: {limit}
record: {{eve: {directory}/eve/eve.json}}
"""
# What is measured, in the order of the table: key, heading.
ROWS = [
    ("conn", "CPU us per new opened connection"),
    ("resumed", "the same, the server resumable"),
    ("up", "CPU ns per byte, opened, up"),
    ("down", "CPU ns per byte, opened, down"),
    ("up12", "the same, cameras of TLS 1.2, up"),
    ("down12", "the same, cameras of TLS 1.2, down"),
    ("pass_up", "CPU ns per byte, passed through, up"),
    ("pass_down", "CPU ns per byte, passed through, down"),
    ("delay", "first byte over direct, us, p50"),
    ("mint", "a name seen for the first time, us more, p50"),
    ("beside", "first byte of others beside a camera that begins without end, over that without it, p50"),
    ("beside99", "the same, p99"),
    ("past99", "the same with as many that go past the appliance, p99"),
    ("own99", "through it over past it, p99"),
    ("refused99", "first byte of others beside a camera that is refused without end, over that without it, p99"),
    ("idle", "KB per idle opened connection"),
    ("growth", "KB more per 1,000 connections"),
]


class Bench:
    def __init__(self, geo, prefix="blt"):
        self.directory = f"/tmp/{prefix}{os.getpid()}"
        os.makedirs(f"{self.directory}/eve", mode=0o755)
        self.net = Net(f"{prefix}{os.getpid()}", cameras=CAMERAS, clouds=(ORIGIN, ORIGIN_TICKETS, ORIGIN_NAMES),
                       hosts=HOSTS)
        self.net.gw.ip("rule", "add", "fwmark", "1", "lookup", "100")
        self.net.gw.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
        self.net.gw.nft(REDIRECT)
        self.pki = Pki(f"{self.directory}/pki")
        self.ca = self.pki.authority("bench interception")
        os.chmod(self.ca.key, 0o600)
        self.geo = geo
        self.log = open(f"{self.directory}/log", "ab")
        identity = self.pki.server(NAME)
        self.origins = [self.origin(ORIGIN, identity, ""), self.origin(ORIGIN_TICKETS, identity, "tickets"),
                        self.origin(ORIGIN_NAMES, self.pki.root, "mint"), self.origin(ORIGIN, identity, "", PORT_PAST)]

    def origin(self, address, identity, how, port=443):
        return self.net.net.popen(f"{ROOT}/build/traffic", "origin", address, str(port), identity.chain, identity.key, how,
                                  stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def commands(self):
        fixed = self.pki.server(NAME, issuer=self.ca)
        write(f"{self.directory}/fixed.pem", read(fixed.chain) + read(fixed.key))
        for name, text in (("opens", HAPROXY_OPENS), ("passes", HAPROXY_PASSES)):
            write(f"{self.directory}/{name}.cfg", text.format(port=PORT, fixed=f"{self.directory}/fixed.pem",
                                                             roots=self.pki.root.chain))
        write(f"{self.directory}/rules.yaml", RULES)
        for name, limit in (("borderlens", "{per_camera: 10000, handshakes: 100000}"), ("shipped", "{}")):
            write(f"{self.directory}/{name}.yaml",
                  BORDERLENS.format(directory=self.directory, port=PORT, ca=self.ca, roots=self.pki.root.chain,
                                    geo=self.geo, root=ROOT, limit=limit))
        return {
            "borderlens": [binary(), "run", "-c", f"{self.directory}/borderlens.yaml"],
            "haproxy": ["haproxy", "-db", "-f", f"{self.directory}/opens.cfg"],
            "haproxy-passes": ["haproxy", "-db", "-f", f"{self.directory}/passes.cfg"],
            "sslsplit": ["sslsplit", "-e", "tproxy", "-K", fixed.key, "-k", self.ca.key, "-c", self.ca.chain,
                         "ssl", "127.0.0.1", str(PORT)],
        }

    # ---- traffic ----

    def traffic(self, what, *arguments, to=ORIGIN, trust=None, name=NAME, cameras=CAMERAS, port=443, tls=None):
        return ["env", f"CAMERAS=192.168.77.{cameras[0]} {len(cameras)}", *([f"TLS={tls}"] if tls else []),
                *self.net.cam.command(f"{ROOT}/build/traffic", what, to, str(port), (trust or self.ca).chain, name,
                                      *map(str, arguments))]

    def told(self, *arguments, timeout_s=240, **options):
        """The numbers that it prints."""
        done = subprocess.run(self.traffic(*arguments, **options), capture_output=True, text=True, timeout=timeout_s,
                              check=True)
        return [float(word) for word in done.stdout.split()]

    def load(self, count, threads, up, down, what="load", **options):
        succeeded, failed, seconds = self.told(what, count, threads, up, down, **options)
        if failed > count // 100:
            raise RuntimeError(f"{failed:.0f} of {count} connections failed")
        return int(succeeded), seconds

    def serves(self, **options):
        try:
            return self.load(1, 1, 16, 2, **options)[0] == 1
        except (RuntimeError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    @contextlib.contextmanager
    def running(self, command, **options):
        """A peer that serves; its pid."""
        started = self.net.gw.popen(*command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                    start_new_session=True)
        try:
            wait_for(f"{command[0]} to serve", 30, lambda: self.serves(**options))
            yield started.pid
        finally:
            end(started)

    @contextlib.contextmanager
    def held(self, count, **options):
        """So many idle connections."""
        process = subprocess.Popen(self.traffic("hold", count, 16, **options), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True, preexec_fn=die_with_parent)
        try:
            opened, failed, _ = (float(word) for word in process.stdout.readline().split())
            if failed > 0:
                raise RuntimeError(f"{failed:.0f} of {count} connections could not be held")
            yield opened
        finally:
            process.communicate("", timeout=120)

    @contextlib.contextmanager
    def flood(self, per_s=0, **options):
        """One camera that begins as fast as it can, or so many a second.  It gives
        way to all else on this machine, so that what it takes of others it takes
        of the peer.  Gives who tells how many succeeded, failed, and the seconds."""
        process = subprocess.Popen(["nice", "-n", "19", *self.traffic("flood", 16, per_s, cameras=CAMERAS[:1], **options)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
                                   preexec_fn=die_with_parent)

        def told():
            process.stdin.write("\n")
            process.stdin.flush()
            return [float(word) for word in process.stdout.readline().split()]

        give_way(process.pid)
        try:
            time.sleep(1)  # what it may begin at once is over
            yield told
        finally:
            process.communicate("", timeout=30)

    @contextlib.contextmanager
    def forwarding(self):
        """What is not redirected goes past the appliance."""
        self.net.gw.sysctl(net__ipv4__ip_forward=1)
        try:
            yield
        finally:
            self.net.gw.sysctl(net__ipv4__ip_forward=0)

    # ---- figures ----

    def cpu_of_connections(self, pid, count, **options):
        before = cpu(pid)
        done, _ = self.load(count, 16, 16, 2, **options)
        return (cpu(pid) - before) * 1e6 / done

    def cpu_of_bytes(self, pid, up, down, **options):
        before = cpu(pid)
        done, _ = self.load(8, 4, up, down, **options)
        return (cpu(pid) - before) * 1e9 / (done * BULK)

    def delay(self, count=150, **options):
        return self.told("delay", count, **options)[0]

    def direct_delay(self):
        """Without anybody between."""
        self.net.gw.run("nft", "delete", "table", "ip", "bench")
        try:
            with self.forwarding():
                return self.delay(trust=self.pki.root)
        finally:
            self.net.gw.nft(REDIRECT)

    def mint_delay(self, round_):
        """Names that were never seen, and the same ones again."""
        first, again = (self.delay(100, to=ORIGIN_NAMES, name=f"n%d-{round_}.cameras.example") for _ in range(2))
        return first - again

    def delay_of_others(self):
        return self.told("delay", 400, cameras=CAMERAS[1:])

    def delay_beside(self, per_s=0, **options):
        """Of the other cameras, beside a flood; and what that came to in a second."""
        with self.flood(per_s, **options) as told:
            before = told()
            delay = self.delay_of_others()
            done = [after - first for first, after in zip(before, told())]
        time.sleep(2)  # their shares grow again
        return delay, (done[0] + done[1]) / done[2]

    def flooded(self, pairs=3):
        """First bytes of cameras that are within their shares beside one that is
        not, over the same without it.  The cameras, the servers and the peer have
        the same processors: what that one and its server take by themselves is seen
        where as many of its connections go past the appliance."""
        ratios = {key: [] for key in ("beside", "beside99", "past99", "own99", "refused99")}
        for _ in range(pairs):
            alone = self.delay_of_others()
            beside, per_s = self.delay_beside()
            with self.forwarding():
                past, _ = self.delay_beside(max(1, round(per_s)), port=PORT_PAST, trust=self.pki.root)
            refused, refused_s = self.delay_beside(to=REFUSED[0])
            print(f"  begun a second: {per_s:.0f}, refused a second: {refused_s:.0f}", file=sys.stderr, flush=True)
            for key, value in (("beside", beside[0] / alone[0]), ("beside99", beside[1] / alone[1]),
                               ("past99", past[1] / alone[1]), ("own99", beside[1] / past[1]),
                               ("refused99", refused[1] / alone[1])):
                ratios[key].append(value)
        return {key: statistics.median(values) for key, values in ratios.items()}

    def idle_memory(self, pid, count=1000):
        before = memory_kb(pid)
        with self.held(count) as opened:
            time.sleep(IDLE_S)
            return (memory_kb(pid) - before) / opened

    def growth(self, pid, count):
        before = memory_kb(pid)
        self.load(count, 16, 16, 2)
        return (memory_kb(pid) - before) * 1000 / count

    def cpu_when_open(self, pid, opened, count):
        """Of a new connection, while so many others are open."""
        with self.held(opened):
            return self.cpu_of_connections(pid, count)

    def close(self):
        for origin in self.origins:
            origin.kill()
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


def give_way(pid):
    """Where sessions share the processors before their processes do
    (sched_autogroup), being nice counts within a session only."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("19")
    except FileNotFoundError:
        pass


def settle(pid):
    """Until what it does once, at its start, is done: the signer makes an RSA key."""
    for _ in range(40):
        before = cpu(pid)
        time.sleep(0.5)
        if cpu(pid) - before <= 2 / TICKS:
            return
    raise TimeoutError("a peer does not come to rest")


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


class Round:
    """One round: every peer in turn, each with what it can do."""

    def __init__(self, bench, number, options):
        self.bench, self.number, self.options = bench, number, options
        self.direct = bench.direct_delay()

    def measure(self, peer, command):
        if peer == "haproxy-passes":
            with self.bench.running(command, trust=self.bench.pki.root) as pid:
                return self.passing(pid)
        with self.bench.running(command) as pid:
            figures = self.opening(pid)
            if peer != "haproxy":  # it shows one fixed certificate
                figures["mint"] = self.bench.mint_delay(self.number)
            if peer == "borderlens":
                figures.update(self.own(pid))
        if peer == "borderlens":
            with self.bench.running([*command[:-1], f"{self.bench.directory}/shipped.yaml"]):
                figures.update(self.bench.flooded())
        return figures

    def opening(self, pid):
        bench, count = self.bench, self.options.connections
        bench.load(100, 16, 16, 2)
        settle(pid)
        figures = {"conn": bench.cpu_of_connections(pid, count),
                   "resumed": bench.cpu_of_connections(pid, count, to=ORIGIN_TICKETS),
                   "up": bench.cpu_of_bytes(pid, BULK, 16), "down": bench.cpu_of_bytes(pid, 16, BULK),
                   "up12": bench.cpu_of_bytes(pid, BULK, 16, tls="1.2"),
                   "down12": bench.cpu_of_bytes(pid, 16, BULK, tls="1.2"),
                   "delay": bench.delay() - self.direct, "idle": bench.idle_memory(pid)}
        if self.options.growth:
            figures["growth"] = bench.growth(pid, self.options.growth)
        return figures

    def passing(self, pid):
        options = {"trust": self.bench.pki.root, "to": ORIGIN_TICKETS}
        return {"pass_up": self.bench.cpu_of_bytes(pid, BULK, 16, **options),
                "pass_down": self.bench.cpu_of_bytes(pid, 16, BULK, **options)}

    def own(self, pid):
        """Of the appliance alone: cameras that refuse its leaf at a place pass
        through there, and are opened at the others."""
        bench = self.bench
        wait_for("every camera to pass", 30,
                 lambda: bench.told("load", 2 * len(CAMERAS), 1, 16, 2, to=ORIGIN_TICKETS, trust=bench.pki.root)[1] == 0)
        figures = self.passing(pid)
        for opened in self.options.open:
            figures[f"open{opened}"] = bench.cpu_when_open(pid, opened, self.options.connections // 2)
        return figures


def base_of(results, key):
    """The rounds that a ratio is to: HAProxy's, in whichever way it can."""
    return results["haproxy-passes" if key.startswith("pass_") else "haproxy"]


def cell(results, peer, key):
    rounds = results[peer]
    if key not in rounds[0]:
        return "-"
    value = statistics.median(figures[key] for figures in rounds)
    base = base_of(results, "conn" if key == "resumed" else key)
    wanted = "conn" if key == "resumed" else key
    if key in ("beside", "beside99", "past99", "own99", "refused99"):
        return f"{value:.2f}x"
    if key in ("delay", "mint", "growth") or wanted not in base[0]:
        return f"{value:.0f}"
    ratio = statistics.median(figures[key] / other[wanted] for figures, other in zip(rounds, base))
    return f"{value:.{0 if value >= 100 else 2}f} ({ratio:.2f}x)"


def show(results, options):
    """Medians of the rounds; a ratio is the median of each round's own."""
    peers = ("sslsplit", "haproxy", "borderlens")
    print("\n| what | " + " | ".join(peers) + " |")
    print("| --- |" + " --- |" * len(peers))
    for key, heading in ROWS:
        if key == "growth" and not options.growth:
            continue
        cells = [cell(results, "haproxy-passes" if peer == "haproxy" and key.startswith("pass_") else peer, key)
                 for peer in peers]
        print(f"| {heading} | " + " | ".join(cells) + " |")
    for opened in options.open:
        own = statistics.median(figures[f"open{opened}"] for figures in results["borderlens"])
        print(f"| CPU us per new connection, {opened} open | - | - | {own:.0f} |")
    print("\nIn brackets: the ratio to haproxy in the same round, median; of the resumable server to haproxy's whole handshake.")


def numbers(text):
    return [int(word) for word in text.split(",") if word]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--geo", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--growth", type=int, default=0, help="connections to look for growth over")
    parser.add_argument("--open", type=numbers, default=[10, 1000], help="open connections to measure a new one beside")
    options = parser.parse_args()
    bench = Bench(options.geo)
    try:
        commands = bench.commands()
        results = {peer: [] for peer in commands}
        for number in range(options.rounds):
            round_ = Round(bench, number, options)
            for peer in list(commands) if number % 2 == 0 else list(commands)[::-1]:
                figures = round_.measure(peer, commands[peer])
                results[peer].append(figures)
                print(f"round {number + 1} {peer:<14} " + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()),
                      file=sys.stderr, flush=True)
        show(results, options)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
