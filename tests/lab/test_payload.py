# SPDX-License-Identifier: MIT
"""Rules about what is sent, with real programs: footage is held back and never
leaves, telemetry passes as it is, budgets outlive the appliance, limits slow."""

import contextlib
import hashlib
import os
import socket
import subprocess
import time

import dialogs
import harness
from appliance import field, wait_for
from harness import GOOD, NAME, check, equal, refused, story
from servers import Server, context

FOOTAGE = harness.RULES.replace("""  - {id: 20,""", """  - {id: 15, match: {class: [video, image]}, then: block, why: "No footage leaves"}
  - {id: 20,""")


def budget(then, up_over):
    return harness.RULES.replace("  - {id: 20,", f"""  - {{id: 15, match: {{bytes: {{up_over: {up_over}, per: 52w, by: device}}}}, then: {then}, why: "Too much"}}
  - {{id: 20,""")


def take(connection, server):
    """Keeps every byte that comes, and answers each HTTP message once."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            if length and len(body) >= int(length):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                break
    finally:
        server.keep(data)


def film(lab, name, *options):
    path = f"{lab.directory}/{name}"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "1", *options, "-y", path],
                   check=True, stdin=subprocess.DEVNULL)
    return path


class Camera:
    def __init__(self, lab, appliance):
        self.lab, self.appliance = lab, appliance
        self.authority = f"{lab.directory}/authority.pem"
        harness.write(self.authority, appliance.command("ca", "export").stdout)

    def run(self, *command):
        done = subprocess.run(self.lab.net.cam.command(*command), capture_output=True, check=False, timeout=30, stdin=subprocess.DEVNULL)
        return done.returncode

    def curl(self, *arguments):
        return self.run("curl", "-sS", "--max-time", "15", "--cacert", self.authority, *arguments)

    def event(self, port):
        return self.appliance.eve.wait(event_type="flow", dest_port=port)


@story(60)
def footage_never_leaves_and_the_rest_does(lab):
    servers = {port: lab.server(Server(lab.net.net, GOOD, port, handler=take, tls=context(lab.good) if port != 8080 else None))
               for port in (443, 8080, 8443, 8444, 8445, 8446)}
    camera = Camera(lab, lab.started(FOOTAGE))
    mp4 = film(lab, "film.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "frag_keyframe+empty_moov")
    photo = film(lab, "photo.jpg", "-frames:v", "1")
    status = f"{lab.directory}/status.json"
    harness.write(status, '{"device": "lobby-3", "temperature": 21.5, "uptime": 86400, "humidity": 40, "status": "ok"}')
    check("blocked", camera.curl("-T", mp4, f"https://{NAME}/up/film.mp4") != 0)
    check("blocked", camera.curl("-T", mp4, f"http://{NAME}:8080/up/film.mp4") != 0)
    check("blocked", camera.curl("-F", f"photo=@{photo};type=image/jpeg", f"https://{NAME}:8443/up") != 0)
    # Of a film this short it does not look whether it arrived.
    camera.run("ffmpeg", "-loglevel", "error", "-i", mp4, "-c", "copy", "-f", "mpegts", "-method", "PUT", f"https://{NAME}:8444/live.ts")
    equal("curl's exit", camera.curl("--data-binary", f"@{status}", "-H", "Content-Type: application/json", f"https://{NAME}:8445/status"), 0)
    for port, kind in ((443, "video"), (8080, "video"), (8443, "image"), (8444, "video")):
        event = camera.event(port)
        want = {"borderlens__left__up": 0, "borderlens__verdict": "block", "borderlens__rule": "15", "borderlens__verdict_stage": "payload",
                "borderlens__payload__class": kind, "borderlens__payload__confidence": "identified", "borderlens__end": "refused"}
        equal(f"port {port}", {key: field(event, key) for key in want}, want)
        equal(f"what port {port} received", b"".join(servers[port].received), b"")
    event = camera.event(8445)
    received = b"".join(wait_for("what the server kept", 5, lambda: servers[8445].received))
    with open(status, "rb") as sent:
        equal("what arrived", hashlib.sha256(received.partition(b"\r\n\r\n")[2]).digest(), hashlib.sha256(sent.read()).digest())
    equal("left up", field(event, "borderlens__left__up"), len(received))
    equal("verdict", field(event, "borderlens__verdict"), "allow")


def pour(lab, port, size):
    """Sends so much, and says whether the server's answer came."""
    with lab.connect(port=port) as connection:
        try:
            connection.sendall(b"\0" * size)
            with contextlib.suppress(OSError):  # ENOTCONN where it was reset by now
                connection.shutdown(socket.SHUT_WR)
            return connection.recv(16) == b"done"
        except ConnectionError:
            return False


def swallow(connection, server):
    total = 0
    try:
        while piece := connection.recv(65536):
            total += len(piece)
        connection.sendall(b"done")
    finally:
        server.keep(total)


@story(60)
def a_budget_is_one_over_connections_and_kills(lab):
    server = lab.server(Server(lab.net.net, GOOD, 7000, handler=swallow))
    appliance = lab.started(budget("block", "1MB"))
    check("the first goes", pour(lab, 7000, 700_000))
    appliance.recorded()
    appliance.kill()
    appliance.start()
    check("the second does not", not pour(lab, 7000, 700_000))
    event = appliance.eve.wait(event_type="flow", dest_port=7000, borderlens__verdict="block")
    left = field(event, "borderlens__left__up")
    check("what had left", 0 <= left <= (1 << 20) - 700_000, left)
    check("and no more than a buffer less", left > (1 << 20) - 700_000 - 16384, left)
    equal("rule", field(event, "borderlens__rule"), "15")
    want = {"ruleset": "laboratory", "rule": "15", "by": "device", "used": 700_000 + left, "up_over": 1 << 20, "per_s": 52 * 7 * 86400}
    equal("the budget", field(event, "borderlens__budget"), want)
    check("what arrived", sum(server.received) <= 1 << 20, server.received)


@story(60)
def counts_that_cannot_be_used_are_set_aside_and_told(lab):
    lab.server(Server(lab.net.net, GOOD, 7000, handler=swallow))
    appliance = lab.started(budget("block", "1MB"))
    check("it goes", pour(lab, 7000, 700_000))
    appliance.recorded()
    check("nothing was lost", not appliance.eve.find(event_type="anomaly", anomaly__type="lost"))
    appliance.stop()
    path = f"{appliance.directory}/state/budgets"
    with open(path, "r+b") as counts:
        counts.truncate(5000)
    appliance.start()
    event = appliance.eve.wait(event_type="anomaly", anomaly__type="lost")
    equal("event", field(event, "anomaly__event"), "BUDGETS")
    aside = [name for name in os.listdir(os.path.dirname(path)) if name.startswith("budgets.damaged-")]
    equal("set aside", [os.path.getsize(os.path.join(os.path.dirname(path), name)) for name in aside], [5000])
    check("the log says so", aside[0] in appliance.log())
    check("it counts from nothing", pour(lab, 7000, 700_000))


@story(60)
def a_limit_slows_what_is_beyond(lab):
    lab.server(Server(lab.net.net, GOOD, 7000, handler=swallow))
    appliance = lab.started(budget("limit, rate: 256KB/s", "64KB"))
    began = time.monotonic()
    check("it arrives", pour(lab, 7000, 320 << 10))
    took = time.monotonic() - began
    check("slowly", 0.7 < took < 20, took)
    event = appliance.eve.wait(event_type="flow", dest_port=7000)
    equal("verdict", field(event, "borderlens__verdict"), "limit")
    equal("left", field(event, "borderlens__left__up"), 320 << 10)


@story(60)
def footage_in_rtsp_is_cut_before_its_first_picture(lab):
    received = f"{lab.directory}/received.mkv"
    with open(f"{lab.directory}/rtsp.log", "wb") as log:
        server = lab.net.net.popen("ffmpeg", "-loglevel", "error", "-rtsp_flags", "listen", "-i", f"rtsp://{GOOD}:8554/live", "-c", "copy", "-y",
                                   received, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for("ffmpeg listens", 10, lambda: lab.net.net.run("ss", "-Hltn", "sport = :8554").strip())
        appliance = lab.started(FOOTAGE)
        mp4 = film(lab, "pushed.mp4", "-c:v", "libx264", "-preset", "ultrafast")
        Camera(lab, appliance).run("ffmpeg", "-loglevel", "error", "-i", mp4, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp",
                                   f"rtsp://{NAME}:8554/live")
        event = appliance.eve.wait(event_type="flow", dest_port=8554)
        want = {"borderlens__verdict": "block", "borderlens__rule": "15", "borderlens__app__proto": "rtsp", "borderlens__payload__class": "video"}
        equal("the flow", {key: field(event, key) for key in want}, want)
        # Its commands, which the server must answer: ANNOUNCE, SETUP, RECORD.
        check("what had left", field(event, "borderlens__left__up") < 2500, field(event, "borderlens__left__up"))
    finally:
        server.kill()
        server.wait()
    check("no picture", not os.path.exists(received) or os.path.getsize(received) == 0)


def send_datagrams_of_no_protocol(lab, appliance):
    """MPEG-TS and Annex B as they are; and footage behind a datagram that is none."""
    with lab.net.net.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        server.bind((GOOD, 5010))
        server.settimeout(0.3)
        for port, form in ((5010, "mpegts"), (5011, "h264")):
            path = film(lab, f"datagrams.{form}", "-c:v", "libx264", "-preset", "ultrafast", "-f", form)
            Camera(lab, appliance).run("ffmpeg", "-loglevel", "error", "-i", path, "-c", "copy", "-f", form, f"udp://{GOOD}:{port}?pkt_size=1316")
        refused(server.recv, 2000)
        camera.bind(("192.168.77.10", 0))
        camera.sendto(b"hello, server", (GOOD, 5010))
        server.settimeout(15)
        equal("what opens the way", server.recv(2000), b"hello, server")
        server.settimeout(0.3)
        with open(f"{lab.directory}/datagrams.mpegts", "rb") as file:
            camera.sendto(file.read(1316), (GOOD, 5010))
        refused(server.recv, 2000)


@story(60)
def footage_in_datagrams_never_leaves(lab):
    server = lab.net.net.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((GOOD, 5004))
    server.settimeout(0.3)
    appliance = lab.started(FOOTAGE)
    with server:
        Camera(lab, appliance).run("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "1", "-c:v",
                                   "libx264", "-preset", "ultrafast", "-f", "rtp", f"rtp://{GOOD}:5004?rtcpport=5005")
        refused(server.recv, 2000)
        send_datagrams_of_no_protocol(lab, appliance)
    appliance.stop()
    event = appliance.eve.wait(event_type="flow", dest_port=5004)
    want = {"borderlens__verdict": "block", "borderlens__rule": "15", "borderlens__left__up": 0, "borderlens__app__proto": "rtp",
            "borderlens__payload__class": "video"}
    equal("the flow", {key: field(event, key) for key in want}, want)
    for port, count in ((5010, 2), (5011, 1)):
        events = appliance.eve.wait(count=count, event_type="flow", dest_port=port, borderlens__payload__class="video")
        equal("left", {field(event, "borderlens__left__up") for event in (events if count > 1 else [events])}, {0})


@story(60)
def a_budget_counts_datagrams_too(lab):
    server = lab.net.net.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((GOOD, 5000))
    server.settimeout(15)
    appliance = lab.started(budget("block", "10KB"))
    with server, lab.net.cam.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("192.168.77.10", 0))
        for number in range(20):
            camera.sendto(bytes([number]) * 1000, (GOOD, 5000))
        got = [server.recv(2000) for _ in range(10)]
        equal("the first ones", [data[0] for data in got], list(range(10)))
        server.settimeout(0.3)
        refused(server.recv, 2000)
    appliance.stop()
    event = appliance.eve.wait(event_type="flow", dest_port=5000)
    equal("verdict", field(event, "borderlens__verdict"), "block")
    equal("left", field(event, "borderlens__left__up"), 10_000)
    equal("the budget", [field(event, f"borderlens__budget__{key}") for key in ("rule", "used", "up_over")], ["15", 10_000, 10 << 10])


@story(60)
def a_file_of_ftp_belongs_to_the_connection_that_said_where_it_goes(lab):
    server = lab.server(Server(lab.net.net, GOOD, 2121, handler=dialogs.handler(dialogs.ftp, lab.net.net, context(lab.good))))
    appliance = lab.started(FOOTAGE)
    camera = Camera(lab, appliance)
    path = f"{lab.directory}/notes.txt"
    harness.write(path, "nothing but words\n" * 100)
    equal("curl", camera.curl("-T", path, "-u", "cam:secret", f"ftp://{NAME}:2121/notes.txt"), 0)
    control = appliance.eve.wait(event_type="flow", dest_port=2121)
    data = appliance.eve.wait(event_type="flow", borderlens__app__proto="ftp-data")
    equal("whose it is", field(data, "borderlens__app__client"), control["community_id"])
    equal("what left", field(data, "borderlens__left__up"), 1800)
    check("the file arrived", any(what == "file" for what, _ in server.received), server.received)
    check("nobody comes to the camera", camera.curl("-T", path, "-P", "-", "-u", "cam:secret", f"ftp://{NAME}:2121/notes.txt") != 0)
    appliance.eve.wait(event_type="flow", dest_port=2121, borderlens__app__active_data=True)
    film(lab, "pushed.mp4", "-c:v", "libx264", "-preset", "ultrafast")
    check("footage does not", camera.curl("-T", f"{lab.directory}/pushed.mp4", "-u", "cam:secret", f"ftp://{NAME}:2121/rec.mp4") != 0)
    event = appliance.eve.wait(event_type="flow", borderlens__verdict="block", borderlens__app__proto="ftp-data")
    equal("what left of it", (field(event, "borderlens__left__up"), field(event, "borderlens__payload__class")), (0, "video"))


if __name__ == "__main__":
    harness.main()
