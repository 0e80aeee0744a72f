# SPDX-License-Identifier: MIT
"""The shipped rule sets in the data path: one camera asks four clouds under
each of them, by the default databases where they were fetched."""

import json
import os
import sys

import harness
from appliance import ROOT
from cameras import ALIBABA_CN, ALIBABA_DE, AMAZON_DE, NOWHERE6
from harness import check, equal, port_of, story
from servers import Server, context

sys.path.append(f"{ROOT}/tests/config")
import wrong_files  # noqa: E402

BATCH = 60  # of the 64 rule sets that a configuration may have
GEO = os.environ.get("BORDERLENS_GEO", "/var/cache/borderlens/geo")
CLOUDS = {
    "Amazon in Frankfurt": (AMAZON_DE, "media.cameras.example"),
    "Alibaba in Frankfurt": (ALIBABA_DE, "litedev.hik-connect.com"),
    "Alibaba in Hangzhou": (ALIBABA_CN, "open.ys7.com"),
    "nobody knows": (NOWHERE6, "unlisted.cameras.example"),
}
# Of each set: verdict and rule for each cloud, in the order above.
SETS = {
    "eu-gdpr": ("allow 40", "block default", "block default", "block unknown"),
    "uk": ("allow 40", "block default", "block default", "block unknown"),
    "us-28cfr202": ("allow default", "block 20", "block 10", "observe unknown"),
    "us-padfa": ("allow default", "block 20", "block 10", "observe unknown"),
    "us-889": ("observe default", "observe named", "observe named", "observe unknown"),
    "cz-nukib": ("allow default", "block seat", "block place", "observe unknown"),
    "ro": ("allow 40", "block default", "block default", "block unknown"),
    "rs": ("block default", "block default", "block default", "block unknown"),
    "au": ("observe default", "observe default", "observe default", "observe unknown"),
    "lab-observe": ("observe partly-outside", "observe partly-outside", "observe default", "observe unknown"),
}


def ruleset(name):
    return f"{ROOT}/config/rulesets/{name}.yaml"


def databases():
    """Those that ./run fetches; without them the laboratory's own, which say
    the same of these clouds."""
    files = [f"{GEO}/{name}.mmdb" for name in ("dbip-country", "geo-whois-asn-country", "asn")]
    if not all(os.path.exists(file) for file in files):
        return {}
    return {"geo": {"country": files[:2], "asn": files[2]}}


def open_clouds(lab):
    identity = context(lab.pki.server(*(name for _, name in CLOUDS.values())))
    for address, _ in CLOUDS.values():
        lab.server(Server(lab.net.net, address, tls=identity))


def ask(lab, camera, address, name):
    """A camera's request: its port, and whether it was answered."""
    with lab.connect(address) as raw:
        port = port_of(raw)
        try:
            with camera.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
                return port, harness.read_all(tls).startswith(b"HTTP/1.1 200")
        except OSError:
            return port, False


def expect(lab, appliance, camera, cloud, want):
    """One cloud under one set; what the record says of it."""
    address, name = CLOUDS[cloud]
    before = lab.net.arrived(address)
    port, answered = ask(lab, camera, address, name)
    own = appliance.eve.wait(10, event_type="flow", dest_ip=address, src_port=port)["borderlens"]
    verdict, rule = want.split()
    equal("verdict and rule", f"{own['verdict']} {own['rule']}", want)
    equal("answered", answered, verdict != "block")
    check("a sentence", own["why"])
    if verdict == "block":
        equal("stage", own["verdict_stage"], "address")
        equal("bytes that left", own["left"]["up"], 0)
        equal("packets that arrived", lab.net.arrived(address) - before, 0)
    else:
        check("bytes left", own["left"]["up"] > 0)
    return own


def under(lab, names, changes):
    appliance = lab.started(changes={"rules": [ruleset(name) for name in names], "workers": 1, **changes})
    return appliance, lab.camera_context(appliance)


def reload(appliance, **changes):
    """Change the configuration's keys, and have it taken over."""
    with open(appliance.config_path, encoding="utf-8") as file:
        settings = json.load(file)
    harness.write(appliance.config_path, json.dumps(harness.merge(settings, changes), indent=1))
    return appliance.command("reload")


@story(150)
def each_shipped_set_decides_about_four_clouds(lab):
    open_clouds(lab)
    appliance, camera = under(lab, ["lab-observe"], databases())
    for name, verdicts in SETS.items():
        equal("reload", reload(appliance, rules=[ruleset(name)]).returncode, 0)
        for cloud, want in zip(CLOUDS, verdicts):
            try:
                own = expect(lab, appliance, camera, cloud, want)
                equal("rule set", own["ruleset"], name)
            except AssertionError as error:
                raise AssertionError(f"{name}, {cloud}: {error}") from None


@story()
def an_inventory_is_kept_beside_a_set_that_blocks(lab):
    """us-889 only observes, so another set decides; its finding is flagged all the same."""
    open_clouds(lab)
    appliance, camera = under(lab, ["eu-gdpr", "us-889"], databases())
    own = expect(lab, appliance, camera, "Alibaba in Frankfurt", "block default")
    equal("who decided", own["ruleset"], "eu-gdpr")
    equal("who flagged", f"{own['flag']['ruleset']} {own['flag']['rule']}", "us-889 named")
    alerts = appliance.eve.wait(10, count=2, event_type="alert", src_ip="192.168.77.10")
    equal("alerts", sorted(alert["alert"]["category"] for alert in alerts),
          ["Connection blocked by rule", "Connection flagged by rule"])
    equal("its vendor", own["place"]["vendor"], "Hikvision")
    own = expect(lab, appliance, camera, "Amazon in Frankfurt", "allow 40")
    check("no finding", "flag" not in own)


# ---- wrong files, and an appliance that runs ----

def batches(expected):
    """Names of files that go into one reload, with how they are named there."""
    rules = sorted(name for name in expected if name.startswith("rules-"))
    for first in range(0, len(rules), BATCH):
        yield rules[first:first + BATCH], "rules"
    yield ["devices-mac.yaml"], "devices"
    yield ["devices-made-fifo.yaml"], "devices"


@story(60)
def wrong_files_leave_a_running_appliance_as_it_is(lab):
    open_clouds(lab)
    appliance, camera = under(lab, ["eu-gdpr"], {})
    directory = os.path.join(lab.directory, "wrong")
    os.mkdir(directory)
    expected = wrong_files.prepare(directory)
    address, name = CLOUDS["Amazon in Frankfurt"]
    with lab.open_tls(camera, address=address, name=name) as kept:
        for names, key in batches(expected):
            paths = [f"{directory}/{name}" for name in names]
            done = reload(appliance, rules=paths if key == "rules" else [ruleset("eu-gdpr")],
                          **({"devices": paths[0]} if key == "devices" else {}))
            equal("exit", done.returncode, wrong_files.EXIT_CONFIG)
            said = done.stderr.splitlines()
            for path, name in zip(paths, names):
                for _, wanted in expected[name]:
                    check(f"{name}: {wanted!r} is said", any(path in line and wanted in line for line in said),
                          done.stderr[-2000:])
        equal("generation", json.loads(appliance.command("status", "--json").stdout)["generation"], 1)
        kept.sendall(b"GET / HTTP/1.1\r\nHost: cloud\r\n\r\n")
        check("the open connection lives", harness.read_all(kept).startswith(b"HTTP/1.1 200"))
    own = expect(lab, appliance, camera, "Alibaba in Hangzhou", "block default")
    equal("by the old set", own["ruleset"], "eu-gdpr")


if __name__ == "__main__":
    harness.main()
