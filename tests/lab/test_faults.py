# SPDX-License-Identifier: MIT
"""kill -9 of every role, a full disk, no descriptors, an orderly end: the
record stays whole, and the appliance comes back by itself."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from appliance import cpu_seconds, wait_for
from harness import BAD, GOOD, Skip, check, equal, port_of, story
from servers import Server, context, echo

KILLS = 15
PIDFD_GETFD = 438  # pidfd_getfd(2) has no wrapper


def serving(lab, handler=None, **changes):
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good), handler=handler))
    appliance = lab.started(changes=changes)
    return server, appliance, lab.camera_context(appliance)


class Load:
    """Cameras that ask again and again until told to stop."""

    def __init__(self, lab, camera, threads=4):
        self.lab, self.camera = lab, camera
        self.served = self.failed = 0
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(10 + n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number):
        while not self._done.is_set():
            try:
                answer = self.lab.request(self.camera, camera=number, timeout=2)
                if answer.startswith(b"HTTP/1.1 200"):
                    self.served += 1
                    continue
            except OSError:
                pass
            self.failed += 1

    def stop(self):
        self._done.set()
        for thread in self._threads:
            thread.join()


def kill_again_and_again(lab, role):
    server, appliance, camera = serving(lab)
    load = Load(lab, camera)
    slowest = 0
    try:
        for _ in range(KILLS):
            victims = appliance.role_pids(role)
            check(f"a {role} lives", victims)
            served = load.served
            wait_for("some load", 10, lambda: load.served > served + 2)
            start = time.monotonic()
            os.kill(victims[0], signal.SIGKILL)
            wait_for(f"a new {role}", 5, lambda: len(new := appliance.role_pids(role)) == len(victims)
                     and victims[0] not in new)
            served = load.served
            wait_for("service after it", 10, lambda: load.served > served)
            slowest = max(slowest, time.monotonic() - start)
    finally:
        load.stop()
    check("back at once", slowest < 4, f"{slowest:.2f} s")
    # The lines follow the store: after a kill they are made again from there.
    wait_for("each connection that a server saw to be recorded", 20, lambda: len(opens(appliance)) >= server.handshakes)
    wait_for("every open flow to end", 20, lambda: flows_of_all_opens(appliance))
    appliance.recorded(20)
    equal("packets from a camera's own address", lab.net.leaked(), 0)


def opens(appliance):
    """Of a camera that is slow to say its hello the first line is none of TLS."""
    return {event["flow_id"] for event in appliance.eve.find(borderlens__stage="open")}


def flows_of_all_opens(appliance):
    opened = opens(appliance)
    ended = [event["flow_id"] for event in appliance.eve.find(event_type="flow")]
    equal("flows that ended twice", len(ended) - len(set(ended)), 0)
    return opened <= set(ended)


@story(120)
def a_killed_worker_is_back_and_nothing_is_lost(lab):
    kill_again_and_again(lab, "worker")


@story(120)
def a_killed_recorder_is_back_and_nothing_is_lost(lab):
    kill_again_and_again(lab, "recorder")


@story(120)
def a_killed_signer_is_back_and_nothing_is_lost(lab):
    kill_again_and_again(lab, "signer")


@story(90)
def a_killed_supervisor_takes_all_with_it_and_the_record_stays_whole(lab):
    _, appliance, camera = serving(lab)
    for _ in range(3):
        load = Load(lab, camera)
        served = load.served
        wait_for("some load", 10, lambda load=load, served=served: load.served > served + 10)
        appliance.kill()
        load.stop()
        appliance.start()
    check("served after it", lab.request(camera).startswith(b"HTTP/1.1 200"))
    wait_for("every open flow to end", 20, lambda: flows_of_all_opens(appliance))
    appliance.recorded(20)


def worker_row(appliance):
    roles = json.loads(appliance.command("status", "--json").stdout)["roles"]
    return next(row for row in roles if row["role"] == "worker")


def stopped_with_some_waiting(lab, appliance, worker):
    """A camera opens more than its share, beside another one; how many of these
    the worker has taken and not begun, as it is stopped."""
    held = []
    os.kill(worker, signal.SIGCONT)
    try:
        for number in [harness.CAMERAS[1]] + [harness.CAMERAS[0]] * 300:
            try:
                held.append(lab.connect(BAD, camera=number))
            except ConnectionResetError:
                pass  # it has begun, and is refused
        os.kill(worker, signal.SIGSTOP)
    finally:
        for connection in held:
            connection.close()
    return worker_row(appliance)["waiting"]


@story(60)
def connections_that_wait_are_told_of_and_counted_when_their_worker_dies(lab):
    """Nothing of them was forwarded, and no record tells of them."""
    appliance = lab.started(changes={"workers": 1})
    worker = appliance.role_pids("worker")[0]
    waiting = wait_for("some that wait", 10, stopped_with_some_waiting, lab, appliance, worker)
    lines = appliance.command("status").stdout.splitlines()
    head = next(line for line in lines if " waiting " in line)
    row = next(line for line in lines if line.startswith("  worker"))
    equal("its column", int(row[:head.index("waiting") + len("waiting")].split()[-1]), waiting)
    equal("refused", worker_row(appliance)["overload"], 0)
    os.kill(worker, signal.SIGKILL)
    wait_for("another worker", 5, lambda: appliance.role_pids("worker") not in ([], [worker]))
    # The kernel may hold some for the next one, which takes them.
    wait_for("none that wait", 10, lambda: worker_row(appliance)["waiting"] == 0)
    equal("refused", worker_row(appliance)["overload"], waiting)
    check("the log tells", f"{waiting} connections that waited to begin in worker 0" in appliance.log())
    appliance.recorded()


def shut_sockets(pid):
    """What a worker that was taken over can do to the sockets that it shares
    with its successors, done to a copy of each."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
        except FileNotFoundError:
            continue  # of a connection that has ended since
        copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
        check("a copy of a descriptor", copy >= 0, os.strerror(ctypes.get_errno()))
        with socket.socket(fileno=copy) as shared:
            try:
                shared.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # a netlink socket has no such thing
    os.close(process)


@story(60)
def sockets_that_a_worker_shut_are_mended(lab):
    _, appliance, camera = serving(lab, workers=1)
    check("served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    worker = appliance.role_pids("worker")[0]
    shut_sockets(worker)
    wait_for("another worker", 5, lambda: appliance.role_pids("worker") not in ([], [worker]))
    wait_for("service", 5, lambda: try_request(lab, camera))
    # A new name needs the signer: no leaf of before is cached in a new worker.
    for _ in range(3):
        check("served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    equal("exit", appliance.stop(), 0)
    appliance.recorded()


@story(90)
def a_spool_that_its_worker_wrote_over_is_set_aside(lab):
    _, appliance, camera = serving(lab, handler=echo)
    # Of one on the spool's own worker, which is killed, the end can stand nowhere.
    held = [lab.open_tls(camera, camera=number) for number in harness.CAMERAS]
    wait_for("the held ones to be recorded", 5, lambda: len(opens(appliance)) == len(held))
    roles = len(appliance.roles())
    run_dir = os.path.join(appliance.directory, "run")
    with open(os.path.join(run_dir, "spool-0"), "r+b") as spool:
        spool.write(os.urandom(4096))
    os.kill(appliance.role_pids("recorder")[0], signal.SIGKILL)
    wait_for("a new spool", 5, lambda: [name for name in os.listdir(run_dir) if name.startswith("spool-0.")])
    wait_for("all roles", 5, lambda: len(appliance.roles()) == roles)
    for number in harness.CAMERAS:
        wait_for("service", 5, lambda number=number: echoes(lab, camera, number))
    for connection in held:
        connection.close()
    check("it is said", "the spool of worker 0 was damaged" in appliance.log())
    wait_for("every open flow to end", 20, lambda: flows_of_all_opens(appliance))
    appliance.recorded()
    ends = {event["borderlens"]["end"] for event in appliance.eve.find(event_type="flow")}
    check("some are lost", "lost" in ends, ends)
    equal("exit", appliance.stop(), 0)
    appliance.start()
    check("served after a new start", echoes(lab, camera))
    appliance.recorded()


@story(60)
def a_deleted_run_dir_loses_no_record(lab):
    _, appliance, camera = serving(lab)
    shutil.rmtree(os.path.join(appliance.directory, "run"))
    os.kill(appliance.role_pids("recorder")[0], signal.SIGKILL)
    for number in harness.CAMERAS:
        check("served", lab.request(camera, camera=number).startswith(b"HTTP/1.1 200"))
    appliance.eve.wait(event_type="flow", count=len(harness.CAMERAS))
    equal("exit", appliance.stop(), 0)
    appliance.recorded()
    appliance.start()
    check("served after a new start", try_request(lab, camera))


@story(120)
def nothing_is_forwarded_that_cannot_be_recorded(lab):
    """The store stands on a small file system that fills up."""
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.appliance(changes={"workers": 1, "record": {"spool_mib": 4}})
    state = os.path.join(appliance.directory, "state")
    os.makedirs(state, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "tmpfs", state],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        raise Skip("no tmpfs can be mounted here")
    try:
        full_disk(lab, server, appliance.start(), state)
    finally:
        appliance.kill()
        subprocess.run(["umount", "-l", state], check=False)


def full_disk(lab, server, appliance, state):
    camera = lab.camera_context(appliance)
    check("served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    ballast = os.path.join(state, "ballast")
    with open(ballast, "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(65536))
        except OSError:
            pass
    refusals = fill_spool(lab, camera)
    check("connections are refused at last", refusals, "the spool never filled")
    known = server.handshakes
    for _ in range(5):
        harness.refused(lab.request, camera)
    equal("handshakes at the server while nothing can be recorded", server.handshakes, known)
    health = appliance.command("health")
    equal("health's exit on a full store", health.returncode, 1)
    os.unlink(ballast)
    wait_for("service after space is back", 5, lambda: try_request(lab, camera))
    wait_for("every open flow to end", 20, lambda: flows_of_all_opens(appliance))
    appliance.recorded(20)
    wait_for("an event for each connection that the server saw", 20, lambda: len(opens(appliance)) >= server.handshakes)


def try_request(lab, camera):
    try:
        return lab.request(camera).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def fill_spool(lab, camera):
    """Refused connections are records too, and cheap ones: fill the spool with
    them until a good connection is refused.  True when it was."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        threads = [threading.Thread(target=knock, args=(lab, number)) for number in harness.CAMERAS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not try_request(lab, camera):
            return True
    return False


def knock(lab, number, times=200):
    """A camera asks for a place that is refused."""
    with lab.net.cam:
        for _ in range(times):
            with socket.socket() as connection:
                connection.settimeout(5)
                try:
                    connection.bind((f"192.168.77.{number}", 0))
                    connection.connect((BAD, 443))
                except OSError:
                    pass


@story(90)
def sixty_four_descriptors_are_survived(lab):
    server = lab.server(Server(lab.net.net, GOOD, tls=context(lab.good), handler=echo))
    appliance = lab.started(changes={"workers": 1}, preexec_fn=few_descriptors)
    camera = lab.camera_context(appliance)
    worker = appliance.role_pids("worker")[0]
    held = [lab.connect(timeout=5) for _ in range(150)]
    start, before = time.monotonic(), cpu_seconds(worker)
    time.sleep(2)  # a share of time is measured over time
    share = (cpu_seconds(worker) - before) / (time.monotonic() - start)
    check("idle at the bound", share < 0.05, f"{share:.1%} of a core")
    equal("the worker", appliance.role_pids("worker"), [worker])
    for connection in held:
        connection.close()
    wait_for("service after it", 15, lambda: echoes(lab, camera))
    equal("the worker", appliance.role_pids("worker"), [worker])
    wait_for("every open flow to end", 20, lambda: flows_of_all_opens(appliance))
    appliance.recorded(20)
    check("handshakes", server.handshakes >= 1)


def few_descriptors():
    import resource
    from net import die_with_parent
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def echoes(lab, camera, number=harness.CAMERAS[0], timeout=5):
    try:
        with lab.open_tls(camera, camera=number, timeout=timeout) as connection:
            connection.sendall(b"ping")
            return connection.recv(4) == b"ping"
    except OSError:
        return False


@story()
def sigterm_lets_connections_finish(lab):
    _, appliance, camera = serving(lab, handler=echo)
    with lab.open_tls(camera) as connection:
        connection.sendall(b"before")
        equal("echo", connection.recv(16), b"before")
        appliance.signal(signal.SIGTERM)
        wait_for("no new connection is taken", 5, lambda: not echoes(lab, camera, timeout=2))
        connection.sendall(b"after")
        equal("echo after SIGTERM", connection.recv(16), b"after")
        connection.unwrap()
        port = port_of(connection)
    equal("exit", appliance.process.wait(30), 0)
    equal("end", appliance.eve.wait(event_type="flow", src_port=port)["borderlens"]["end"], "done")
    appliance.recorded()


@story()
def a_connection_that_does_not_end_is_ended_by_the_drain(lab):
    _, appliance, camera = serving(lab, handler=echo)
    with lab.open_tls(camera, timeout=30) as connection:
        connection.sendall(b"x")
        connection.recv(1)
        start = time.monotonic()
        equal("exit", appliance.stop(25), 0)
        check("within the drain's bound", time.monotonic() - start < 20)
    equal("end", appliance.eve.wait(event_type="flow")["borderlens"]["end"], "shutdown")
    appliance.recorded()


@story()
def a_second_appliance_takes_nothing_from_the_first(lab):
    _, first, camera = serving(lab)
    for changes, word in (({}, "port 8443"), ({"gateway": {"listen": 9443}}, "another appliance has its rules")):
        second = lab.appliance(changes=changes).launch()
        equal("its exit", second.process.wait(30), 1)
        check("it says why", word in second.log(), second.log()[-500:])
        for number in harness.CAMERAS:
            check("the first one serves", lab.request(camera, camera=number).startswith(b"HTTP/1.1 200"))
    first.recorded()


@story()
def an_own_authority_is_used(lab):
    """tls.ca: {cert, key}: a site's own CA signs the leaves."""
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    site = lab.pki.authority("the site's own authority")
    os.chmod(site.key, 0o600)
    lab.started(changes={"tls": {"ca": {"cert": site.chain, "key": site.key}}})
    import ssl
    camera = ssl.create_default_context(cafile=site.chain)
    check("served", lab.request(camera).startswith(b"HTTP/1.1 200"))


# CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW: to be whom a camera sent to.
BROKERS = 1 << 10 | 1 << 12 | 1 << 13


@story()
def workers_have_no_capability_and_no_file(lab):
    _, appliance, _ = serving(lab)
    for role, pid in appliance.roles():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file if ":" in line)
        for kind in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            held = BROKERS if role == "broker" and kind in ("CapEff", "CapPrm", "CapBnd") else 0
            equal(f"{role}: {kind}", int(status[kind], 16), held)
        equal(f"{role}: no new privileges", status["NoNewPrivs"].strip(), "1")
        equal(f"{role}: seccomp filters", status["Seccomp"].strip(), "2")
        check(f"{role}: not root", "0" not in status["Uid"].split(), status["Uid"])
    listed = {role for role, _ in appliance.roles()}
    equal("roles", listed, {"worker", "signer", "recorder", "broker"})


@story()
def nothing_but_the_signer_has_the_key(lab):
    _, appliance, camera = serving(lab)
    check("served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    for role, pid in appliance.roles():
        links = []
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        if role != "signer":
            equal(f"{role}: key files open", [link for link in links if link.endswith(".key")], [])
        if role == "signer":
            sockets = [link for link in links if link.startswith("socket:")]
            inet = subprocess.run(lab.net.gw.command("ss", "-Hatnup"), capture_output=True, text=True, check=False)
            check("the signer has no network socket", f"pid={pid}," not in inet.stdout, sockets)


if __name__ == "__main__":
    harness.main()
