# SPDX-License-Identifier: MIT
"""Measures the appliance and two peers in turn; see tests/bench/run."""

import argparse
import contextlib
import os
import random
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

NAME = "media.cameras.example"
PORTS = range(8443, 8448)        # of the peers
PORT_PAST = 4443                 # of an origin that the appliance is not asked for
CAMERAS = range(10, 42)          # the last parts of their addresses
ORIGIN = AMAZON_DE               # gives no tickets: every connection is a whole handshake
ORIGIN_TICKETS = "3.120.0.11"    # its sessions can be resumed
ORIGIN_NAMES = "3.120.0.12"      # a certificate of its own for each name
BULK = 1 << 26
IDLE_S = 2  # after its last byte a connection is taken for idle
REST_S = 0.1  # behind a window: what is recorded is recorded
RESTS_MS = 10  # of a peer's CPU within half a second: it has come to rest
WINDOWS = {"conn": 8, "resumed": 8}  # of a row and peer in a round, in turn; of others:
BULK_WINDOWS = 3
LOG_SHOWN = 4000  # characters of the peers' words, where one does not serve
REDIRECT = """\
table ip bench {
 chain pre {
  type filter hook prerouting priority mangle
  iifname "cams0" tcp dport 443 tproxy to 127.0.0.1:%d meta mark set 1 accept
 }
}
"""
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
        os.makedirs(self.directory, mode=0o755)
        self.net = Net(f"{prefix}{os.getpid()}", cameras=CAMERAS, clouds=(ORIGIN, ORIGIN_TICKETS, ORIGIN_NAMES),
                       hosts=HOSTS)
        self.net.gw.ip("rule", "add", "fwmark", "1", "lookup", "100")
        self.net.gw.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
        self.pki = Pki(f"{self.directory}/pki")
        self.ca = self.pki.authority("bench interception")
        os.chmod(self.ca.key, 0o600)
        self.geo = geo
        self.log = open(f"{self.directory}/log", "ab")
        identity = self.pki.server(NAME)
        self.origins = [self.origin(ORIGIN, identity, ""), self.origin(ORIGIN_TICKETS, identity, "tickets"),
                        self.origin(ORIGIN_NAMES, self.pki.root, "mint"), self.origin(ORIGIN, identity, "", PORT_PAST)]
        self.peers = self.all_peers()
        self.redirected = None

    def origin(self, address, identity, how, port=443):
        return self.net.net.popen(f"{ROOT}/build/traffic", "origin", address, str(port), identity.chain, identity.key, how,
                                  stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def all_peers(self):
        """All at once, each at a port of its own: cameras are redirected to one."""
        fixed = self.pki.server(NAME, issuer=self.ca)
        write(f"{self.directory}/fixed.pem", read(fixed.chain) + read(fixed.key))
        ports = iter(PORTS)
        return {peer.name: peer for peer in (
            self.sslsplit(next(ports), fixed),
            self.haproxy("haproxy", next(ports), HAPROXY_OPENS),
            self.haproxy("haproxy-passes", next(ports), HAPROXY_PASSES, trust=self.pki.root, to=ORIGIN_TICKETS),
            self.borderlens("borderlens", next(ports), "{per_camera: 10000, handshakes: 100000}"),
            self.borderlens("shipped", next(ports), "{}"))}

    def sslsplit(self, port, fixed):
        return Peer("sslsplit", port, ["sslsplit", "-e", "tproxy", "-K", fixed.key, "-k", self.ca.key, "-c", self.ca.chain,
                                       "ssl", "127.0.0.1", str(port)])

    def haproxy(self, name, port, text, **options):
        write(f"{self.directory}/{name}.cfg", text.format(port=port, fixed=f"{self.directory}/fixed.pem",
                                                          roots=self.pki.root.chain))
        return Peer(name, port, ["haproxy", "-db", "-f", f"{self.directory}/{name}.cfg"], **options)

    def borderlens(self, name, port, limit):
        directory = f"{self.directory}/{name}"
        os.makedirs(f"{directory}/eve", mode=0o755)
        write(f"{directory}/rules.yaml", RULES)
        write(f"{directory}/borderlens.yaml",
              BORDERLENS.format(directory=directory, port=port, ca=self.ca, roots=self.pki.root.chain, geo=self.geo,
                                root=ROOT, limit=limit))
        return Peer(name, port, [binary(), "run", "-c", f"{directory}/borderlens.yaml"])

    def redirect(self, peer):
        """Its cameras from now on; None: they go past all."""
        if self.redirected is not None:
            self.net.gw.run("nft", "delete", "table", "ip", "bench")
        if peer is not None:
            self.net.gw.nft(REDIRECT % peer.port)
        self.redirected = peer

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
            return self.load(1, 1, 16, 2, timeout_s=20, **options)[0] == 1
        except (RuntimeError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False

    def await_service(self, peer):
        try:
            wait_for(f"{peer.name} to serve", 30, lambda: peer.has_ended() or self.serves(**peer.options))
            if peer.has_ended():
                raise RuntimeError(f"{peer.name} has ended")
        except (RuntimeError, TimeoutError):
            sys.stderr.write(read(f"{self.directory}/log")[-LOG_SHOWN:])
            raise

    @contextlib.contextmanager
    def running(self, *names):
        """These peers, all of which serve."""
        try:
            for name in names:
                peer = self.peers[name]
                peer.start(self.net.gw, self.log)
                self.redirect(peer)
                self.await_service(peer)
            yield
        finally:
            for name in names:
                self.peers[name].end()

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

    def cpu_of_connections(self, peer, count, **options):
        """Microseconds that they took, and how many they were."""
        before = peer.cpu_ns()
        done, _ = self.load(count, 16, 16, 2, **options)
        time.sleep(REST_S)
        return (peer.cpu_ns() - before) / 1e3, done

    def cpu_of_bytes(self, peer, up, down, **options):
        """Nanoseconds, and bytes."""
        before = peer.cpu_ns()
        done, _ = self.load(4, 4, up, down, **options)
        time.sleep(REST_S)
        return peer.cpu_ns() - before, done * BULK

    def delay(self, count=150, **options):
        return self.told("delay", count, **options)[0]

    def direct_delay(self):
        """Without anybody between."""
        self.redirect(None)
        with self.forwarding():
            return self.delay(trust=self.pki.root)

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

    def idle_memory(self, peer, count=1000):
        before = peer.memory_kb()
        with self.held(count) as opened:
            time.sleep(IDLE_S)
            return (peer.memory_kb() - before) / opened

    def growth(self, peer, count):
        before = peer.memory_kb()
        self.load(count, 16, 16, 2)
        return (peer.memory_kb() - before) * 1000 / count

    def cpu_when_open(self, peer, opened, count):
        """Of a new connection, while so many others are open."""
        with self.held(opened):
            spent, done = self.cpu_of_connections(peer, count)
            return spent / done

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


def cpu_ns(pid):
    """Of a tree, user and system together, of what lives (proc(5), schedstat): no peer
    here ends a thread or a child while it is measured."""
    total = 0
    for one in tree(pid):
        for thread in os.listdir(f"/proc/{one}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int(read(f"/proc/{one}/task/{thread}/schedstat").split()[0])
    return total


class Peer:
    """One of those that are measured, as the processes that it is made of."""

    def __init__(self, name, port, command, **options):
        self.name, self.port, self.command, self.options = name, port, command, options
        self.process = None

    def start(self, space, log):
        self.process = space.popen(*self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def has_ended(self):
        return self.process.poll() is not None

    def end(self):
        if self.process is not None:
            end(self.process)
            self.process = None

    def cpu_ns(self):
        return cpu_ns(self.process.pid)

    def memory_kb(self):
        """Proportional set size: what is shared counts once."""
        total = 0
        for pid in tree(self.process.pid):
            lines = read(f"/proc/{pid}/smaps_rollup").splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total

    def settle(self):
        """Until what it does once, at its start, is done: the signer makes an RSA key."""
        for _ in range(40):
            before = self.cpu_ns()
            time.sleep(0.5)
            if self.cpu_ns() - before <= RESTS_MS * 1e6:
                return
        raise TimeoutError(f"{self.name} does not come to rest")


def give_way(pid):
    """Where sessions share the processors before their processes do
    (sched_autogroup), being nice counts within a session only."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("19")
    except FileNotFoundError:
        pass


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
    """One round: all peers at once, each with what it can do."""

    OPENERS = ("sslsplit", "haproxy", "borderlens")
    PASSERS = ("haproxy-passes", "borderlens")
    BESIDE = (*OPENERS, "haproxy-passes")  # all that serve at once

    def __init__(self, bench, options):
        self.bench, self.options = bench, options
        self.figures = {name: {} for name in bench.peers}

    def measure(self, number):
        bench = self.bench
        direct = bench.direct_delay()
        with bench.running(*self.BESIDE):
            for name in self.BESIDE:
                self.warm(bench.peers[name])
            self.in_turn(self.OPENERS, self.opening())
            for name in self.OPENERS:
                self.alone(bench.peers[name], direct, number)
            self.let_pass(bench.peers["borderlens"])
            self.in_turn(self.PASSERS, self.passing())
            self.beside_open(bench.peers["borderlens"])
        with bench.running("shipped"):
            self.figures["borderlens"].update(bench.flooded())
        return self.figures

    def warm(self, peer):
        self.bench.redirect(peer)
        self.bench.load(100, 16, 16, 2, **peer.options)
        peer.settle()

    def in_turn(self, names, rows):
        """A window of the one and a window of the other: what else this machine does
        meets all of them alike."""
        spent = {(name, row): [0, 0] for name in names for row in rows}
        for window in range(max(WINDOWS.values())):
            for row, measure in rows.items():
                if window >= WINDOWS.get(row, BULK_WINDOWS):
                    continue
                for name in random.sample(names, len(names)):
                    self.bench.redirect(self.bench.peers[name])
                    cost, done = measure(self.bench.peers[name])
                    spent[name, row][0] += cost
                    spent[name, row][1] += done
        for (name, row), (cost, done) in spent.items():
            self.figures[name][row] = cost / done

    def opening(self):
        bench, count = self.bench, max(1, self.options.connections // WINDOWS["conn"])
        return {"conn": lambda peer: bench.cpu_of_connections(peer, count),
                "resumed": lambda peer: bench.cpu_of_connections(peer, count, to=ORIGIN_TICKETS),
                "up": lambda peer: bench.cpu_of_bytes(peer, BULK, 16),
                "down": lambda peer: bench.cpu_of_bytes(peer, 16, BULK),
                "up12": lambda peer: bench.cpu_of_bytes(peer, BULK, 16, tls="1.2"),
                "down12": lambda peer: bench.cpu_of_bytes(peer, 16, BULK, tls="1.2")}

    def passing(self):
        bench, options = self.bench, {"trust": self.bench.pki.root, "to": ORIGIN_TICKETS}
        return {"pass_up": lambda peer: bench.cpu_of_bytes(peer, BULK, 16, **options),
                "pass_down": lambda peer: bench.cpu_of_bytes(peer, 16, BULK, **options)}

    def alone(self, peer, direct, number):
        bench, figures = self.bench, self.figures[peer.name]
        bench.redirect(peer)
        figures.update(delay=bench.delay() - direct, idle=bench.idle_memory(peer))
        if self.options.growth:
            figures["growth"] = bench.growth(peer, self.options.growth)
        if peer.name != "haproxy":  # it shows one fixed certificate
            figures["mint"] = bench.mint_delay(number)

    def let_pass(self, peer):
        """Cameras that refuse its leaf at a place pass through there, and are opened
        at the others."""
        bench = self.bench
        bench.redirect(peer)
        wait_for("every camera to pass", 30,
                 lambda: bench.told("load", 2 * len(CAMERAS), 1, 16, 2, to=ORIGIN_TICKETS, trust=bench.pki.root)[1] == 0)

    def beside_open(self, peer):
        self.bench.redirect(peer)
        for opened in self.options.open:
            self.figures[peer.name][f"open{opened}"] = self.bench.cpu_when_open(peer, opened,
                                                                               self.options.connections // 2)


def base_of(results, key):
    """The rounds that a ratio is to: HAProxy's, in whichever way it can."""
    return results["haproxy-passes" if key.startswith("pass_") else "haproxy"]


def cell(results, peer, key):
    rounds = results[peer]
    if key not in rounds[0]:
        return "-"
    value = statistics.median(figures[key] for figures in rounds)
    base = base_of(results, key)
    if key in ("beside", "beside99", "past99", "own99", "refused99"):
        return f"{value:.2f}x"
    if key in ("delay", "mint", "growth") or key not in base[0]:
        return f"{value:.0f}"
    ratio = statistics.median(figures[key] / other[key] for figures, other in zip(rounds, base))
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
    whole = statistics.median(figures["resumed"] / other["conn"]
                              for figures, other in zip(results["borderlens"], results["haproxy"]))
    print("\nIn brackets: the ratio to haproxy in the same round and traffic, median.  Where the server is resumable haproxy"
          f" resumes nothing; to its connections to the other server ours are {whole:.2f}x.")


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
        results = {name: [] for name in bench.peers}
        for number in range(options.rounds):
            for name, figures in Round(bench, options).measure(number).items():
                results[name].append(figures)
                print(f"round {number + 1} {name:<14} " + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()),
                      file=sys.stderr, flush=True)
        show(results, options)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
