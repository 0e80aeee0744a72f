# SPDX-License-Identifier: MIT
"""What reads the record, on one that real connections made: backtest, flows,
explain, while the appliance runs."""

import json
import signal
import subprocess

import harness
from appliance import binary, wait_for
from harness import BAD, GOOD, NAME, RULES, check, equal, refused, story
from servers import Server, context

# The other way round: what is run from China is allowed, Germany is not.
OTHER = """\
ruleset: turned
version: "2"
title: The laboratory's rules, turned round
unknown: block
rules:
  - {id: cn, match: {operator: CN}, then: allow, why: "Run from China"}
  - {id: de, match: {located: DE}, then: block, why: "Located in Germany"}
default: {then: block, why: "Nowhere"}
"""


def backtest(appliance, *words):
    done = appliance.command("backtest", "--json", "--since", "1h", *words)
    check("backtest writes a document", done.stdout.endswith("}\n"), done.stderr)
    return done.returncode, json.loads(done.stdout)


@story()
def what_is_recorded_is_decided_anew_explained_and_followed(lab):
    lab.server(Server(lab.net.net, GOOD, tls=context(lab.good)))
    appliance = lab.appliance(changes={"devices": "devices.yaml"})
    harness.write(f"{appliance.directory}/devices.yaml", "devices: [{name: lobby-3, ip: 192.168.77.10}]\n")
    harness.write(f"{appliance.directory}/other.yaml", OTHER)
    early = appliance.command("backtest")
    equal("backtest's exit before the first start", early.returncode, 1)
    check("it says why", "no record yet" in early.stderr, early.stderr)
    appliance.start()
    follower = following(appliance)
    camera = lab.camera_context(appliance)
    for _ in range(3):
        lab.request(camera)
    allowed = appliance.eve.wait(count=3, event_type="flow", dest_ip=GOOD)
    refused(lab.request, camera, address=BAD)
    blocked = appliance.eve.wait(event_type="flow", dest_ip=BAD)
    the_same_rules_decide_the_same(appliance)
    other_rules_decide_otherwise(appliance, allowed, blocked)
    the_explanation_is_what_happened(appliance, (allowed[0], blocked))
    equal("lines that were followed", [line["dst"] for line in (json.loads(follower.stdout.readline()) for _ in range(4))],
          [GOOD, GOOD, GOOD, BAD])
    follower.send_signal(signal.SIGINT)
    equal("the follower's end", follower.wait(30), -signal.SIGINT)
    what_ends_early_ends_quietly(appliance)
    appliance.recorded()


def following(appliance):
    """`flows --follow`, once it has begun."""
    command = appliance.space.command(binary(), "flows", "--follow", "--json", "-c", appliance.config_path)
    made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # It asks the store for its last event first, and then waits in poll(2).
    wait_for("the follower to wait", 5, lambda: waits(made.pid))
    return made


def waits(pid):
    try:
        with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
            if "poll" in file.read():
                return True
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in ("7", "271", "73")  # poll, ppoll
    except OSError:
        return False


def the_same_rules_decide_the_same(appliance):
    code, document = backtest(appliance)
    equal("backtest's exit under the same rules", code, 0)
    equal("connections", (document["connections"], document["differences"], document["rows"]), (4, 0, []))
    equal("rule sets", [entry["ruleset"] for entry in document["rulesets"]], ["laboratory"])
    shown = appliance.command("backtest", "--since", "1h")
    check("it says that nothing differs", "nothing would have been decided otherwise" in shown.stdout, shown.stdout)


def other_rules_decide_otherwise(appliance, allowed, blocked):
    other = f"{appliance.directory}/other.yaml"
    code, document = backtest(appliance, "--rules", other)
    equal("backtest's exit under other rules", code, 20)
    equal("differences", (document["connections"], document["differences"]), (4, 4))
    first, second = document["rows"]
    left = [event["borderlens"]["left"] for event in allowed]
    equal("the first row", {key: first[key] for key in ("change", "device", "dest_ip", "sni", "connections", "up", "down")},
          {"change": "blocked", "device": "lobby-3", "dest_ip": GOOD, "sni": NAME, "connections": 3,
           "up": sum(entry["up"] for entry in left), "down": sum(entry["down"] for entry in left)})
    equal("was", (first["was"]["verdict"], first["was"]["ruleset"], first["was"]["rule"]), ("allow", "laboratory", "20"))
    equal("would be", (first["would_be"]["verdict"], first["would_be"]["ruleset"], first["would_be"]["rule"],
                       first["would_be"]["why"]), ("block", "turned", "de", "Located in Germany"))
    equal("the second row", (second["change"], second["dest_ip"], second["would_be"]["rule"]), ("freed", BAD, "cn"))
    equal("what was recorded of it", blocked["borderlens"]["verdict"], "block")
    code, document = backtest(appliance, "--rules", other, "--device", "lobby-4")
    equal("of another device", (code, document["connections"]), (0, 0))
    bad = appliance.command("backtest", "--rules", f"{appliance.directory}/none.yaml")
    equal("backtest's exit with a missing file", bad.returncode, 78)


def the_explanation_is_what_happened(appliance, events):
    for event in events:
        done = appliance.command("explain", "--to", f"{event['dest_ip']}:443", "--device", "lobby-3", "--sni", NAME, "--json")
        told, recorded = json.loads(done.stdout), event["borderlens"]
        for key in ("verdict", "ruleset", "ruleset_version", "rule", "why"):
            equal(f"explain's {key} of {event['dest_ip']}", told[key], recorded[key])
        for key in ("located", "registered", "operator", "asn"):
            equal(f"explain's {key} of {event['dest_ip']}", told["place"].get(key), recorded["place"].get(key))
        for key, basis in recorded["place"]["basis"].items():
            equal(f"explain's basis of {key}", told["place"]["basis"][key], basis)
        equal("explain's exit", done.returncode, 10 if recorded["verdict"] == "block" else 0)


def what_ends_early_ends_quietly(appliance):
    """Nobody reads its output, or Ctrl-C is pressed."""
    words = ("backtest", "--since", "1h", "--rules", f"{appliance.directory}/other.yaml", "-c", appliance.config_path)
    for number in (signal.SIGPIPE, signal.SIGINT):
        made = subprocess.Popen(appliance.space.command(binary(), *words), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
        if number == signal.SIGPIPE:
            made.stdout.close()
        else:
            made.send_signal(number)
        check("it ends", made.wait(30) in (20, -number), made.returncode)
        equal("what it says", made.stderr.read(), "")


if __name__ == "__main__":
    harness.main()
