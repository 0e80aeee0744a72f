# SPDX-License-Identifier: MIT
"""Real programs as cameras, to real servers where there are any: each is run where
it is allowed, where its place is refused, and, where it sends footage, where no
footage may leave; and of each the record must say the class, the name, the facts,
the bytes that the far side has, the verdict and what left."""

import json
import socket
import subprocess
import threading

import dialogs
import harness
from cameras import REFUSED
from harness import GOOD, NAME, ROOT, equal, story
from programs import Background, Datagrams, Expected, Row, Sink, Tap, film, listening, run_all, NO_CLASS
from servers import Process, Server, context

BAD = REFUSED[0]
BAD_NAME = "cloud.refused.example"
DEBIAN = "/usr/bin/python3"  # the one that Debian's libraries are for
CLIENTS = f"{ROOT}/tests/lab/clients"
RTSP_PORTS = (8554, 8555)
INNER = 20000  # a real server's port, behind its tap
NO_FOOTAGE = harness.RULES.replace("""  - {id: 20,""", """  - {id: 15, match: {class: [video, image]}, then: block, why: "No footage leaves"}
  - {id: 20,""")
UNBOUND = """\
server:
  interface: {address}@53
  interface: 127.0.0.1@{plain}
  interface: 127.0.0.1@{https}
  https-port: {https}
  http-notls-downstream: yes
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "{dir}"
  pidfile: "{dir}/unbound.pid"
  module-config: "iterator"
  local-zone: "example." static
  local-data: "{name}. 60 IN A {address}"
  local-data: "{bad_name}. 60 IN A {bad}"
remote-control:
  control-enable: no
"""
SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://docs.oasis-open.org/wsn/b-2">
<s:Header><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify</a:Action></s:Header>
<s:Body><w:Notify><w:NotificationMessage><w:Topic>tns1:VideoSource/MotionAlarm</w:Topic></w:NotificationMessage></w:Notify></s:Body></s:Envelope>
"""


class Bench:
    """The servers of all rows, the appliance, and the rows."""

    def __init__(self, lab):
        self.lab, self.rows, self.space = lab, [], lab.net.net
        self.dir = lab.directory
        self.make_files()

    def make_files(self):
        self.mp4 = film(self.dir, "film.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "frag_keyframe+empty_moov")
        self.jpeg = film(self.dir, "photo.jpg", "-frames:v", "1")
        self.status = f"{self.dir}/status.json"
        harness.write(self.status, json.dumps({"device": "lobby-1", "temperature": 21.5, "uptime": 86400, "status": "ok"}))
        self.soap = f"{self.dir}/notify.xml"
        harness.write(self.soap, SOAP)

    def add(self, label, port, *command, **more):
        self.rows.append(Row(label, port, command, **more))

    def background(self, *command, **options):
        return self.lab.server(Background(self.space, *command, **options))

    def tap(self, port, inner=None, tls=None):
        return self.lab.server(Tap(self.space, GOOD, port, ("127.0.0.1", inner or INNER + port), tls))

    def tls(self, *alpn):
        made = context(self.lab.good)
        if alpn:
            made.set_alpn_protocols(list(alpn))
        return made

    def program(self, label, port, *command, opened=False, inner=None, alpn=(), **more):
        """A row over TCP, with a tap before its server."""
        far = self.tap(port, inner, self.tls(*alpn) if opened else None)
        more.setdefault("name", "tls__sni" if opened else "borderlens__looked_up")
        more.setdefault("inspect", "opened" if opened else "plain")
        self.add(label, port, *command, far=far, **more)


# ---- HTTP ----

def https(bench):
    """One server for them all, behind a tap each."""
    bench.lab.server(Server(bench.space, "127.0.0.1", INNER))
    curl = ("curl", "-sS", "--max-time", "15", "--cacert", "{ca}", "-A", "cam/1.2")
    url = "https://{host}:{port}/up"
    put = {"says": {"http__http_method": "PUT", "http__url": "/up", "http__http_user_agent": "cam/1.2"}, "hears": {"http__status": 200}}

    def row(label, port, *command, opened=True, payload=("telemetry", "probable"), **more):
        bench.program(label, port, *command, opened=opened, inner=INNER, payload=payload,
                      proto="tls" if opened else "http", **more)

    row("curl puts a picture", 443, *curl, "-T", bench.jpeg, url, payload=("image", "identified"), footage=0, **put)
    row("curl puts a film, plain", 8080, *curl, "-T", bench.mp4, "http://{host}:{port}/up", opened=False,
        payload=("video", "identified"), footage=0, **put)
    row("curl posts a SOAP notification", 8002, *curl, "-H", "Content-Type: application/soap+xml", "--data-binary", f"@{bench.soap}", url,
        says={"borderlens__app__soap": True, "http__http_method": "POST"})
    row("ffmpeg puts MPEG-TS", 8003, "ffmpeg", "-loglevel", "error", "-i", bench.mp4, "-c", "copy", "-f", "mpegts", "-method", "PUT",
        "-tls_verify", "1", "-ca_file", "{ca}", url, payload=("video", "identified"), status=None, says={"http__http_method": "PUT"},
        footage=0)
    row("wget posts its state", 8004, "wget", "-q", "-O", "-", "--tries=1", "--timeout=15", "--ca-certificate", "{ca}",
        "--post-file", bench.status, url, payload=("telemetry", "identified"), says={"http__http_method": "POST"})
    asked = b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n"
    row("gnutls-cli asks", 8005, "gnutls-cli", "--x509cafile", "{ca}", "-p", "{port}", "{host}", stdin=asked)
    row("openssl asks", 8006, "openssl", "s_client", "-connect", "{host}:{port}", "-servername", "{host}", "-CAfile", "{ca}",
        "-verify_return_error", "-quiet", stdin=asked)
    row("mbedTLS asks", 8007, built(bench, "mbedtls", "-lmbedtls", "-lmbedx509", "-lmbedcrypto"), "{address}", "{port}", "{host}", "{ca}",
        "required")
    row("wolfSSL asks", 8008, built(bench, "wolfssl", "-lwolfssl"), "{address}", "{port}", "{host}", "{ca}", "1.3")
    http2(bench, curl)


def http2(bench, curl):
    port = INNER + 8443
    bench.lab.server(Process(bench.space, ["node", f"{CLIENTS}/http2_server.js", "127.0.0.1", str(port), f"{bench.dir}/http2.log"],
                             f"{bench.dir}/http2.err", "127.0.0.1", port))
    more = {"payload": ("image", "identified"), "footage": 200,
            "says": {"http__http_method": "PUT", "http__version": "2", "borderlens__app__proto": "http2"}, "hears": {"http__status": 201}}
    bench.program("curl puts a picture by HTTP/2", 8443, *curl, "--http2", "-T", bench.jpeg, "https://{host}:{port}/up", opened=True,
                  alpn=["h2"], proto="tls", **more)
    bench.program("curl puts a picture by HTTP/2, plain", 8081, *curl, "--http2-prior-knowledge", "-T", bench.jpeg,
                  "http://{host}:{port}/up", inner=port, proto="http2", **more)


def built(bench, name, *libraries):
    program = f"{bench.dir}/{name}"
    done = subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-o", program, f"{CLIENTS}/{name}.c", *libraries],
                          capture_output=True, text=True, check=False)
    equal(f"{name} compiles", (done.returncode, done.stderr), (0, ""))
    return program


# ---- messages, media, shells ----

def mqtt(bench):
    plain, web = INNER + 8883, INNER + 8884
    config = f"{bench.dir}/broker.conf"
    harness.write(config, f"persistence false\nuser root\nlistener {plain} 127.0.0.1\nallow_anonymous true\n"
                          f"listener {web} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n")
    bench.background("mosquitto", "-c", config)
    listening(bench.space, web)
    says = {"mqtt__connect__client_id": "lobby-1", "mqtt__publish__topic": "site/lobby/motion"}
    bench.program("mosquitto_pub tells its state", 8883, "mosquitto_pub", "-h", "{host}", "-p", "{port}", "--cafile", "{ca}", "-i", "lobby-1",
                  "-t", "site/lobby/motion", "-f", bench.status, "-q", "1", opened=True, proto="tls",
                  payload=("telemetry", "identified"), says=says)
    bench.program("paho sends a picture by MQTT in WebSockets", 8884, DEBIAN, f"{CLIENTS}/mqtt_websocket.py", "{host}", "{port}", "{ca}",
                  "lobby-1", "site/lobby/motion", bench.jpeg, opened=True, proto="tls", payload=("image", "identified"),
                  says={"borderlens__app__client": "lobby-1", "borderlens__app__proto": "websocket", "http__http_method": "GET"},
                  hears={"http__status": 101}, footage=1000)


def websockets(bench):
    port = INNER + 8885
    bench.background(DEBIAN, f"{CLIENTS}/websocket.py", "serve", str(port))
    listening(bench.space, port)
    client = (DEBIAN, f"{CLIENTS}/websocket.py")
    url = "wss://{host}:{port}/camera"
    bench.program("python3-websockets sends a picture", 8885, *client, "send", url, "{ca}", bench.jpeg, opened=True, proto="tls",
                  payload=("image", "identified"), says={"borderlens__app__proto": "websocket", "http__url": "/camera"}, hears={"http__status": 101},
                  footage=1000)


def rtsp_listener(bench, port):
    """ffmpeg, which takes one stream that is pushed to it."""
    with open(f"{bench.dir}/rtsp-{port}.log", "wb") as log:
        bench.background("ffmpeg", "-loglevel", "error", "-rtsp_flags", "listen", "-i", f"rtsp://127.0.0.1:{INNER + port}/live/lobby",
                         "-c", "copy", "-y", f"{bench.dir}/received-{port}.mkv", stdout=log, stderr=log)
    listening(bench.space, INNER + port)


def media(bench):
    push = ("ffmpeg", "-loglevel", "error", "-i", bench.mp4, "-c", "copy")
    more = {"says": {"borderlens__app__proto": "rtsp", "borderlens__app__path": "/live/lobby"}, "hears": {"borderlens__app__status": 200}}
    for port, opened in zip(RTSP_PORTS, (False, True)):
        rtsp_listener(bench, port)
        bench.program(f"ffmpeg pushes RTSP over {'TLS' if opened else 'TCP'}", port, *push, "-f", "rtsp", "-rtsp_transport", "tcp",
                      "rtsps://{host}:{port}/live/lobby" if opened else "rtsp://{host}:{port}/live/lobby",
                      opened=opened, proto="tls" if opened else "rtsp", payload=("video", "identified"), footage=2500, notices=False,
                      **more)
    bench.background("ffmpeg", "-loglevel", "error", "-listen", "1", "-f", "flv", "-i", f"rtmp://127.0.0.1:{INNER + 1935}/live/lobby",
                     "-c", "copy", "-y", f"{bench.dir}/received.flv")
    listening(bench.space, INNER + 1935)
    bench.program("ffmpeg pushes RTMP", 1935, *push, "-f", "flv", "rtmp://{host}:{port}/live/lobby", proto="unknown",
                  payload=("opaque", "probable"), status=None)


def shell(bench):
    key = f"{bench.dir}/dropbear.key"
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", key], check=True, capture_output=True)
    bench.background("dropbear", "-F", "-E", "-r", key, "-p", f"127.0.0.1:{INNER + 22}", "-P", f"{bench.dir}/dropbear.pid")
    listening(bench.space, INNER + 22)
    bench.program("ssh knocks", 22, "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                  "nobody@{host}", status=255, proto="ssh", payload=("opaque", "probable"),
                  says={"borderlens__app__opaque_inner": True}, notices=False)


# ---- TLS that begins in the middle ----

def starttls(bench):
    tls = bench.tls()
    curl = ("curl", "-sS", "--max-time", "15", "--cacert", "{ca}", "--ssl-reqd", "-u", "cam:a-secret")

    def row(label, port, proto, serve, *command, **more):
        server = bench.lab.server(dialogs.Counted(bench.space, GOOD, port, handler=dialogs.handler(serve, bench.space, tls)))
        says = {"borderlens__app__proto": proto} | more.pop("says", {})
        bench.add(label, port, *command, inspect="opened", far=server, proto="tls", says=says,
                  hears={"borderlens__app__starttls": True}, **more)

    row("swaks sends a picture", 2525, "smtp", dialogs.smtp, "swaks", "--server", "{host}", "--port", "{port}", "--tls", "--tls-ca-path", "{ca}",
        "--helo", "lobby-1.site.example", "--from", "cam@site.example", "--to", "a@b.example", "--attach-type", "image/jpeg",
        "--attach", f"@{bench.jpeg}", payload=("image", "identified"), says={"smtp__helo": "lobby-1.site.example"}, footage=1000)
    row("curl puts a film by FTP", 2121, "ftp", dialogs.ftp, *curl, "-T", bench.mp4, "ftp://{host}:{port}/rec.mp4",
        payload=("control", "identified"), says={"borderlens__app__path": "rec.mp4", "borderlens__app__credentials": True})
    row("curl asks for mail by IMAP", 1143, "imap", dialogs.imap, *curl, "imap://{host}:{port}", payload=("control", "identified"),
        says={"borderlens__app__credentials": True})
    row("curl asks for mail by POP3", 1110, "pop3", dialogs.pop3, *curl, "pop3://{host}:{port}", payload=("control", "identified"),
        says={"borderlens__app__credentials": True})


# ---- lookups ----

def lookups(bench):
    config = f"{bench.dir}/unbound.conf"
    doh = INNER + 8453
    harness.write(config, UNBOUND.format(address=GOOD, https=doh, plain=INNER + 53, dir=bench.dir, name=NAME, bad_name=BAD_NAME, bad=BAD))
    bench.background("unbound", "-d", "-c", config)
    listening(bench.space, doh)
    bench.add("dig", 53, "dig", "@{host}", "+tries=1", "+time=5", NAME, proto="dns", says={"dns__rrname": NAME, "dns__rrtype": "A"}, hears={"dns__rcode": "NOERROR"},
              name="dns__rrname")
    kdig = ("kdig", "@{host}", "-p", "{port}", "+tls-ca={ca}", "+tls-hostname={host}", "+tls-sni={host}", "+retry=0")
    more = {"proto": "tls", "opened": True}
    bench.program("kdig asks over TLS", 853, *kdig, NAME, inner=INNER + 53, payload=("control", "identified"),
                  says={"borderlens__app__proto": "dns", "borderlens__app__encrypted_dns": True}, **more)
    bench.program("kdig asks over HTTPS", 8453, *kdig, "+https=/dns-query", NAME, alpn=["h2"], payload=("opaque", "probable"),
                  says={"borderlens__app__encrypted_dns": True, "http__url": "/dns-query"}, **more)


# ---- datagrams ----

LISTENER = """
import socket, sys
camera = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
camera.connect((sys.argv[1], int(sys.argv[2])))
camera.settimeout(10)
camera.send(b"play it!")
came = 0
while came < 20000:
    came += len(camera.recv(2000))
"""


def play_by_rtp(bench, port):
    """What the camera asked for goes to where it asked from."""
    with bench.space.socket(kind=socket.SOCK_DGRAM) as asked:
        asked.bind((GOOD, port))
        peer = asked.recvfrom(100)[1]
    # It would end with this thread.
    bench.background("ffmpeg", "-loglevel", "error", "-i", bench.mp4, "-c", "copy", "-f", "rtp",
                     f"rtp://{peer[0]}:{peer[1]}?localrtpport={port}&localaddr={GOOD}&pkt_size=1200").process.wait()


def datagrams(bench):
    config = f"{bench.dir}/chrony.conf"
    harness.write(config, f"local stratum 3\nallow all\nbindaddress {GOOD}\ncmdport 0\npidfile {bench.dir}/chrony.pid\nbindcmdaddress /\n")
    bench.background("chronyd", "-d", "-x", "-U", "-f", config)
    bench.background("turnserver", "-n", "-L", GOOD, "-p", "3478", "--aux-server", f"{GOOD}:3479", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "-u", "camera:secret",
                     "-r", "lab", "-l", "stdout", "--no-stdout-log", "--pidfile", f"{bench.dir}/turn.pid", "--db", f"{bench.dir}/turn.db",
                     "--allowed-peer-ip", GOOD)
    bench.background("turnutils_peer", "-L", GOOD, "-p", "3480")
    bench.background("openssl", "s_server", "-dtls", "-accept", f"{GOOD}:4433", "-cert", bench.lab.good.chain, "-key", bench.lab.good.key,
                     "-quiet", stdin=subprocess.PIPE)
    for port in (6000, 6001, 6010, 6012, 6014, 6016, 162, 514):
        bench.lab.server(Sink(bench.space, GOOD, port))
    for port in (123, 3478, 3479, 3480, 4433):
        listening(bench.space, port, datagrams=True)

    def row(label, port, *command, **more):
        bench.add(label, port, *command, **more)

    row("ntpdate asks for the time", 123, "ntpdate", "-q", "{host}", proto="ntp")
    row("turnutils_stunclient asks", 3479, "turnutils_stunclient", "-p", "{port}", "{host}", proto="stun", status=None)
    row("turnutils_uclient relays", 3478, "turnutils_uclient", "-u", "camera", "-w", "secret", "-n", "5", "-c", "-e", GOOD, "-r", "3480",
        "{host}", proto="turn", says={"borderlens__app__method": "Allocate"})
    row("openssl speaks DTLS", 4433, "openssl", "s_client", "-dtls", "-connect", "{host}:{port}", "-servername", "{host}", "-CAfile",
        bench.lab.pki.root.chain, stdin=b"Q\n", proto="dtls", name="tls__sni", inspect="passthrough", says={"tls__version": "DTLS 1.2"})
    row("ffmpeg pushes RTP", 6000, "ffmpeg", "-loglevel", "error", "-re", "-i", bench.mp4, "-c", "copy", "-f", "rtp",
        "rtp://{host}:{port}?pkt_size=1200", proto="rtp", payload=("video", "probable"), footage=0, notices=False)
    for port, what, *codec in ((6010, "Opus", "libopus", "-ar", "48000"), (6012, "AAC", "aac"), (6014, "AAC in LATM", "aac", "-rtpflags", "latm"),
                               (6016, "G.711", "pcm_alaw", "-ar", "8000")):
        row(f"ffmpeg pushes {what} by RTP", port, "ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=1", "-ac", "1", "-c:a", *codec,
            "-f", "rtp", "rtp://{host}:{port}?rtcpport=6001", proto="rtp", payload=("audio", "identified"), notices=False)
    threading.Thread(target=play_by_rtp, args=(bench, 6100), daemon=True).start()
    row("ffmpeg plays to who asks for RTP", 6100, DEBIAN, "-c", LISTENER, "{host}", "{port}", proto="unknown", inspect="undecodable",
        says={"borderlens__app__first": b"play it!".hex()})
    row("snmptrap", 162, "snmptrap", "-v", "2c", "-c", "public", "{host}:{port}", "", "1.3.6.1.4.1.8072.2.3.0.1", proto="unknown",
        inspect="undecodable", notices=False)
    row("logger", 514, "logger", "-n", "{host}", "-P", "{port}", "-d", "motion at the gate", proto="unknown", inspect="undecodable",
        notices=False)


def srt_listener(bench):
    """ffmpeg, which takes one stream, too."""
    bench.background("ffmpeg", "-loglevel", "error", "-i", f"srt://{GOOD}:9710?mode=listener", "-c", "copy", "-y", f"{bench.dir}/received.ts")
    listening(bench.space, 9710, datagrams=True)


def srt(bench):
    srt_listener(bench)
    bench.add("ffmpeg pushes SRT", 9710, "timeout", "8", "ffmpeg", "-loglevel", "error", "-re", "-i", bench.mp4, "-c", "copy", "-f", "mpegts",
              "srt://{host}:{port}?mode=caller", proto="unknown", inspect="undecodable", payload=("video", "identified"), opening=True,
              footage=0, notices=False, says={"borderlens__app__first": "8000000000000000"})


def quic(bench):
    bench.background("gtlsserver", "-q", "-d", bench.dir, GOOD, "4434", bench.lab.good.key, bench.lab.good.chain)
    listening(bench.space, 4434, datagrams=True)
    bench.add("gtlsclient speaks HTTP/3", 4434, "gtlsclient", "-q", "--exit-on-all-streams-close", "--handshake-timeout=2s", "{host}", "{port}",
              "https://{host}:{port}/photo.jpg", proto="quic", name="quic__sni", inspect="passthrough",
              says={"quic__version": "1"}, status=None)
    bench.program("curl asks there without QUIC", 4434, "curl", "-sS", "--max-time", "15", "--cacert", "{ca}", "https://{host}:{port}/",
                  opened=True, inner=INNER, proto="tls", payload=("telemetry", "probable"))


KINDS = (https, mqtt, websockets, media, shell, starttls, lookups, datagrams, srt, quic)


def prepare(lab):
    bench = Bench(lab)
    for kind in KINDS:
        kind(bench)
    bench.datagrams = Datagrams(bench.space, GOOD, [row.port for row in bench.rows if row.datagrams])
    bench.appliance = lab.appliance(changes={"devices": "devices.yaml"})
    harness.write(f"{bench.appliance.directory}/devices.yaml", "devices:\n  - {name: lobby-1, ip: [192.168.77.10]}\n")
    lab.net.name_hosts({}, resolver=GOOD)
    return bench


def reconfigure(bench):
    """No footage leaves, and QUIC passes."""
    with open(bench.appliance.config_path, encoding="utf-8") as file:
        settings = json.load(file)
    harness.write(bench.appliance.config_path, json.dumps(settings | {"quic": "allow"}, indent=1))
    harness.write(settings["rules"][0], NO_FOOTAGE)
    for port in RTSP_PORTS:
        rtsp_listener(bench, port)
    srt_listener(bench)


def play(bench, *runs):
    """One run of the appliance: rows with what is expected of each."""
    bench.appliance.start()
    ca = f"{bench.dir}/authority.pem"
    harness.write(ca, bench.appliance.command("ca", "export").stdout)
    bench.appliance.eve.poll()
    bench.appliance.eve.events.clear()
    for row in bench.rows:
        row.begin(bench.datagrams)
    ends = run_all([(one.row, {"host": one.name, "address": one.address, "ca": ca}) for one in runs], bench.lab.net.cam)
    equal("the appliance's exit", bench.appliance.stop(), 0)
    bench.appliance.recorded()
    wrong = []
    for one, (status, said) in zip(runs, ends):
        served = one.verdict == "allow"
        if (served or one.row.notices) and one.row.status is not None and (status == one.row.status) != served:
            wrong.append(f"{one.row.label} to {one.address} ends with {status}: {said[-300:]!r}")
        wrong += one.wrong(bench.appliance, one.row.arrived(bench.datagrams) if one.address == GOOD else (0, 0))
    return wrong


def at_its_best(row):
    """Where it is allowed; but QUIC, which is not."""
    if row.proto == "quic":
        return Expected(row, GOOD, NAME, verdict="block", rule="quic", inspect="refused")
    return Expected(row, GOOD, NAME)


def without_footage(row):
    """Where no footage may leave: what it is, is known by then, and what it is
    answered is not."""
    return Expected(row, GOOD, NAME, verdict="block", rule="15", says={"app_proto": row.proto, **row.says}, most=row.footage,
                    inspect="refused" if row.datagrams else row.inspect)


def at_a_refused_place(row):
    """Nothing of it was let out, so of a connection nothing is known but where
    it was to go and by which name it was looked up."""
    changes = {"verdict": "block", "rule": "10", "inspect": "refused", "most": 0}
    if row.datagrams:
        return Expected(row, BAD, BAD_NAME, says={"app_proto": row.proto, **row.says},
                        payload=NO_CLASS if row.opening else row.payload, **changes)
    return Expected(row, BAD, BAD_NAME, payload=NO_CLASS, says={}, name_at="borderlens__looked_up", **changes)


@story(120)
def programs_are_told_counted_and_judged(lab):
    bench = prepare(lab)
    wrong = play(bench, *map(at_its_best, bench.rows))
    equal("what is not as it must be", wrong, [])
    reconfigure(bench)
    before = lab.net.arrived(BAD)
    footage = [row for row in bench.rows if row.footage is not None]
    wrong = play(bench, *map(without_footage, footage), *map(at_a_refused_place, bench.rows),
                 *(Expected(row, GOOD, NAME) for row in bench.rows if row.proto == "quic"))
    equal("what is not as it must be where it is refused", wrong, [])
    equal("packets that reached the refused place", lab.net.arrived(BAD) - before, 0)
    equal("packets from a camera's own address", lab.net.leaked(), 0)


if __name__ == "__main__":
    harness.main()
