# SPDX-License-Identifier: MIT
"""Measures the relay of datagrams beside Debian's socat, nginx (stream) and rinetd, in one
run: what each relays per second of processor time, of its whole process tree,
and what 100,000 flows take of memory.  See tests/bench/udp."""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import time

import harness
from appliance import build_directory, wait_for
from bench import RESTS_MS, cpu_ns, end
from harness import GOOD, RULES, Lab, write

PORT = 5000
NGINX = """\
load_module modules/ngx_stream_module.so;
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
events {{ worker_connections 4096; }}
stream {{
  server {{ listen {gateway}:{port} udp reuseport; proxy_pass {origin}:{port}; proxy_timeout 30s; }}
}}
"""
LIMITS = {"limit": {"udp_flows": 200000, "udp_per_camera": 65000}, "workers": 1,
          "timeout": {"udp_idle": "10m", "udp_two_way": "10m"}}


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.lab = Lab()
        self.lab.prepare()
        self.net = self.lab.net
        self.tool = os.path.join(build_directory(), "datagrams")

    @contextlib.contextmanager
    def sink(self, *how):
        """The far side; [datagrams, bytes] once it is over."""
        told = []
        process = self.net.net.popen(self.tool, "sink", GOOD, str(PORT), *how, stdout=subprocess.PIPE, text=True)
        try:
            yield told
        finally:
            # The namespace's helper runs it in its own place: the signal is its.
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.net.net.run("true")
                poke = self.net.net.socket(kind=2)
                poke.sendto(b"", (GOOD, PORT))
                poke.close()
                told += [int(word) for word in process.communicate(timeout=10)[0].split()]

    def send(self, address, flows, size, *how):
        words = [self.tool, "send", address, str(PORT), str(flows), str(size), str(self.arguments.count),
                 str(self.arguments.burst), *(word for word in how if word == "gathered")]
        done = self.net.cam.run(*words, timeout=120)
        return [int(word) for word in done.split()]

    # ---- the relays ----

    @contextlib.contextmanager
    def borderlens(self):
        appliance = self.lab.started(RULES, LIMITS)
        try:
            yield GOOD, appliance.pid
        finally:
            self.lab.settle()

    @contextlib.contextmanager
    def peer(self, *command):
        started = self.net.gw.popen(*command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for(f"{command[0]}", 10, lambda: str(PORT) in self.net.gw.run("ss", "-ulnH"))
            yield "192.168.77.1", started.pid
        finally:
            end(started)

    def socat(self):
        return self.peer("socat", "-T", "30", f"UDP4-LISTEN:{PORT},fork,reuseaddr,rcvbuf=4000000",
                         f"UDP4:{GOOD}:{PORT}")

    def nginx(self):
        path = f"{self.lab.directory}/nginx.conf"
        write(path, NGINX.format(directory=self.lab.directory, gateway="192.168.77.1", port=PORT, origin=GOOD))
        return self.peer("nginx", "-c", path)

    def rinetd(self):
        path = f"{self.lab.directory}/rinetd.conf"
        write(path, f"192.168.77.1 {PORT}/udp {GOOD} {PORT}/udp\n")
        return self.peer("rinetd", "-f", "-c", path)

    # ---- figures ----

    def per_cpu_second(self, relay, flows, size, *how):
        """Datagrams that arrived (both ways where they are sent back) for each
        second of the relay's processor time, and the share that did."""
        with relay() as (address, pid), self.sink(*how) as told:
            self.warm(address)
            settle(pid)
            before = cpu_ns(pid)
            sent, back = self.send(address, flows, size, *how)
            settle(pid)  # a slow one has some in its queue yet
            spent = (cpu_ns(pid) - before) / 1e9
        arrived = told[0] + back
        return arrived / spent, told[0] / sent

    def warm(self, address):
        """The sink listens, and the relay knows its neighbours."""
        with self.net.cam.socket(kind=2) as camera:
            camera.settimeout(0.2)
            for _ in range(3):
                camera.sendto(b"\x80warm", (address, PORT))
                time.sleep(0.05)

    def compare(self):
        relays = {"borderlens": self.borderlens, "socat": self.socat, "nginx": self.nginx, "rinetd": self.rinetd}
        for what, how in (("up", ()), ("both ways", ("echo",)), ("both ways, gathered", ("echo", "gathered"))):
            for flows, size in ((1, 1200), (32, 1200), (32, 160)):
                rows = {name: [] for name in relays}
                for _ in range(self.arguments.rounds):
                    for name, relay in relays.items():
                        rows[name].append(self.per_cpu_second(relay, flows, size, *how))
                self.tell(f"{flows} flows of {size} bytes, {what}", rows)

    @staticmethod
    def tell(what, rows):
        medians = {name: statistics.median(rate for rate, _ in values) for name, values in rows.items()}
        own = medians["borderlens"]
        best = max(rate for name, rate in medians.items() if name != "borderlens")
        words = ", ".join(f"{name} {rate / 1000:.0f}k" + (
            f" (arrived {statistics.median(share for _, share in rows[name]):.0%})")
            for name, rate in medians.items())
        print(f"{what}: per CPU second {words}; {own / medians['socat']:.2f} x socat, {own / best:.2f} x the best peer",
              flush=True)

    def memory(self, endpoints=4800, destinations=21, cameras=100):
        """What some 100,000 flows add to the worker's memory, in MB.  Of many
        cameras: where descriptors are few, one of them may not have all."""
        flows = endpoints * destinations
        for number in range(cameras):
            self.net.cam.ip("addr", "add", f"192.168.77.{100 + number}/24", "dev", "eth0")
        with self.borderlens(), self.sink():
            worker = self.lab.appliances[-1].role_pids("worker")[0]
            self.net.net.nft("table inet quiet { chain out { type filter hook output priority 0\n"
                             "icmp type destination-unreachable drop\n}\n}\n")
            self.warm(GOOD)
            before = resident(worker)
            for _ in range(2):  # what found no room in a queue comes again
                self.net.cam.run("env", f"CAMERAS=192.168.77.100 {cameras}", self.tool, "open", GOOD, str(PORT), str(endpoints),
                                 str(destinations), timeout=120)
            wait_for("the flows", 30, lambda: self.open_flows() >= flows * 0.99)
            print(f"{self.open_flows()} flows: {(resident(worker) - before) / 1024:.1f} MB more, "
                  f"{resident(worker) / 1024:.1f} MB in all", flush=True)

    def open_flows(self):
        status = json.loads(self.lab.appliances[-1].command("status", "--json").stdout)
        return sum(role.get("open", 0) for role in status["roles"])


def settle(pid, still_s=0.3):
    """Wait until nothing of the relay's beginnings is under way any more."""
    last = 0
    while (now := cpu_ns(pid)) - last > RESTS_MS * 1e6:
        last = now
        time.sleep(still_s)


def resident(pid):
    """Kilobytes of its own, without what it shares with the recorder."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=100000, help="datagrams of each measurement")
    parser.add_argument("--burst", type=int, default=64, help="datagrams each millisecond")
    parser.add_argument("--memory", action="store_true", help="100,000 flows, and nothing else")
    arguments = parser.parse_args()
    harness.remove_leftovers()
    bench = Bench(arguments)
    try:
        bench.memory()
        if not arguments.memory:
            bench.compare()
    finally:
        bench.lab.settle()
        bench.lab.close()


if __name__ == "__main__":
    main()
