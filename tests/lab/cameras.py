# SPDX-License-Identifier: MIT
"""The laboratory's cameras: real clients that nobody here wrote, and what must
become of each of their connections under rulesets/eu-gdpr.yaml."""

import os

AMAZON_DE = "3.120.0.10"
AMAZON_DE6 = "2a05:d014::10"
ALIBABA_DE = "47.254.128.10"
ALIBABA_CN = "47.96.0.10"
TELECOM_CN6 = "240e:1::10"
NOWHERE6 = "3000::d00d"  # not given to anyone: no database can know it

# What the databases must say of the clouds, for the laboratory to show what it
# means to show: located, registered, operator (None: unknown), AS number.
PLACES = {
    AMAZON_DE: ("DE", "DE", "US", 16509),
    AMAZON_DE6: ("DE", "DE", "US", 16509),
    ALIBABA_DE: ("DE", "US", "CN", 45102),
    ALIBABA_CN: ("CN", "CN", "CN", 37963),
    TELECOM_CN6: ("CN", "CN", "CN", 4134),
    NOWHERE6: (None, None, None, 0),
}
REFUSED = (ALIBABA_DE, ALIBABA_CN, TELECOM_CN6, NOWHERE6)

# What the cameras' resolver says.  Names of vendors' clouds are real ones, so
# that the vendor is a fact too; no such server is asked: the laboratory's are.
HOSTS = {
    "media.cameras.example": AMAZON_DE,
    "media6.cameras.example": AMAZON_DE6,
    "events.cameras.example": AMAZON_DE,
    "old.cameras.example": AMAZON_DE,
    "litedev.hik-connect.com": ALIBABA_DE,
    "open.ys7.com": ALIBABA_CN,
    "www.easy4ipcloud.com": TELECOM_CN6,
    "unlisted.cameras.example": NOWHERE6,
}

DEVICES = {
    "lobby-1": 10,
    "gate-2": 11,
    "garage-3": 12,
    "yard-4": 13,
    "dock-5": 14,
    "roof-6": 15,
    "vault-7": 16,
}


def address_of(device, v6=False):
    return f"{'fd77::' if v6 else '192.168.77.'}{DEVICES[device]}"


class Story:
    """One connection of one camera: its client, and how it must end."""

    def __init__(self, device, name, what, command, verdict, inspect, **more):
        self.device, self.name, self.what, self.command = device, name, what, command
        self.verdict, self.inspect = verdict, inspect
        self.works = more.get("works", verdict == "allow")  # the client's own opinion
        self.least_up = more.get("least_up", 0)             # bytes that must have gone up
        self.stdin = more.get("stdin", b"")
        self.address = HOSTS[name]
        self.source = address_of(device, ":" in self.address)

    def wrong(self, event, exit_status):
        """What is not as it must be, in words; "" when all is."""
        own = event.get("borderlens", {})
        faults = []
        if own.get("verdict") != self.verdict:
            faults.append(f"verdict {own.get('verdict')}, not {self.verdict}")
        if own.get("inspect") != self.inspect:
            faults.append(f"inspect {own.get('inspect')}, not {self.inspect}")
        if (exit_status == 0) != self.works:
            faults.append(f"the client ended with {exit_status}")
        left = own.get("left", {}).get("up", -1)
        if self.verdict == "block" and left != 0:
            faults.append(f"{left} bytes left for a blocked place")
        if own.get("payload", {}).get("up", -1) < self.least_up:
            faults.append(f"less than {self.least_up} bytes went up")
        faults += self._misplaced(own.get("place", {}))
        return "; ".join(faults)

    def _misplaced(self, place):
        located, registered, operator, asn = PLACES[self.address]
        want = {"located": located, "registered": registered, "operator": operator}
        faults = [f"{fact} {place.get(fact)}, not {value or 'unknown'}" for fact, value in want.items()
                  if place.get(fact) != (value or "unknown")]
        if (place.get("asn") or 0) != asn:
            faults.append(f"AS{place.get('asn')}, not AS{asn}")
        return faults


def curl(device, url, ca, *more, v6=False):
    return ["curl", "-sS", "--max-time", "20", "--cacert", ca, "--interface", address_of(device, v6), *more, url]


def stories(directory, appliance_ca, cloud_ca):
    """All of them, in the order they are told.  appliance_ca: the authority
    that a camera under this gateway trusts; cloud_ca: the cloud's own, which is
    all that the pinned camera trusts."""
    snapshot = os.path.join(directory, "snapshot.jpg")
    with open(snapshot, "wb") as out:
        out.write(b"\xff\xd8\xff\xe0" + os.urandom(200_000))
    media = "https://media.cameras.example"
    pinned = curl("vault-7", media + "/pinned", cloud_ca)
    video = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi",
             "-i", "testsrc2=size=640x360:rate=15", "-t", "3", "-c:v", "libx264", "-preset", "ultrafast",
             "-g", "30", "-f", "mpegts", "-method", "PUT", "-tls_verify", "1", "-ca_file", appliance_ca,
             media + "/live.ts"]
    return [
        Story("lobby-1", "media.cameras.example", "ffmpeg pushes 3 s of H.264", video, "allow", "opened",
              least_up=50_000),
        Story("gate-2", "media.cameras.example", "curl posts a picture",
              curl("gate-2", media + "/snapshot", appliance_ca, "--data-binary", "@" + snapshot),
              "allow", "opened", least_up=200_000),
        Story("gate-2", "media6.cameras.example", "curl posts a picture over IPv6",
              curl("gate-2", "https://media6.cameras.example/snapshot", appliance_ca,
                   "--data-binary", "@" + snapshot, v6=True), "allow", "opened", least_up=200_000),
        Story("garage-3", "events.cameras.example", "mosquitto_pub tells of motion by MQTT",
              ["mosquitto_pub", "-h", "events.cameras.example", "-p", "8883", "--cafile", appliance_ca, "-A",
               address_of("garage-3"), "-t", "garage/motion", "-m", '{"motion": true}', "-q", "1"],
              "allow", "opened", least_up=40),
        Story("yard-4", "litedev.hik-connect.com", "openssl asks Alibaba's cloud in Germany",
              ["openssl", "s_client", "-connect", ALIBABA_DE + ":443", "-servername", "litedev.hik-connect.com",
               "-bind", address_of("yard-4"), "-CAfile", appliance_ca, "-verify_return_error", "-brief"],
              "block", "refused"),
        Story("roof-6", "open.ys7.com", "wget asks a cloud in China",
              ["wget", "-q", "-O", "/dev/null", "--tries=1", "--timeout=15", "--bind-address",
               address_of("roof-6"), "--ca-certificate", appliance_ca, "https://open.ys7.com/api"],
              "block", "refused"),
        Story("roof-6", "www.easy4ipcloud.com", "curl asks a cloud in China over IPv6",
              curl("roof-6", "https://www.easy4ipcloud.com/", appliance_ca, v6=True), "block", "refused"),
        Story("dock-5", "unlisted.cameras.example", "curl asks a place no database knows",
              curl("dock-5", "https://unlisted.cameras.example/", appliance_ca, v6=True), "block", "refused"),
        Story("dock-5", "old.cameras.example", "curl asks a server whose certificate expired",
              curl("dock-5", "https://old.cameras.example:8443/", appliance_ca), "block", "refused"),
        Story("lobby-1", "media6.cameras.example", "gnutls-cli asks over IPv6",
              ["gnutls-cli", "--x509cafile", appliance_ca, "--sni-hostname", "media6.cameras.example",
               "--verify-hostname", "media6.cameras.example", "-p", "443", AMAZON_DE6], "allow", "opened",
              stdin=b"GET / HTTP/1.1\r\nHost: media6.cameras.example\r\n\r\n", least_up=40),
        Story("vault-7", "media.cameras.example", "curl that trusts its cloud only: our leaf is refused",
              pinned, "allow", "rejected", works=False),
        Story("vault-7", "media.cameras.example", "the same again: passes through, undecrypted",
              pinned, "allow", "passthrough"),
    ]
