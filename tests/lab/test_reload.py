# SPDX-License-Identifier: MIT
"""A reload takes over what is good, whole and at once, and nothing else:
what is wrong is told, and nobody notices.

RELOADS=1000 reloads so often under load; the figures are printed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import harness
from appliance import binary, wait_for
from harness import GOOD, GOOD6, RULES, check, equal, port_of, story, write
from servers import Server, context, echo

RELOADS = int(os.environ.get("RELOADS", "20"))
PING = 9443  # a port that nothing else is on
BLOCK6 = RULES.replace('rules:\n', 'rules:\n  - {id: 5, match: {ip: "2a05:d014::/32"}, then: block, why: "Not by IPv6"}\n')


def serving(lab, handler=None, **changes):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good), handler=handler))
    appliance = lab.started(changes=changes)
    return appliance, lab.camera_context(appliance)


def status(appliance):
    return json.loads(appliance.command("status", "--json").stdout)


def settings(appliance):
    with open(appliance.config_path, encoding="utf-8") as file:
        return json.load(file)


def save(appliance, changed):
    write(appliance.config_path, json.dumps(changed, indent=1))


def workers_at(appliance):
    return {row["generation"] for row in status(appliance)["roles"] if row["role"] == "worker"}


# ---- what is wrong ----

def wrong_files(lab, appliance):
    """(what, how it is made wrong, what is said of it) for each kind."""
    directory, good = appliance.directory, settings(appliance)
    rules = f"{directory}/rules.yaml"
    cut = f"{directory}/cut.mmdb"
    fifo = f"{directory}/fifo"
    with open(f"{lab.directory}/located.mmdb", "rb") as whole, open(cut, "wb") as out:
        out.write(whole.read()[:-600])
    os.mkfifo(fifo, 0o600)

    def changed(**changes):
        return lambda: save(appliance, harness.merge(good, changes))

    return [
        ("YAML that does not end", lambda: write(appliance.config_path, "site: [\nrun_dir: "
                                                 f"{good['run_dir']}\n"), ["borderlens.yaml:"]),
        ("an unknown key", changed(gatewai={}), ["borderlens.yaml:", "gatewai"]),
        ("a rule that is none", lambda: write(rules, RULES.replace("located:", "locatet:")), ["rules.yaml:11:", "locatet"]),
        ("a file that is not there", changed(geo={"asn": "/nonexistent/asn.mmdb"}), ["asn.mmdb"]),
        ("a database that is cut", changed(geo={"country": [cut]}), ["cut.mmdb"]),
        ("a fifo", changed(rules=[fifo]), ["fifo", "not a regular file"]),
        ("everybody may write", lambda: os.chmod(rules, 0o666), ["rules.yaml", "may be written by everybody"]),
        ("a mistake and a database that is cut", changed(gatewai={}, geo={"country": [cut]}), ["gatewai", "cut.mmdb"]),
        ("another site", changed(site="other"), ["borderlens.yaml:2:", "site takes effect at the next start"]),
        ("another interface", changed(gateway={"cameras": ["cams1"]}), ["gateway.cameras takes effect"]),
        ("another EVE file", changed(record={"eve": "/tmp/x.json"}), ["record.eve takes effect"]),
        ("roots that are none", changed(tls={"upstream": {"ca": rules}}), ["rules.yaml", "certificate"]),
        ("garbage for a list of revoked ones", changed(tls={"upstream": {"crl": [cut]}}),
         ["cut.mmdb", "no list of revoked certificates"]),
    ]


def mended(appliance, good):
    rules = f"{appliance.directory}/rules.yaml"
    os.chmod(rules, 0o644)
    write(rules, RULES)
    save(appliance, good)


@story(90)
def what_is_wrong_is_told_and_changes_nothing(lab):
    appliance, camera = serving(lab)
    good = settings(appliance)
    pids = appliance.roles()
    kinds = wrong_files(lab, appliance)
    for what, break_it, words in kinds:
        break_it()
        done = appliance.command("reload")
        equal(f"exit of {what}", done.returncode, 78)
        for word in words:
            check(f"{what}: '{word}' is said", word in done.stderr, done.stderr)
        said = appliance.notified()
        check(f"the service manager heard: {what}", re.fullmatch("RELOADING=1\nMONOTONIC_USEC=[0-9]+\nREADY=1", said), said)
        now = status(appliance)
        equal(f"generation after {what}", (now["generation"], now["reload"]["result"]), (1, "refused"))
        check(f"status says why: {what}", words[0] in now["reload"]["why"], now["reload"])
        equal(f"health after {what}", appliance.command("health").returncode, 0)
        mended(appliance, good)
    check("cameras are served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    failed = appliance.eve.wait(count=len(kinds), anomaly__type="reload", anomaly__event="FAILED")
    check("the event says why", "gatewai" in failed[1]["borderlens"]["why"], failed[1])
    check("the log does", "locatet" in appliance.log())
    text = appliance.command("status").stdout
    check("status in words", "last reload refused" in text, text)
    told = json.loads(appliance.command("reload", "--json").stdout)
    equal("reload --json", (told["ok"], told["result"], told["generation"]), (True, "reloaded", 2))
    equal("every worker", workers_at(appliance), {2})
    appliance.eve.wait(anomaly__type="reload", anomaly__event="OK")
    equal("nobody was started anew", appliance.roles(), pids)
    appliance.recorded()


# ---- what changes ----

def echoed(connection, word):
    connection.sendall(word)
    return connection.recv(64) == word


@story()
def a_new_rule_ends_what_it_blocks_and_nothing_else(lab):
    lab.server(Server(lab.net.net, GOOD6, tls=context(lab.good), handler=echo))
    appliance, camera = serving(lab, handler=echo)
    with lab.open_tls(camera) as stays, lab.open_tls(camera, address=GOOD6) as goes:
        check("both run", echoed(stays, b"one") and echoed(goes, b"two"))
        ports = port_of(stays), port_of(goes)
        write(f"{appliance.directory}/rules.yaml", BLOCK6)
        equal("reload", appliance.command("reload").returncode, 0)
        error = harness.refused(goes.recv, 1)
        check("the blocked one is ended, not forgotten", not isinstance(error, TimeoutError), error)
        check("the other runs", echoed(stays, b"three"))
        before = lab.net.arrived(GOOD6)
        harness.refused(lab.open_tls, camera, address=GOOD6, timeout=5)
        equal("packets that reach it any more", lab.net.arrived(GOOD6) - before, 0)
        write(f"{appliance.directory}/rules.yaml", RULES)
        appliance.signal(signal.SIGHUP)
        wait_for("the third generation", 10, lambda: workers_at(appliance) == {3})
        check("what is allowed again is served", echoed(lab.open_tls(camera, address=GOOD6), b"four"))
        check("and the first still runs", echoed(stays, b"five"))
        stays.unwrap()
    ended = appliance.eve.wait(event_type="flow", src_port=ports[1])["borderlens"]
    equal("its end", (ended["end"], ended["verdict"], ended["rule"]), ("rule-change", "block", "5"))
    check("what had left is told", ended["left"]["up"] == 3, ended["left"])
    equal("the other's", appliance.eve.wait(event_type="flow", src_port=ports[0])["borderlens"]["end"], "done")
    appliance.recorded()


# ---- what goes wrong meanwhile ----

def checker_of(appliance):
    """It lives for some hundredths of a second."""
    return wait_for("a checker", 5, lambda: appliance.role_pids("checker"), pause_s=0.001)


def reload_aside(appliance, *more):
    return subprocess.Popen(appliance.space.command(binary(), "reload", "-c", appliance.config_path, *more),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@story(90)
def who_dies_meanwhile_changes_nothing(lab):
    appliance, camera = serving(lab)
    # A worker that does not answer, and is killed for it.
    worker = appliance.role_pids("worker")[0]
    os.kill(worker, signal.SIGSTOP)
    asked = reload_aside(appliance)
    said = asked.communicate(timeout=30)[1]
    equal("exit with a worker that died", asked.returncode, 1)
    check("it is said", "died meanwhile" in said or "could not be told" in said, said)
    equal("the old one holds", status(appliance)["generation"], 1)
    wait_for("both workers", 10, lambda: len(appliance.role_pids("worker")) == 2)
    # A checker that is killed before it has said anything.
    asked = reload_aside(appliance)
    checker = checker_of(appliance)
    os.kill(checker[0], signal.SIGKILL)
    said = asked.communicate(timeout=30)[1]
    if "reloaded" not in said and asked.returncode != 0:
        equal("exit with a checker that died", asked.returncode, 1)
        check("it is said", "checker was killed by SIGKILL" in said, said)
    generation = status(appliance)["generation"]
    # Several at once: the one that runs, and one more for all the others.
    crowd = [reload_aside(appliance) for _ in range(5)]
    appliance.signal(signal.SIGHUP)
    for one in crowd:
        said = one.communicate(timeout=30)
        equal("exit of one of many", one.returncode, 0)
    wait_for("quiet", 10, lambda: status(appliance)["reload"]["result"] == "reloaded")
    more = status(appliance)["generation"] - generation
    check("no more often than it makes sense", 1 <= more <= 4, more)
    check("cameras are served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    appliance.recorded()


def prepared(appliance, *workers):
    """A reload that is with the workers, of which those told do not hear it yet."""
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    asked = reload_aside(appliance)
    checker_of(appliance)
    wait_for("its end", 10, lambda: not appliance.role_pids("checker"))
    return asked


def call_off_and_reload(appliance):
    """Whether the worker that was slow lived to the end of the second reload."""
    workers = wait_for("both workers", 10, lambda: len(pids := appliance.role_pids("worker")) == 2 and pids)
    slow, other = workers
    write(f"{appliance.directory}/rules.yaml", BLOCK6)
    first = prepared(appliance, slow)
    os.kill(other, signal.SIGKILL)
    said = first.communicate(timeout=60)[1]
    check("the first is called off", "died meanwhile" in said, said)
    write(f"{appliance.directory}/rules.yaml", RULES)
    second = prepared(appliance)
    with contextlib.suppress(ProcessLookupError):
        os.kill(slow, signal.SIGCONT)
    said = second.communicate(timeout=60)
    lived = slow in appliance.role_pids("worker")
    check(f"the second's exit ({said})", second.returncode == 0 or not lived, second.returncode)
    return lived


@story()
def what_was_called_off_is_not_taken_with_the_next(lab):
    """A worker that was slow still makes the one, and is asked for the next."""
    lab.server(Server(lab.net.net, GOOD6, tls=context(lab.good)))
    appliance, camera = serving(lab)
    # One that is slow for five seconds is taken for stuck, and killed: on a machine
    # that takes that long itself it is tried again.
    check("the slow one is still there", any(call_off_and_reload(appliance) for _ in range(5)))
    for number in harness.CAMERAS * 2:  # both workers
        check("served by the second", lab.request(camera, address=GOOD6, camera=number).startswith(b"HTTP/1.1 200"))
    appliance.recorded()


# ---- many ----

class Load:
    """Cameras that ask again and again; what failed is kept."""

    def __init__(self, lab, camera, cameras=harness.CAMERAS):
        self.lab, self.camera = lab, camera
        self.served, self.failures = 0, []
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in cameras]
        for thread in self._threads:
            thread.start()

    def _ask(self, number):
        while not self._done.is_set():
            try:
                answer = self.lab.request(self.camera, camera=number)
                check("an answer", answer.startswith(b"HTTP/1.1 200"), answer[:80])
                self.served += 1
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))

    def stop(self):
        self._done.set()
        for thread in self._threads:
            thread.join()


class Pinger:
    """One connection that lasts, and how long its bytes take."""

    def __init__(self, lab, camera, number):
        self.connection = lab.open_tls(camera, port=PING, camera=number)
        self.times_ms, self.failures = [], []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ping)
        self._thread.start()

    def _ping(self):
        while not self._done.wait(0.002):
            before = time.monotonic()
            try:
                check("an echo", echoed(self.connection, b"ping"))
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))
                return
            self.times_ms.append((time.monotonic() - before) * 1000)

    def take(self):
        taken, self.times_ms = self.times_ms, []
        return sorted(taken) or [0.0]

    def stop(self):
        self._done.set()
        self._thread.join()
        self.connection.close()


def weight(pid):
    """Resident kilobytes and descriptors of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


def reload_once(appliance, count):
    """Every second one is bad, and the good ones take turns in what they change."""
    rules = f"{appliance.directory}/rules.yaml"
    if count % 2:
        write(rules, RULES.replace("located:", "locatet:"))
        equal("exit of a bad one", appliance.command("reload").returncode, 78)
    else:
        write(rules, RULES if count % 4 else BLOCK6)
        equal("exit of a good one", appliance.command("reload").returncode, 0)


@story(60 + RELOADS)
def many_reloads_under_load_fail_no_connection(lab):
    lab.server(Server(lab.net.net, GOOD, port=PING, tls=context(lab.good), handler=echo))
    appliance, camera = serving(lab)
    load, pinger = Load(lab, camera, harness.CAMERAS[:2]), Pinger(lab, camera, harness.CAMERAS[3])
    pids = [appliance.pid] + appliance.role_pids("worker")
    weights = []
    time.sleep(1)  # what it takes without any reload
    quiet = pinger.take()
    for count in range(RELOADS):
        reload_once(appliance, count)
        if count in (RELOADS // 3, RELOADS - 1):
            weights.append([weight(pid) for pid in pids])
    busy = pinger.take()
    pinger.stop()
    load.stop()
    write(f"{appliance.directory}/rules.yaml", RULES)
    equal("failed connections", (load.failures[:3], pinger.failures), ([], []))
    check("cameras were served", load.served > RELOADS, load.served)
    equal("generation", status(appliance)["generation"], 1 + (RELOADS + 1) // 2)
    for pid, (before, before_fds), (after, after_fds) in zip(pids, *weights):
        check(f"memory of {pid}", after < before * 1.1 + 2048, f"{before} then {after} KB")
        check(f"descriptors of {pid}", after_fds <= before_fds + 4, f"{before_fds} then {after_fds}")
    longest_ms = max(row["reload_us"] for row in status(appliance)["roles"] if row["role"] == "worker") / 1000
    check("no turn of a worker's loop took long", longest_ms <= 5, longest_ms)
    print(f"  {RELOADS} reloads, at most {longest_ms} ms of a worker's loop at once; {load.served} connections; a ping took p50 {busy[len(busy) // 2]:.2f}, p99 "
          f"{busy[len(busy) * 99 // 100]:.2f}, at most {busy[-1]:.2f} ms (without reloads {quiet[len(quiet) // 2]:.2f}, "
          f"{quiet[len(quiet) * 99 // 100]:.2f}, {quiet[-1]:.2f}); KB and descriptors {weights}", flush=True)
    appliance.recorded(20)


if __name__ == "__main__":
    harness.main()
