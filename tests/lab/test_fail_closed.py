# SPDX-License-Identifier: MIT
"""Whatever becomes of the appliance, no packet of a camera passes it.  Counted
on the far side, with forwarding switched on, so that a leak would arrive."""

import signal
import socket
import subprocess
import threading

import harness
from appliance import wait_for
from harness import BAD, GOOD, GOOD6, check, equal, story
from servers import Server, context


def forwarding(lab):
    lab.net.gw.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)


SENT = 3 * 2 + 2  # packets, at least: a SYN and a datagram to each, two pings


def try_everything(lab, seconds=0.3):
    """A camera tries TCP, UDP and ICMP, over both families."""
    for address in (GOOD, BAD, GOOD6):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with lab.net.cam.socket(family) as tcp, lab.net.cam.socket(family, socket.SOCK_DGRAM) as udp:
            tcp.settimeout(seconds)
            try:
                tcp.connect((address, 443))
            except OSError:
                pass
            try:
                udp.sendto(b"out", (address, 443))
            except OSError:
                pass
    subprocess.run(lab.net.cam.command("ping", "-q", "-c", "2", "-i", "0.1", "-W", "1", GOOD),
                   capture_output=True, check=False)


def nothing_leaked(lab, before):
    equal("packets with a camera's own address on the far side", lab.net.leaked() - before, 0)


@story()
def the_witness_sees_a_leak_where_no_appliance_is(lab):
    forwarding(lab)
    before = lab.net.leaked()
    try_everything(lab)
    wait_for("what was sent to be seen", 5, lambda: lab.net.leaked() >= before + SENT)


def serving(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    forwarding(lab)
    appliance = lab.started()
    camera = lab.camera_context(appliance)
    check("a camera is served", lab.request(camera).startswith(b"HTTP/1.1 200"))
    return appliance, camera


@story()
def nothing_passes_while_it_serves(lab):
    serving(lab)
    before = lab.net.leaked()
    try_everything(lab)
    nothing_leaked(lab, before)


@story()
def nothing_passes_after_kill_9_of_the_supervisor(lab):
    appliance, _ = serving(lab)
    before = lab.net.leaked()
    appliance.kill()
    try_everything(lab)
    nothing_leaked(lab, before)


@story()
def nothing_passes_after_an_orderly_stop(lab):
    appliance, _ = serving(lab)
    before = lab.net.leaked()
    equal("exit after SIGTERM", appliance.stop(), 0)
    try_everything(lab)
    nothing_leaked(lab, before)


@story()
def nothing_passes_while_every_process_is_frozen(lab):
    appliance, _ = serving(lab)
    before = lab.net.leaked()
    frozen = [appliance.pid] + [pid for _, pid in appliance.roles()]
    for pid in frozen:
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try_everything(lab)
    nothing_leaked(lab, before)
    for pid in reversed(frozen):
        subprocess.run(["kill", "-CONT", str(pid)], check=True)


@story(90)
def nothing_passes_while_it_is_restarted_again_and_again(lab):
    appliance, camera = serving(lab)
    before = lab.net.leaked()
    done = threading.Event()

    def keep_trying():
        while not done.is_set():
            try_everything(lab, 0.1)

    trying = threading.Thread(target=keep_trying)
    trying.start()
    try:
        for round_ in range(6):
            if round_ % 2:
                appliance.kill()
            else:
                appliance.signal(signal.SIGTERM)
                appliance.process.wait(20)
            appliance.start()
    finally:
        done.set()
        trying.join()
    nothing_leaked(lab, before)
    check("a camera is served after it", lab.request(camera).startswith(b"HTTP/1.1 200"))


@story()
def a_refused_place_gets_no_packet_at_all(lab):
    _, camera = serving(lab)
    before = lab.net.arrived(BAD)
    for _ in range(5):
        harness.refused(lab.request, camera, address=BAD)
    equal("packets that reached the refused place", lab.net.arrived(BAD) - before, 0)


if __name__ == "__main__":
    harness.main()
