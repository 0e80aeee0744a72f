# SPDX-License-Identifier: MIT
"""Lines for people: one a connection, in colour where a terminal is."""

import os
import shutil

COLUMNS = (("camera", 9), ("server", 25), ("address", 20), ("place", 9), ("vendor", 10), ("up", 8), ("down", 8),
           ("verdict", 18))
WIDE = 175  # columns from which the reason fits on the same line


class Painter:
    """ANSI colours, or none: not a terminal, or NO_COLOR is set."""

    def __init__(self, stream):
        self.on = stream.isatty() and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size((WIDE, 24)).columns
        self.folds = stream.isatty() and width < WIDE

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.on else text

    def bold(self, text):
        return self._paint("1", text)

    def faint(self, text):
        return self._paint("2", text)

    def good(self, text):
        return self._paint("32", text)

    def bad(self, text):
        return self._paint("1;31", text)


def bytes_text(count):
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def cut(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def countries(value):
    if isinstance(value, list):
        return "+".join(value)
    return "??" if known(value) == "-" else value


def known(value):
    return "-" if value in (None, "", "unknown") else value


def header(painter):
    line = " ".join(f"{name:<{width}}" for name, width in COLUMNS)
    note = "place: located/registered/operator, ?? is unknown"
    return painter.bold(f"{line}{'' if painter.folds else ' why'}") + f"\n{painter.faint(note)}"


def event_line(event, painter):
    """One EVE `flow` event of a connection that ended."""
    own = event.get("borderlens", {})
    place = own.get("place", {})
    address = event["dest_ip"]
    address = f"[{address}]:{event['dest_port']}" if ":" in address else f"{address}:{event['dest_port']}"
    verdict = own.get("verdict", "?")
    cells = (own.get("device") or event["src_ip"], event.get("tls", {}).get("sni") or "-", address,
             "/".join(countries(place.get(fact)) for fact in ("located", "registered", "operator")),
             known(place.get("vendor")), bytes_text(own.get("payload", {}).get("up", 0)),
             bytes_text(own.get("payload", {}).get("down", 0)), f"{verdict}, {own.get('inspect', '?')}")
    words = [f"{cut(str(cell), width):<{width}}" for cell, (_, width) in zip(cells, COLUMNS)]
    paint = painter.bad if verdict == "block" else painter.good
    words[-1] = paint(words[-1])
    why = own.get("why") or own.get("end_text") or ""
    if own.get("end") not in ("done", "refused", None):
        why += f" ({own['end']}: {own.get('end_text', '')})"
    return " ".join(words) + ("\n" + " " * 10 if painter.folds else " ") + painter.faint(why)
