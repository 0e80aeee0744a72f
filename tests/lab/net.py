# SPDX-License-Identifier: MIT
"""Three network namespaces in a row: cameras -- appliance -- the internet.

    PREFIX-cam             PREFIX-gw                        PREFIX-net
    eth0 192.168.77.N  --  cams0 192.168.77.1
         fd77::N                 fd77::1
                           wan0  198.18.7.1, fd78::1   --   eth0 198.18.7.2, fd78::2
                                                            lo   the clouds' addresses

No route leaves them.  The far side counts, by itself, what arrives there: it
is the witness of what the appliance let out.
"""

import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

CAMERA_NET4, CAMERA_NET6 = "192.168.77.0/24", "fd77::/64"
GATEWAY4, GATEWAY6 = "192.168.77.1", "fd77::1"
WAN4, WAN6 = "198.18.7.1", "fd78::1"

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def die_with_parent():
    """For preexec_fn: a child must not outlive the thread that started it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command, **options):
    """Run to the end; a failure is an exception that tells what was said."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """A named network namespace; `with` puts the calling thread into it."""

    def __init__(self, name):
        self.name = name
        self._saved = threading.local()
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")
        # Without it, IPv6 has no link-local address for a second, and packets
        # wait at a neighbour to be sent when a test thinks of something else.
        self.sysctl(net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)

    def ip(self, *arguments):
        return run("ip", "-n", self.name, *arguments)

    def __enter__(self):
        self._saved.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(fd)
        finally:
            os.close(fd)
        return self

    def __exit__(self, *_):
        _setns(self._saved.fd)
        os.close(self._saved.fd)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self:
            return socket.socket(family, kind, protocol)

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def popen(self, *command, **options):
        """A process that ends with us, whatever ends us."""
        options.setdefault("preexec_fn", die_with_parent)
        return subprocess.Popen(self.command(*command), **options)

    def sysctl(self, **values):
        for key, value in values.items():
            self.run("sysctl", "-qw", f"{key.replace('__', '.')}={value}")

    def nft(self, text):
        return run(*self.command("nft", "-f", "-"), input=text)

    def counters(self):
        """Named counters of every table here: name -> packets."""
        listing = json.loads(self.run("nft", "-j", "list", "counters"))
        rows = (row["counter"] for row in listing["nftables"] if "counter" in row)
        return {row["name"]: row["packets"] for row in rows}


def is_v6(address):
    return ":" in address


def family_of(address):
    return socket.AF_INET6 if is_v6(address) else socket.AF_INET


def _pids(name):
    done = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
    return [int(pid) for pid in done.stdout.split() if int(pid) != os.getpid()]


def _end_processes(name, deadline_s=5):
    """End what runs in a namespace of ours, by pid."""
    until = time.monotonic() + deadline_s
    while (pids := _pids(name)) and time.monotonic() < until:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def _names(directory):
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def remove(prefix):
    """Remove the namespaces of a prefix, and all that runs in them."""
    for name in _names("/run/netns"):
        if name.startswith(f"{prefix}-"):
            _end_processes(name)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    for name in _names("/etc/netns"):
        if name.startswith(f"{prefix}-"):
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def is_left_over(prefix):
    """Whether a test run's prefix holds a process that is gone; its number may
    be another program's by now."""
    try:
        with open(f"/proc/{prefix[3:]}/cmdline", "rb") as file:
            return b"python" not in file.read().split(b"\0")[0]
    except OSError:
        return True


def remove_leftovers():
    """Namespaces that test runs which were killed have left."""
    names = _names("/run/netns") + _names("/etc/netns")
    for prefix in {found.group(1) for name in names if (found := re.match(r"(blt\d+)-", name))}:
        if is_left_over(prefix):
            remove(prefix)


class Net:
    def __init__(self, prefix, cameras=(10,), clouds=(), hosts=None):
        """cameras: the last part of each camera's two addresses; clouds: the
        addresses that exist on the internet; hosts: name -> address, what the
        cameras' resolver says."""
        self.prefix = prefix
        remove(prefix)
        self.name_hosts(hosts or {})
        self.cam = Namespace(f"{prefix}-cam")
        self.gw = Namespace(f"{prefix}-gw")
        self.net = Namespace(f"{prefix}-net")
        self.clouds = []
        self._join()
        for number in cameras:
            self.add_camera(number)
        self._route()
        for address in clouds:
            self.add_cloud(address)
        self._witness()

    def name_hosts(self, hosts, resolver=None):
        """What the cameras' resolver says from now on; what hosts do not name is
        asked of a resolver, where there is one."""
        directory = f"/etc/netns/{self.prefix}-cam"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/hosts", "w", encoding="ascii") as out:
            out.write("127.0.0.1 localhost\n::1 localhost\n")
            out.writelines(f"{address} {name}\n" for name, address in hosts.items())
        with open(f"{directory}/resolv.conf", "w", encoding="ascii") as out:
            out.write(f"nameserver {resolver}\n" if resolver else "# the laboratory has no resolver: names stand in hosts\n")

    def _join(self):
        for device, there in (("cams0", self.cam), ("wan0", self.net)):
            run("ip", "link", "add", device, "netns", self.gw.name, "type", "veth",
                "peer", "name", "eth0", "netns", there.name)
        for space, device in ((self.cam, "eth0"), (self.gw, "cams0"), (self.gw, "wan0"), (self.net, "eth0")):
            space.ip("link", "set", device, "up")
        self._address(self.gw, "cams0", f"{GATEWAY4}/24", f"{GATEWAY6}/64")
        self._address(self.gw, "wan0", f"{WAN4}/24", f"{WAN6}/64")
        self._address(self.net, "eth0", "198.18.7.2/24", "fd78::2/64")

    @staticmethod
    def _address(space, device, *addresses):
        for address in addresses:
            extra = ["nodad"] if is_v6(address) else []
            space.ip("addr", "add", address, "dev", device, *extra)

    def add_camera(self, number):
        self._address(self.cam, "eth0", f"192.168.77.{number}/24", f"fd77::{number}/64")

    def add_cloud(self, address):
        """An address of the internet, with a counter of what arrives for it."""
        if address in self.clouds:
            return
        self.clouds.append(address)
        self._address(self.net, "lo", f"{address}/{128 if is_v6(address) else 32}")
        if len(self.clouds) > 1 and self._has_witness():
            self._witness()

    def _has_witness(self):
        return subprocess.run(self.net.command("nft", "list", "table", "inet", "witness"),
                              capture_output=True, check=False).returncode == 0

    def _route(self):
        self.cam.ip("route", "add", "default", "via", GATEWAY4, "src", "192.168.77.10")
        self.cam.ip("-6", "route", "add", "default", "via", GATEWAY6, "src", "fd77::10")
        self.gw.ip("route", "add", "default", "via", "198.18.7.2")
        self.gw.ip("-6", "route", "add", "default", "via", "fd78::2")
        # A way back to the cameras: what leaks is answered, and so is seen.
        self.net.ip("route", "add", CAMERA_NET4, "via", WAN4)
        self.net.ip("-6", "route", "add", CAMERA_NET6, "via", WAN6)
        self.gw.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)
        for space in (self.cam, self.gw, self.net):
            space.sysctl(net__ipv4__ip_local_port_range="1100 65000", net__ipv4__tcp_tw_reuse=1,
                         net__core__somaxconn=4096)

    def _witness(self):
        """Count on the far side: per cloud, what comes from a camera's own
        address (a leak), and what is for no cloud at all."""
        lines = ["table inet witness", "delete table inet witness", "table inet witness {",
                 "counter leaked { }", "counter astray { }"]
        lines += [f"counter {counter_name(cloud)} {{ }}" for cloud in self.clouds]
        lines += ["chain in { type filter hook prerouting priority raw; policy accept;",
                  "iifname lo accept",
                  f"ip saddr {CAMERA_NET4} counter name leaked",
                  f"ip6 saddr {CAMERA_NET6} counter name leaked"]
        for cloud in self.clouds:
            family = "ip6" if is_v6(cloud) else "ip"
            lines.append(f"{family} daddr {cloud} counter name {counter_name(cloud)} accept")
        lines += ["ip daddr 198.18.7.0/24 accept", "ip6 daddr fd78::/64 accept",
                  "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit,"
                  " nd-router-advert, mld-listener-query, mld-listener-report, mld2-listener-report } accept",
                  "counter name astray", "}", "}"]
        self.net.nft("\n".join(lines))

    def arrived(self, cloud):
        """Packets that reached a cloud's address, SYNs included."""
        return self.net.counters()[counter_name(cloud)]

    def leaked(self):
        return self.net.counters()["leaked"]

    def astray(self):
        return self.net.counters()["astray"]

    def close(self):
        remove(self.prefix)


def counter_name(address):
    return "to_" + re.sub(r"[.:]", "_", address)
