# SPDX-License-Identifier: MIT
"""Many at once: what an idle connection holds, what a new one costs beside many,
a thousand cameras that come back together, one that begins without end, and
bytes that arrive unchanged at readers that rest.  The traffic is that of
tests/bench/traffic.c."""

import contextlib
import datetime
import glob
import json
import os
import subprocess

import harness
from appliance import children, wait_for
from harness import GOOD, NAME, ROOT, check, equal, story
from net import die_with_parent

CAMERAS = 32
OPEN = int(os.environ.get("SCALE_OPEN", "800"))        # 10000 by hand
BYTES = int(os.environ.get("SCALE_BYTES", str(64 << 20)))  # each way; 1073741824 by hand
IDLE_KB = 34  # of all roles, as a guard: docs/performance.md has what it is made of
COME_BACK = 1000
HASTY = "192.168.77.10"
OTHER_CAMERAS = [f"192.168.77.{number}" for number in range(11, 10 + CAMERAS)]
OTHERS = 200  # of all of them, within limit.handshakes of each
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def program(lab):
    path = os.path.join(lab.directory, "traffic")
    if not os.path.exists(path):
        subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-I", ROOT, "-o", path,
                        *glob.glob(f"{ROOT}/tests/bench/traffic*.c"), "-lssl", "-lcrypto", "-lpthread"], check=True)
    return path


class Scene:
    """An origin, an appliance, and cameras at many addresses."""

    def __init__(self, lab, how="", **changes):
        """how: what sort of origin, as traffic.c has it; changes: to the configuration."""
        self.lab = lab
        self.program = program(lab)
        for number in range(10, 10 + CAMERAS):
            if number not in harness.CAMERAS:
                with contextlib.suppress(RuntimeError):  # another story added it
                    lab.net.add_camera(number)
        self.origin = lab.net.net.popen(self.program, "origin", GOOD, "443", lab.good.chain, lab.good.key, how,
                                        stdin=subprocess.DEVNULL)
        self.appliance = lab.started(changes={"limit": {"per_camera": 10000, "connections": 20000}, **changes})
        self.ca = os.path.join(lab.directory, "ours.pem")
        harness.write(self.ca, self.appliance.command("ca", "export").stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.origin.kill()
        self.origin.wait()

    def command(self, what, *arguments, ca=None, name=NAME, first=10, cameras=CAMERAS):
        return ["env", f"CAMERAS=192.168.77.{first} {cameras}",
                *self.lab.net.cam.command(self.program, what, GOOD, "443", ca or self.ca, name, *map(str, arguments))]

    def load(self, count, threads, up=16, down=16, what="load", **options):
        """Connections that worked, and seconds."""
        done = subprocess.run(self.command(what, count, threads, up, down, **options), capture_output=True, text=True,
                              timeout=600, check=True)
        succeeded, failed, seconds = done.stdout.split()
        equal("connections that failed", int(failed), 0)
        return int(succeeded), float(seconds)

    def burst(self, count):
        """All at once; as load."""
        done = subprocess.run(self.command("burst", count), capture_output=True, text=True, timeout=60, check=True)
        succeeded, failed, seconds = done.stdout.split()
        equal("connections that failed", int(failed), 0)
        return int(succeeded), float(seconds)

    @contextlib.contextmanager
    def held(self, count):
        process = subprocess.Popen(self.command("hold", count, 8), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent)
        try:
            equal("connections held", process.stdout.readline().split()[:2], [str(count), "0"])
            yield
        finally:
            process.communicate("", timeout=120)

    def ended(self, *cameras):
        """When connections of these ended that were served, in seconds."""
        rows = self.appliance.eve.find(event_type="flow", borderlens__end="done")
        return sorted(datetime.datetime.fromisoformat(row["timestamp"]).timestamp() for row in rows if row["src_ip"] in cameras)

    def memory_kb(self):
        """Of all roles; what they share counts once."""
        total = 0
        for pid in [self.appliance.pid, *children(self.appliance.pid)]:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        return total

    def worker_cpu(self):
        total = 0
        for pid in self.appliance.role_pids("worker"):
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                total += sum(int(field) for field in file.read().rpartition(")")[2].split()[11:13])
        return total * TICK_S


@story(300)
def idle_connections_hold_little_and_new_ones_cost_no_more(lab):
    """To a server that hands out tickets behind the handshake, as they do."""
    with Scene(lab, "tickets") as scene:
        scene.load(100, 8)
        start = scene.worker_cpu()
        scene.load(300, 8)
        beside_none = scene.worker_cpu() - start
        before = scene.memory_kb()
        with scene.held(OPEN):
            each = (scene.memory_kb() - before) / OPEN
            start = scene.worker_cpu()
            scene.load(300, 8)
            beside_many = scene.worker_cpu() - start
        print(f"{each:.1f} KB per idle connection of {OPEN}; CPU of 300 new ones {beside_many:.2f} s beside them, "
              f"{beside_none:.2f} s alone", flush=True, file=harness.sys.stderr)
        check(f"at most {IDLE_KB} KB", each <= IDLE_KB, each)
        # The clock of the kernel and the neighbours on this machine are coarse:
        # what grows with the number of the open ones would be many times it.
        check("no more beside many", beside_many <= 1.5 * beside_none + 0.1, (beside_many, beside_none))


@story(60)
def a_thousand_cameras_that_come_back_at_once_are_all_served(lab):
    """To an appliance that has just started: nothing is cached.  Four workers need
    the one leaf at once."""
    with Scene(lab, workers=4) as scene:
        served, seconds = scene.burst(COME_BACK)
        print(f"{COME_BACK} at once: {seconds:.1f} s, {scene.worker_cpu():.1f} s of the workers", flush=True,
              file=harness.sys.stderr)
        equal("served", served, COME_BACK)
        # A second or two of the workers' own, whatever else this machine does.
        check("within 10 s", scene.worker_cpu() <= 5 and seconds <= 40, (scene.worker_cpu(), seconds))
        roles = json.loads(scene.appliance.command("status", "--json").stdout)["roles"]
        asked = [row["leaves_asked"] for row in roles if row["role"] == "worker"]
        check("each worker asked the signer", len(asked) == 4 and min(asked) >= 1, asked)
        equal("leaves made", [row["minted"] for row in roles if row["role"] == "signer"], [1])
        rows = scene.appliance.eve.wait(20, COME_BACK, event_type="flow")
        check("all of them opened", all(row["borderlens"]["inspect"] == "opened" for row in rows), len(rows))


def beside_others(own, others):
    """Of the times at which its connections ended, and those of the others: how
    many of its own between others', in how many seconds, less the pauses of the
    others, in which it may take what they leave."""
    spans = [span for span in zip(others, others[1:]) if span[0] >= others[0] + 0.5]
    dense = [(begin, end) for begin, end in spans if end - begin < 0.2]
    count = sum(begin <= when < end for begin, end in dense for when in own)
    return count, sum(end - begin for begin, end in dense), len(spans) - len(dense)


@story(60)
def a_camera_that_begins_without_end_is_held_to_its_share_beside_others(lab):
    """Each of the others stays within its own, and is served."""
    with Scene(lab) as scene:
        scene.load(CAMERAS, 4)
        hasty = subprocess.Popen(scene.command("load", 1000000, 16, 16, 16, cameras=1), stdout=subprocess.DEVNULL,
                                 preexec_fn=die_with_parent)
        try:
            wait_for("more than its share, while there is nobody else", 20, lambda: len(scene.ended(HASTY)) > 100)
            # Exits with a failure where one is not served.
            done = subprocess.run(scene.command("delay", OTHERS, first=11, cameras=CAMERAS - 1), capture_output=True,
                                  text=True, timeout=60, check=True)
        finally:
            hasty.terminate()
            hasty.wait()
        others = wait_for("the others' records", 20,
                          lambda: len(rows := scene.ended(*OTHER_CAMERAS)) == CAMERAS - 1 + OTHERS and rows[-OTHERS:])
        beside, seconds, pauses = beside_others(scene.ended(HASTY), others)
        print(f"beside them it had {beside} in {seconds:.1f} s; they, us to the first byte: {done.stdout.strip()} (half, 99 %)",
              flush=True, file=harness.sys.stderr)
        check("its share, and what was under way", beside <= 20 * (seconds + 1) + 16 * (1 + pauses), (beside, seconds, pauses))


@story(600)
def bytes_arrive_unchanged_at_readers_that_rest(lab):
    """Opened, and passed through."""
    with Scene(lab) as scene:
        scene.load(1, 1, BYTES, BYTES, what="slow")
        with contextlib.suppress(AssertionError):
            scene.load(2 * CAMERAS, 1, ca=lab.pki.root.chain)
        scene.load(1, 1, BYTES, BYTES, what="slow", ca=lab.pki.root.chain)
        ways = set()
        for event in scene.appliance.eve.wait(20, 2 + 2 * CAMERAS, event_type="flow"):
            own = event["borderlens"]
            if own["payload"]["up"] < BYTES:
                continue
            ways.add(own["inspect"])
            equal("what left up is what came", own["left"]["up"], own["payload"]["up"])
            equal("what left down is what came", own["left"]["down"], own["payload"]["down"])
            if own["inspect"] == "opened":
                equal("bytes", (own["payload"]["up"], own["payload"]["down"]), (BYTES + 16, BYTES))
        equal("ways", ways, {"opened", "passthrough"})


if __name__ == "__main__":
    harness.main()
