# SPDX-License-Identifier: MIT
"""`geo update` brings newer databases and the appliance judges by them; what is
broken, older or smaller leaves everything as it was.  The packages are made
here, of databases that mmdb_maker builds: npm packs them as it packs others."""

import hashlib
import json
import os
import shutil

import harness
from appliance import ROOT
from harness import GOOD, check, equal, story, write
from servers import Server, context

JUNE, JULY, AUGUST, SEPTEMBER = 2026060100, 2026070100, 2026080100, 2026090100
EPOCH = {JUNE: 1780272000, JULY: 1782864000, AUGUST: 1785542400, SEPTEMBER: 1788220800}
FILLING = tuple(f"5.{i}.0.0/16" for i in range(8))  # so that a smaller one is seen


def lines_of(role, good):
    value = {"located": "country_code={}", "asn": "autonomous_system_number={}"}[role]
    return "".join(f"{prefix} {value.format(what)}\n" for prefix, what in
                   [("3.120.0.0/24", good), *((prefix, "FR" if role == "located" else 3215) for prefix in FILLING)])


class Source:
    """Two packages, each a directory, and the pins that name them."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        self.pins = os.path.join(directory, "pins")
        self.rows = {}

    def publish(self, stamp, **roles):
        """A new version of the packages that are named."""
        for role, good in roles.items():
            package = os.path.join(self.directory, role)
            os.makedirs(package, exist_ok=True)
            write(f"{package}/package.json", json.dumps({"name": role, "version": f"1.0.{stamp}"}))
            path = f"{package}/{role}.mmdb"
            harness.network.run(harness.database_maker(), "-e", str(EPOCH[stamp]), path, input=lines_of(role, good))
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            self.rows[role] = f"{role}.mmdb {package} 1.0.{stamp} {role}.mmdb:{digest}\n"
        write(self.pins, "".join(self.rows.values()))

    def offer(self):
        """What is fetched from now on is from here."""
        os.environ.update(BORDERLENS_GEO_PINS=self.pins, BORDERLENS_GEO_FETCH=f"{ROOT}/geo/fetch")


def site(lab):
    """An appliance that is not started, with databases of June, and their source."""
    appliance = lab.appliance()
    geo = f"{appliance.directory}/geo"
    settings = lab.settings(appliance.directory, {"geo": {"country": [f"{geo}/located.mmdb"], "asn": f"{geo}/asn.mmdb"}})
    write(appliance.config_path, json.dumps(settings))
    source = Source(f"{appliance.directory}/source")
    source.publish(JUNE, located="DE", asn=16509)
    source.offer()
    harness.network.run(f"{ROOT}/geo/fetch", geo)
    return appliance, source, geo


def located(appliance):
    return json.loads(appliance.command("geo", "lookup", GOOD, "--json").stdout)["located"]


def contents(directory):
    """Every file's bytes."""
    found = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = file.read()
    return found


@story()
def newer_databases_are_checked_and_taken(lab):
    appliance, source, geo = site(lab)
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance.start()
    camera = lab.camera_context(appliance)
    check("what is in Germany is let through", lab.request(camera))
    appliance.eve.wait(event_type="flow")
    old = contents(geo)
    source.publish(JULY, located="CN")
    done = appliance.command("geo", "update", "--json")
    equal("update's exit", done.returncode, 0)
    told = json.loads(done.stdout)
    equal("result", told["result"], "updated")
    equal("taken", told["taken"], "yes")
    equal("dates", [row["built"] for row in told["databases"]], ["2026-07-01", "2026-06-01"])
    equal("differences", told["differences"], 1)
    row = told["rows"][0]
    equal("the row", (row["dest_ip"], row["change"], row["located"], row["was"]["rule"], row["would_be"]["rule"]),
          (GOOD, "blocked", "CN", "20", "10"))
    equal("located", located(appliance), "CN")
    kept = contents(f"{geo}.last")
    equal("what was there is kept", {name: kept[name] for name in ("located.mmdb", "asn.mmdb")},
          {name: old[name] for name in ("located.mmdb", "asn.mmdb")})
    check("nothing else is left", not os.path.exists(f"{geo}.next"))
    harness.refused(lab.request, camera)
    flow = appliance.eve.wait(event_type="flow", borderlens__end="refused")
    equal("left", flow["borderlens"]["left"]["up"], 0)
    equal("basis", flow["borderlens"]["place"]["basis"]["country"], "located@2026-07-01")
    again = appliance.command("geo", "update")
    equal("a second update's exit", again.returncode, 0)
    check("nothing is newer", "nothing newer" in again.stdout, again.stdout)
    is_told_later(lab, appliance, source, geo)
    comes_back(appliance, source, geo)


def is_told_later(lab, appliance, source, geo):
    """An update was killed when the databases were in place, and the appliance not asked."""
    source.publish(AUGUST, located="CN")
    harness.network.run(f"{ROOT}/geo/fetch", geo)
    write(f"{geo}/.untold", "")
    done = appliance.command("geo", "update", "--json")
    equal("the next update", (done.returncode, json.loads(done.stdout)["result"], json.loads(done.stdout)["taken"]),
          (0, "unchanged", "yes"))
    check("it is told once", not os.path.exists(f"{geo}/.untold"))
    harness.refused(lab.request, lab.camera_context(appliance))
    appliance.eve.wait(event_type="flow", borderlens__end="refused", borderlens__place__basis__country="located@2026-08-01")


def comes_back(appliance, source, geo):
    """What the appliance does not take is not left for its next start."""
    with open(appliance.config_path, encoding="utf-8") as file:
        write(appliance.config_path, file.read().replace('"workers": 2', '"workers": 1'))
    before = contents(geo)
    source.publish(SEPTEMBER, located="FR")
    done = appliance.command("geo", "update", "--json")
    equal("the exit of an update that is not taken", done.returncode, 1)
    told = json.loads(done.stdout)
    equal("result", (told["result"], told["taken"]), ("failed", "no"))
    check("it is said who refused", "the appliance did not take" in told["why"], told["why"])
    equal("what was there is back", contents(geo), before)
    equal("located as before", located(appliance), "CN")


@story()
def what_cannot_be_used_leaves_everything_as_it_was(lab):
    appliance, source, geo = site(lab)
    before = contents(geo)

    def refuses(what, *words, options=()):
        done = appliance.command("geo", "update", "--json", *options)
        equal(f"{what}: exit", done.returncode, 1)
        told = json.loads(done.stdout)
        equal(f"{what}: result", told["result"], "failed")
        for word in words:
            check(f"{what}: '{word}' is said", word in told["why"] + done.stderr, done.stderr[-800:])
        equal(f"{what}: what was there stays", contents(geo), before)
        check(f"{what}: nothing is left", not os.path.exists(f"{geo}.next") and not os.path.exists(f"{geo}.last"))

    source.publish(JULY, asn=16509)
    path = f"{source.directory}/asn/asn.mmdb"
    os.truncate(path, os.path.getsize(path) // 2)
    refuses("a database that is cut", "asn.mmdb", "cut short")
    shutil.rmtree(f"{source.directory}/asn")
    refuses("a package that cannot be had", "is no package")
    write(f"{geo}/borderlens.yaml", "site: x\n")
    before = contents(geo)
    refuses("a directory with other things in it", "borderlens.yaml", "a directory of their own")
    os.unlink(f"{geo}/borderlens.yaml")
    os.unlink(f"{geo}/.asn.mmdb.version")
    before = contents(geo)
    account = f"{appliance.directory}/GeoIP.conf"
    for text in ("", "AccountID 0\nLicenseKey 000000000000\n", "# AccountID 42\nLicenseKey abc\n"):
        write(account, text)
        refuses("databases from elsewhere, without an account", "has no account", options=("--account", account))
    write(account, "AccountID 42\nLicenseKey abc\nEditionIDs GeoLite2-ASN\nHost 127.0.0.1:1\n")
    refuses("an account that nobody answers for", "geoipupdate", options=("--account", account))


if __name__ == "__main__":
    harness.main()
