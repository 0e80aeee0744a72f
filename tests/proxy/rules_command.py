#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`borderlens rules`, the real command: exit status, stdout and stderr.

	rules_command.py BORDERLENS
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SITE = """\
ruleset: site
version: "7"
title: "Our own"
reviewed: 2026-11-22
unknown: block
rules:
  # Norway, by hand
  - id: north
    match: {located: [NO, DE]}   \n    then: allow
    alert: high
    why: "In the north"
default: block
"""
CONFIG = "site: s\ngateway: {cameras: [lo]}\nrules: [site.yaml]\n"
FORMATTED = SITE.replace("[NO, DE]}   ", '["NO", "DE"]}')

# Words behind `rules`; exit status; what is on stdout; what is on stderr.
CASES = [
    ("list -c b.yaml", 0, ["site", "v7", "enforce", "1 rules", "reviewed 2026-11-22", "Our own"], []),
    ("list -c nowhere.yaml", 78, [], ["nowhere.yaml"]),
    ("keywords", 0, ["located", "the server is in one of them", "(address)", "(certificate)", "touches"], []),
    ("show site.yaml", 0, ["ruleset        site", "{located: [NO, DE]}", "(alert: high)"], []),
    ("show site -c b.yaml", 0, ["title          Our own"], []),
    ("show eu-gdpr -c b.yaml", 0, ["ruleset        eu-gdpr", "adequate", "[AD, AR, FO"], []),
    ("show eu-gdrp -c b.yaml", 78, [], ["no rule set 'eu-gdrp' is known: did you mean 'eu-gdpr'?"]),
    ("show quite-another -c b.yaml", 78, [], ["no rule set 'quite-another' is known, and no such file"]),
    ("show nowhere.yaml", 78, [], ["nowhere.yaml: error: cannot open"]),
    ("show wrong.yaml", 78, [], ["wrong.yaml:4:10: error: unknown must be"]),
    ("diff site.yaml formatted.yaml", 0, [], []),
    ("diff site other.yaml -c b.yaml", 20, ["version: 7 -> 8", "north"], []),
    ("diff eu-gdpr uk -c b.yaml", 20, ["ruleset: eu-gdpr -> uk"], []),
    ("diff site.yaml wrong.yaml", 78, [], ["wrong.yaml:4:10"]),
    ("fmt site.yaml", 0, [FORMATTED], []),
    ("fmt --check formatted.yaml", 0, [], []),
    ("fmt --check formatted.yaml site.yaml", 20, ["site.yaml\n"], []),
    ("fmt wrong.yaml", 78, [], ["wrong.yaml:4:10"]),
    ("fmt --check --write site.yaml", 2, [], ["either --write or --check"]),
    ("fmt", 2, [], ["takes rule files"]),
    ("show", 2, [], ["takes one rule set"]),
    ("diff site.yaml", 2, [], ["takes two rule sets"]),
    ("frobnicate", 2, [], ["there is no"]),
    ("", 2, [], ["list, show, diff, fmt or keywords?"]),
    ("--help", 0, ["usage: borderlens rules", "keywords"], []),
]


def prepare(directory):
    files = {"site.yaml": SITE, "formatted.yaml": FORMATTED, "b.yaml": CONFIG,
             "other.yaml": SITE.replace('"7"', '"8"').replace("allow", "block"),
             "wrong.yaml": SITE.replace("unknown: block", "unknown: blok").replace("reviewed: 2026-11-22\n", "")}
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as out:
            out.write(text)
    shutil.copytree(f"{ROOT}/config/rulesets", os.path.join(directory, "rulesets"))


class Run:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.faults = 0

    def __call__(self, *words):
        return subprocess.run([self.program, "rules", *words], cwd=self.directory, capture_output=True, text=True,
                              timeout=30, check=False)

    def expect(self, what, truth, detail=""):
        if not truth:
            self.faults += 1
            print(f"{what}: {detail!r}")


def try_cases(run):
    for words, code, out, err in CASES:
        done = run(*words.split())
        run.expect(f"rules {words}: exit {done.returncode}, not {code}", done.returncode == code, done.stderr)
        for wanted, got in [(text, done.stdout) for text in out] + [(text, done.stderr.lower()) for text in err]:
            run.expect(f"rules {words}: no {wanted!r}", wanted in got or wanted.lower() in got, got[-400:])
        run.expect(f"rules {words}: nothing on stdout", bool(out) or done.stdout == "", done.stdout)


def try_json(run):
    sets = json.loads(run("list", "--json", "-c", "b.yaml").stdout)
    run.expect("list --json", [(row["ruleset"], row["version"], row["rules"]) for row in sets] == [("site", "7", 1)],
               sets)
    keys = {row["key"]: row for row in json.loads(run("keywords", "--json").stdout)}
    run.expect("keywords --json", keys["sni"]["stage"] == "name" and keys["tls"]["stage"] == "certificate", keys)


def try_writing(run):
    path = os.path.join(run.directory, "site.yaml")
    os.chmod(path, 0o640)
    done = run("fmt", "--write", "site.yaml")
    with open(path, encoding="utf-8") as file:
        run.expect("fmt --write", done.returncode == 0 and file.read() == FORMATTED, done.stderr)
    run.expect("its mode stays", os.stat(path).st_mode & 0o777 == 0o640)
    run.expect("nothing is left beside it", not [name for name in os.listdir(run.directory) if "yaml." in name])
    run.expect("the comment stays", "# Norway, by hand" in FORMATTED)


def main():
    with tempfile.TemporaryDirectory(prefix="blr") as directory:
        prepare(directory)
        run = Run(os.path.abspath(sys.argv[1]), directory)
        try_cases(run)
        try_json(run)
        try_writing(run)
    print(f"{len(CASES)} cases, {run.faults} faults")
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
