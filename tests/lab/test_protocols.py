# SPDX-License-Identifier: MIT
"""Real programs speak through the appliance, plain, opened, and with TLS that
begins in the middle: what was said is told, what was sent arrives unchanged, and
no secret is kept."""

import base64
import hashlib
import json
import os
import subprocess

import dialogs
import harness
from appliance import field, wait_for
from harness import GOOD, NAME, ROOT, check, equal, story
from servers import Process, Server, context, echo, mosquitto

SECRET = "c2VjcmV0LW9mLXRoZS1jYW1lcmE"


class Talk:
    """One appliance, its authority in a file, and what arrives behind it."""

    def __init__(self, lab, **changes):
        self.lab = lab
        self.appliance = lab.started(changes=changes)
        done = self.appliance.command("ca", "export")
        self.authority = f"{lab.directory}/authority.pem"
        harness.write(self.authority, done.stdout)
        self.photo = f"{lab.directory}/photo.bin"
        with open(self.photo, "wb") as out:
            out.write(b"\xff\xd8\xff\xe0" + os.urandom(300_000))
        with open(self.photo, "rb") as photo:
            self.digest = hashlib.sha256(photo.read()).hexdigest()

    def camera(self, *command, status=0, **options):
        """A camera's program; its output."""
        done = subprocess.run(self.lab.net.cam.command(*command), capture_output=True, check=False, timeout=30,
                              stdin=options.pop("stdin", subprocess.DEVNULL), **options)
        equal(f"{command[0]}'s exit ({done.stderr[-300:]!r})", done.returncode, status)
        return done.stdout

    def curl(self, *arguments):
        return self.camera("curl", "-sS", "--max-time", "15", "--cacert", self.authority, *arguments)

    def flow(self, port):
        return self.appliance.eve.wait(event_type="flow", dest_port=port)

    def said(self, port, proto, **want):
        """What the record says of the conversation with that port; `a__b` is field
        b of object a."""
        event = self.flow(port)
        want = {"borderlens__app__proto": proto, "borderlens__app__confused": None, **want}
        equal(f"port {port}", {key: field(event, key) for key in want}, want)
        return event["borderlens"]

    def keeps_no_secret(self):
        with open(self.appliance.eve.path, encoding="utf-8") as eve:
            check("no secret in the events", SECRET not in eve.read())


def log_lines(path):
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def http2_server(lab, port, *identity):
    log = f"{lab.directory}/http2-{port}.log"
    lab.server(Process(lab.net.net, ["node", f"{ROOT}/tests/lab/clients/http2_server.js", GOOD, str(port), log, *identity],
                       f"{log}.err", GOOD, port))
    return log


def digest_of(connection, server):
    """Takes one PUT and keeps its body's hash."""
    head, rest = b"", b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    head, _, rest = head.partition(b"\r\n\r\n")
    if b"100-continue" in head:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < size:
        rest += connection.recv(65536)
    server.keep(hashlib.sha256(rest).hexdigest())
    connection.sendall(b"HTTP/1.1 201 Created\r\nSet-Cookie: id=" + SECRET.encode() + b"\r\nContent-Length: 0\r\n\r\n")


@story(60)
def http_is_told_whatever_carries_it(lab):
    plain = lab.server(Server(lab.net.net, GOOD, 8080, handler=digest_of))
    opened = lab.server(Server(lab.net.net, GOOD, 443, handler=digest_of, tls=context(lab.good)))
    over_tls, bare = http2_server(lab, 8443, lab.good.chain, lab.good.key), http2_server(lab, 8081)
    talk = Talk(lab)
    same = ("-A", "cam/1.2", "-T", talk.photo, "-u", f"admin:{SECRET}")
    query = f"/snap/lobby.jpg?token={SECRET}"
    want = {"http__http_method": "PUT", "http__hostname": NAME, "http__url": "/snap/lobby.jpg", "http__http_user_agent": "cam/1.2",
            "http__status": 201, "borderlens__app__requests": 1, "borderlens__app__credentials": True}
    talk.curl(*same, f"http://{NAME}:8080{query}")
    talk.curl(*same, f"https://{NAME}{query}")
    talk.curl("--http2", *same, f"https://{NAME}:8443{query}")
    talk.curl("--http2-prior-knowledge", *same, f"http://{NAME}:8081{query}")
    for port, proto in ((8080, "http"), (443, "http"), (8443, "http2"), (8081, "http2")):
        ours = talk.said(port, proto, **want)
        check("the whole body left", ours["left"]["up"] > 300_000)
    for server in (plain, opened):
        equal("what arrived", server.received, [talk.digest])
    for log in (over_tls, bare):
        equal("what arrived", [line["sha256"] for line in log_lines(log)], [talk.digest])
    talk.keeps_no_secret()


def rtsp_server(lab, port, received):
    """ffmpeg, which takes one stream that is pushed to it."""
    with open(f"{lab.directory}/rtsp.log", "wb") as log:
        made = lab.net.net.popen("ffmpeg", "-loglevel", "error", "-rtsp_flags", "listen", "-i", f"rtsp://{GOOD}:{port}/live/lobby",
                                 "-c", "copy", "-y", received, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    # A probe would be the one stream that it takes.
    wait_for("ffmpeg listens", 10, lambda: lab.net.net.run("ss", "-Hltn", f"sport = :{port}").strip())
    return made


def frames(path):
    """The hash of each picture of a film."""
    done = subprocess.run(["ffmpeg", "-loglevel", "error", "-i", path, "-map", "0:v", "-f", "framemd5", "-"], capture_output=True, check=True)
    return [line.split(",")[-1].strip() for line in done.stdout.decode().splitlines() if not line.startswith("#")]


def greet(connection, server):
    connection.sendall(b"SSH-2.0-lab\r\n")
    server.keep(connection.recv(100))


def by_sockets(lab, talk, greeted):
    """Whoever speaks first, on any port; and what nobody knows."""
    with lab.connect(port=4022) as connection:
        equal("greeting", connection.recv(100), b"SSH-2.0-lab\r\n")
        connection.sendall(b"SSH-2.0-dropbear_2022.83\r\n")
    with lab.connect(port=4712) as connection:
        connection.sendall(b"\xfa\xce\1\2\3\4\5\6\7\x08")
        equal("echo", connection.recv(100), b"\xfa\xce\1\2\3\4\5\6\7\x08")
    talk.said(4022, "ssh", borderlens__app__agent="SSH-2.0-dropbear_2022.83", borderlens__app__opaque_inner=True)
    talk.said(4712, "unknown", borderlens__app__first="face010203040506")
    equal("what arrived", greeted.received, [b"SSH-2.0-dropbear_2022.83\r\n"])


@story(60)
def mqtt_rtsp_ssh_and_the_unknown_are_told(lab):
    received, film = f"{lab.directory}/received.mkv", f"{lab.directory}/film.mkv"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "2", "-c:v", "libx264",
                    "-preset", "ultrafast", "-y", film], check=True, stdin=subprocess.DEVNULL)
    lab.server(mosquitto(lab.net.net, lab.directory, lab.good, GOOD))
    server = rtsp_server(lab, 8554, received)
    greeted = lab.server(Server(lab.net.net, GOOD, 4022, handler=greet))
    lab.server(Server(lab.net.net, GOOD, 4712, handler=echo))
    talk = Talk(lab)
    by_sockets(lab, talk, greeted)
    talk.camera("mosquitto_pub", "-h", NAME, "-p", "8883", "--cafile", talk.authority, "-i", "lobby-3", "-u", "cam", "-P", SECRET,
                "-t", "site/lobby/motion", "-m", '{"motion": true}')
    talk.camera("ffmpeg", "-loglevel", "error", "-i", film, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp",
                f"rtsp://{NAME}:8554/live/lobby")
    talk.said(8883, "mqtt", mqtt__connect__client_id="lobby-3", mqtt__publish__topic="site/lobby/motion",
              borderlens__app__credentials=True, borderlens__app__requests=1)
    ours = talk.said(8554, "rtsp", borderlens__app__method="OPTIONS", borderlens__app__host=NAME,
                     borderlens__app__path="/live/lobby", borderlens__app__status=200)
    equal("class", (ours["payload"]["class"], ours["payload"]["confidence"]), ("video", "identified"))
    equal("the server's exit", server.wait(10), 0)
    equal("pictures that arrived", frames(received), frames(film))
    talk.keeps_no_secret()


# ---- TLS that begins in the middle ----

@story(60)
def starttls_is_taken_up_and_opened(lab):
    tls = context(lab.good)
    ports = {2525: dialogs.smtp, 2121: dialogs.ftp, 1143: dialogs.imap, 1110: dialogs.pop3}
    served = {port: lab.server(Server(lab.net.net, GOOD, port, handler=dialogs.handler(serve, lab.net.net, tls)))
              for port, serve in ports.items()}
    talk = Talk(lab)
    talk.camera("swaks", "--server", NAME, "--port", "2525", "--tls", "--tls-ca-path", talk.authority, "--helo", "lobby-3.site.example",
                "--from", "cam@site.example", "--to", "a@b.example", "--auth", "PLAIN", "--auth-user", "cam",
                "--auth-password", base64.b64decode(SECRET + "=").decode(), "--attach-type", "image/jpeg", "--attach", f"@{talk.photo}")
    talk.curl("--ssl-reqd", "-T", talk.photo, "-u", f"admin:{SECRET}", f"ftp://{NAME}:2121/rec.bin")
    for port, proto, end in ((1143, "imap", b"a LOGOUT\r\n"), (1110, "pop3", b"QUIT\r\n")):
        talk.camera("openssl", "s_client", "-connect", f"{NAME}:{port}", "-starttls", proto, "-CAfile", talk.authority,
                    "-verify_return_error", "-quiet", "-ign_eof", stdin=None, input=end)
    inside = {"borderlens__app__starttls": True, "borderlens__inspect": "opened"}
    talk.said(2525, "smtp", smtp__helo="lobby-3.site.example", borderlens__app__credentials=True, **inside)
    talk.said(2121, "ftp", borderlens__app__path="rec.bin", borderlens__app__credentials=True, **inside)
    for port, proto in ((1143, "imap"), (1110, "pop3")):
        talk.said(port, proto, **inside)
    for port, server in served.items():
        equal("nothing came between the command and TLS", [data for what, data in server.received if what == "before tls"], [b""])
    equal("the file's size", [data for what, data in served[2121].received if what == "file's size"], [str(os.path.getsize(talk.photo))])
    equal("the file", [data for what, data in served[2121].received if what == "file"], [talk.digest])
    equal("a mail", len([data for what, data in served[2525].received if what == "mail"]), 1)
    talk.keeps_no_secret()


if __name__ == "__main__":
    harness.main()
