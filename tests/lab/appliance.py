# SPDX-License-Identifier: MIT
"""The appliance under test: `borderlens run` in its namespace, what it writes,
and its other commands."""

import json
import os
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_directory():
    return os.environ.get("BORDERLENS_BUILD", os.path.join(ROOT, "build"))


def binary():
    return os.path.join(build_directory(), "borderlens")


# Bounds are for a machine that has nothing else to do; a busy one has so many
# times as long.  Only what fails takes it.
PATIENCE = 4


def wait_for(what, deadline_s, ask, *arguments, pause_s=0.02):
    """Ask again and again until the answer is true; an answer that does not
    come in time is a failure that says what was awaited."""
    deadline_s *= PATIENCE
    until = time.monotonic() + deadline_s
    while True:
        answer = ask(*arguments)
        if answer:
            return answer
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {deadline_s} s")
        time.sleep(pause_s)


class Eve:
    """Reads EVE lines as they are written; never a torn one."""

    def __init__(self, path):
        self.path = path
        self._offset = 0
        self._rest = b""
        self.events = []

    def poll(self):
        """Lines that came since; they are kept in `events` too."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        fresh = [json.loads(line) for line in lines]
        self.events += fresh
        return fresh

    def find(self, **want):
        """Events whose fields are as told; `a__b` is field b of object a."""
        self.poll()
        return [event for event in self.events if all(field(event, key) == value for key, value in want.items())]

    def wait(self, deadline_s=10, count=1, **want):
        """The first event as told (all of them when count is given)."""
        found = wait_for(f"{count} event(s) {want}", deadline_s,
                         lambda: len(rows := self.find(**want)) >= count and rows)
        return found[0] if count == 1 else found


def field(event, path):
    for key in path.split("__"):
        if not isinstance(event, dict):
            return None
        event = event.get(key)
    return event


class Appliance:
    def __init__(self, space, directory, config_path, eve_path):
        self.space, self.directory = space, directory
        self.config_path = config_path
        self.log_path = os.path.join(directory, "appliance.log")
        self.eve = Eve(eve_path)
        self.process = None
        self._notify = None

    def launch(self, **options):
        """Start it and do not wait."""
        path = os.path.join(self.directory, "notify")
        if self._notify is not None:
            self._notify.close()
        if os.path.exists(path):
            os.unlink(path)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        os.chmod(path, 0o777)
        with open(self.log_path, "ab") as log:
            self.process = self.space.popen(binary(), "run", "-c", self.config_path, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=path), **options)
        return self

    def start(self, deadline_s=30, **options):
        """Start it and wait until it says that it serves."""
        self.launch(**options)
        self._notify.settimeout(0.05)
        said = b""
        deadline_s *= PATIENCE
        until = time.monotonic() + deadline_s
        while b"READY=1" not in said:
            if self.process.poll() is not None:
                raise RuntimeError(f"the appliance ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            if time.monotonic() > until:
                raise TimeoutError(f"the appliance is not ready after {deadline_s} s:\n{self.log()[-3000:]}")
            try:
                said = self._notify.recv(4096)
            except TimeoutError:
                pass
        return self

    def notified(self):
        """What it told the service manager since it was asked last, a message a line."""
        said = []
        self._notify.settimeout(0)
        try:
            while True:
                said.append(self._notify.recv(4096).decode())
        except BlockingIOError:
            return "\n".join(said)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def roles(self):
        """(role, pid) of every live role."""
        found = []
        for pid in children(self.pid):
            words = command_line(pid)
            if "role" in words:
                found.append((words[words.index("role") + 1], pid))
        return sorted(found)

    def role_pids(self, role):
        return [pid for name, pid in self.roles() if name == role]

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, deadline_s=20):
        """SIGTERM, and its exit status."""
        if not self.alive():
            return self.process.returncode if self.process else None
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"the appliance did not end within {deadline_s} s of SIGTERM") from None

    def kill(self):
        """kill -9 of the supervisor; the roles must follow it by themselves."""
        if self.process is None:
            return
        roles = [pid for _, pid in self.roles()] if self.alive() else []
        self.process.kill()
        self.process.wait()
        wait_for("the roles' end after the supervisor's", 5,
                 lambda: not any(os.path.exists(f"/proc/{pid}") for pid in roles))

    def command(self, *words, timeout_s=60):
        """Another command on the same configuration, finished."""
        return subprocess.run(self.space.command(binary(), *words, "-c", self.config_path), timeout=timeout_s,
                              capture_output=True, text=True, check=False)

    def ledger(self):
        """`ledger verify`: its exit status and what it said."""
        done = self.command("ledger", "verify")
        return done.returncode, (done.stdout + done.stderr).rstrip()

    def recorded(self, deadline_s=10):
        """Wait until the ledger is whole; then its words."""
        last = []

        def whole():
            last[:] = self.ledger()
            return last[0] == 0

        try:
            wait_for("a whole ledger", deadline_s, whole)
        except TimeoutError:
            raise AssertionError(f"ledger verify exits {last[0]}: {last[1]}") from None
        return last[1]


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def cpu_seconds(pid):
    """User and system time of one process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
