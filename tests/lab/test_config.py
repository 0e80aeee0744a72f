# SPDX-License-Identifier: MIT
"""What is wrong in the configuration is told with its place, and nothing is
half-started: exit 78, no rule loaded, no process, no file."""

import os

import harness
from harness import check, equal, story, write


def refuses(lab, appliance, *words):
    """`run` and `check` both refuse it, and say each of the words."""
    checked = appliance.command("check")
    equal("check's exit", checked.returncode, 78)
    appliance.launch()
    equal("run's exit", appliance.process.wait(30), 78)
    for text in (checked.stderr, appliance.log()):
        for word in words:
            check(f"'{word}' is said", word in text, text[-1500:])
    equal("tables", lab.net.gw.run("nft", "list", "tables").strip(), "")
    equal("routing rules", [line for line in lab.net.gw.ip("rule", "list").splitlines() if "fwmark" in line], [])
    check("no store was made", not os.path.exists(os.path.join(appliance.directory, "state", "ca")))


def edited(lab, **changes):
    return lab.appliance(changes=changes)


@story()
def all_mistakes_are_told_at_once(lab):
    appliance = lab.appliance()
    write(appliance.config_path, "site: x\ngatewai: {}\nworkers: many\nworkers: 2\nrules: [nowhere.yaml]\n")
    refuses(lab, appliance, "borderlens.yaml:2:", "gateway", "borderlens.yaml:3:", "borderlens.yaml:4:",
            "borderlens.yaml:5:")


@story()
def a_broken_rule_file(lab):
    appliance = lab.appliance(rules=harness.RULES.replace("located:", "locatet:").replace("then: allow", "then: maybe"))
    refuses(lab, appliance, "rules.yaml:11:", "locatet", "located", "maybe")


@story()
def yaml_that_does_not_end(lab):
    refuses(lab, lab.appliance(rules="ruleset: [a\n"), "rules.yaml:")


@story()
def a_database_that_is_cut(lab):
    path = os.path.join(lab.directory, "cut.mmdb")
    with open(os.path.join(lab.directory, "located.mmdb"), "rb") as whole, open(path, "wb") as out:
        data = whole.read()
        out.write(data[len(data) // 3:])
    refuses(lab, edited(lab, geo={"country": [path]}), "cut.mmdb")


@story()
def a_database_that_is_not_there(lab):
    refuses(lab, edited(lab, geo={"asn": "/nonexistent/asn.mmdb"}), "borderlens.yaml:", "asn.mmdb")


@story()
def an_authority_without_its_key(lab):
    one, other = lab.pki.authority("one"), lab.pki.authority("other")
    os.chmod(other.key, 0o600)
    refuses(lab, edited(lab, tls={"ca": {"cert": one.chain, "key": other.key}}), "key")


@story()
def roots_that_are_no_certificates(lab):
    path = os.path.join(lab.directory, "roots.pem")
    write(path, "these are no certificates\n")
    refuses(lab, edited(lab, tls={"upstream": {"ca": path}}), "roots.pem")


@story()
def a_second_appliance_on_the_same_state(lab):
    appliance = lab.started()
    from appliance import Appliance
    second = Appliance(lab.net.gw, appliance.directory, appliance.config_path, appliance.eve.path)
    second.log_path += ".second"
    second.launch()
    check("it does not start", second.process.wait(20) != 0)
    check("the first lives on", appliance.alive() and len(appliance.roles()) == 5, appliance.roles())


if __name__ == "__main__":
    harness.main()
