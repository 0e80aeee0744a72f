#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every wrong file of tests/config/wrong through the real `borderlens check`:
exit 78, each error at its place, within bounded time and memory.

	wrong_files.py BORDERLENS [WORD...]

wrong/expected has a line for each error: FILE LINE:COL TEXT, where TEXT is part
of what is said; "-" as the place is the file as a whole.  A file's name begins
with what it is: rules-, config- (a borderlens.yaml) or devices-.  What no
repository can hold (a fifo, a loop of links, 100 MB) is made in a directory of
the run's own.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrong")
EXIT_CONFIG = 78
TOGETHER = 16           # rule files in one configuration
SECONDS_MAX = 10        # generous: a check of these takes milliseconds
MEMORY_MAX = 512 << 20  # with sanitizers; without them 64 MB are enough
GOOD = 'ruleset: good\nversion: "1"\ntitle: "A file that is right"\nunknown: block\ndefault: block\n'
CONFIG = "site: s\ngateway: {cameras: [lo]}\nstate_dir: state\nrun_dir: run\nrecord: {eve: eve.json}\n"


def read_expected():
    """{file: [(place, text)]}"""
    found = {}
    with open(os.path.join(HERE, "expected"), encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, place, text = line.rstrip("\n").split(" ", 2)
                found.setdefault(name, []).append((place, text))
    return found


def config_of(names):
    """The borderlens.yaml that reads these files."""
    if names[0].startswith("devices-"):
        return CONFIG + f"rules: [good.yaml]\ndevices: {names[0]}\n"
    return CONFIG + f"rules: [{', '.join(names)}]\n"


# ---- what is made ----

def make_huge(path):
    with open(path, "wb") as out:
        out.truncate(100 << 20)  # a hole: takes no room


def make_huge_of_text(path):
    with open(path, "wb") as out:
        for _ in range(20):
            out.write(b"# " + b"x" * (1 << 20) + b"\n")


def make_loop(path):
    os.symlink(os.path.basename(path), path)


def make_open_to_all(path):
    shutil.copy(os.path.join(os.path.dirname(path), "good.yaml"), path)
    os.chmod(path, 0o666)


MADE = {
    "rules-made-huge.yaml": (make_huge, "is larger than"),
    "rules-made-huge-text.yaml": (make_huge_of_text, "is larger than"),
    "rules-made-fifo.yaml": (os.mkfifo, "is not a regular file"),
    "rules-made-directory.yaml": (os.mkdir, "is not a regular file"),
    "rules-made-loop.yaml": (make_loop, "Too many levels of symbolic links"),
    "rules-made-device.yaml": (lambda path: os.symlink("/dev/zero", path), "is not a regular file"),
    "rules-made-world-writable.yaml": (make_open_to_all, "may be written by everybody (mode 0666)"),
    "rules-made-dangling.yaml": (lambda path: os.symlink("nowhere", path), "No such file or directory"),
    "devices-made-fifo.yaml": (os.mkfifo, "is not a regular file"),
    "devices-made-huge.yaml": (make_huge, "is larger than"),
}


def prepare(directory):
    """Fill a directory; {name of a wrong file: [(place, text)]}."""
    with open(os.path.join(directory, "good.yaml"), "w", encoding="utf-8") as out:
        out.write(GOOD)
    expected = read_expected()
    for name in os.listdir(HERE):
        if name.endswith(".yaml"):
            shutil.copy(os.path.join(HERE, name), directory)
            expected.setdefault(name, [])
    for name, (make, text) in MADE.items():
        make(os.path.join(directory, name))
        expected[name] = [("-", text)]
    return expected


# ---- checking ----

def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))


def errors_of(stderr):
    """[(line and column, or "-"; text)] of what check said."""
    found = []
    for line in stderr.splitlines():
        place, mark, text = line.partition(": error: ")
        if mark:
            at = re.search(r":(\d+:\d+)$", place)
            found.append((at.group(1) if at else "-", text))
    return found


def check(program, directory, config):
    """The exit status and what was said; None: it did not answer in time."""
    try:
        done = subprocess.run([program, "check", "-c", config], cwd=directory, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS_MAX, preexec_fn=limit, check=False)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stderr


def faults_of(program, directory, names, expected):
    """What is not as it should be of files that go into one configuration, in
    words.  Each must have its errors, so none hides behind another's exit."""
    config = names[0]
    if not config.startswith("config-"):
        config = "borderlens.yaml"
        with open(os.path.join(directory, config), "w", encoding="utf-8") as out:
            out.write(config_of(names))
    code, stderr = check(program, directory, config)
    faults = [] if code == EXIT_CONFIG else [f"{names}: exit {code}: {stderr[-300:]}"]
    for name in names:
        errors = errors_of("\n".join(line for line in stderr.splitlines()
                                     if name in line or not name.startswith("rules-")))
        missing = [wanted for wanted in expected[name] if not is_told(wanted, errors)]
        if missing or not expected[name]:
            faults.append(f"{name}: wants {missing}, was told {errors[:6]}")
    return faults


def is_told(wanted, errors):
    """Of a file that cannot be read the place is where it is named: "-"."""
    place, text = wanted
    return any(text in said and place in (at, "-") for at, said in errors)


def groups(names):
    """Rule files go together, the others alone."""
    rules = [name for name in names if name.startswith("rules-")]
    alone = [[name] for name in names if not name.startswith("rules-")]
    return [rules[first:first + TOGETHER] for first in range(0, len(rules), TOGETHER)] + alone


# ---- what is odd, and usable ----

ODD = """\
ruleset: odd
version: "1"
title: "Rules that cannot be meant so"
expires: 2020-01-01
unknown: block
rules:
  - {id: 1, match: {device: [lobby, loby, 10.0.0.9]}, then: allow, why: "w"}
  - {id: 2, match: {group: yard, vendor: [Axis, Hickvision]}, then: allow, why: "w"}
  - {id: 3, match: {device: [lobby, loby, 10.0.0.9], port: 3}, then: allow, why: "w"}
  - {id: 4, match: {class: video}, then: block, why: "w"}
default: block
"""
WARNINGS = [
    ("-", "rule set odd expired on 2020-01-01"),
    ("7:29", "no device is called 'loby'"),
    ("8:28", "no device is in a group 'yard'"),
    ("8:42", "the vendors' table has no 'Hickvision'"),
    ("9:5", "rule '3' is never reached: '1' on line 7 matches all that it does"),
]


def faults_of_odd(program, directory):
    """Exit 0, and a warning for each."""
    vendors = os.path.join(HERE, "..", "..", "..", "geo", "vendors.csv")
    files = {"odd.yaml": ODD, "cameras.yaml": "devices: [{name: lobby, ip: 10.0.0.1, group: in}]\n",
             "borderlens.yaml": CONFIG + f"rules: [odd.yaml]\ndevices: cameras.yaml\ngeo: {{vendors: {vendors}}}\n"}
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as out:
            out.write(text)
    code, stderr = check(program, directory, "borderlens.yaml")
    told = errors_of(stderr.replace(": warning: ", ": error: "))
    of_ours = [at for at in told if "geo." not in at[1]]
    faults = [f"wants {place} {text!r}" for place, text in WARNINGS
              if not any(text in said and place == at for at, said in told)]
    if code != 0 or len(of_ours) != len(WARNINGS) + 1:  # loby is asked for twice
        faults.append(f"exit {code}, told {told}")
    return faults


def main():
    program, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    faults = []
    with tempfile.TemporaryDirectory(prefix="blw") as directory:
        expected = prepare(directory)
        chosen = [name for name in sorted(expected) if not words or any(word in name for word in words)]
        for names in groups(chosen):
            faults += faults_of(program, directory, names, expected)
        faults += [f"odd.yaml: {fault}" for fault in faults_of_odd(program, directory)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    if used > MEMORY_MAX:
        faults.append(f"one of them took {used >> 20} MiB")
    for fault in faults:
        print(fault)
    print(f"{len(chosen)} wrong files, {len(faults)} faults, {used >> 20} MiB at most")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
