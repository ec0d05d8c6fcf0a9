#!/usr/bin/python3
"""Checks the sources against the rules of layers.txt: who includes whom, and who may call the operating system.

Usage: layers.py [ROOT]    exit status 1 when a rule is broken, each breach as FILE:LINE: what, and what to do instead.
"""
import pathlib
import re
import sys

SOURCES = ("storage", "broker", "client", "tools", "tests", "proto")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
# Comments and literals hold no calls. Raw strings first, then what may hide one another.
NOT_CODE = re.compile(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


class RulesError(Exception):
    """layers.txt itself is wrong."""


class Rules:
    """What layers.txt says."""

    def __init__(self, text):
        self.layers = {}  # folder -> folders it may include
        self.fences = []  # (beginnings of includes, places)
        self.calls = []  # (regular expression, what to use instead, places)
        self.exceptions = []  # [file, part of the line, how often it was needed]
        section = None
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                section = line.strip("[]")
                continue
            try:
                self._add(section, line)
            except (ValueError, KeyError, re.error) as error:
                raise RulesError(f"layers.txt:{number}: {error}: {line}") from error
        for folder, allowed in self.layers.items():
            for other in allowed - {"*", "proto"}:
                if other not in self.layers:
                    raise RulesError(f"layers.txt: {folder} may include {other}, which has no line")

    def _add(self, section, line):
        if section == "layers":
            folder, allowed = line.split(":")
            self.layers.setdefault(folder, set()).update(allowed.split())
        elif section == "fences":
            headers, places = line.split(":")
            self.fences.append((headers.split(), places.split()))
        elif section == "calls":
            # The expression may hold '|' itself, but not with a space on both sides.
            expression, instead, places = [part.strip() for part in re.split(r"\s\|(?:\s|$)", line)]
            self.calls.append((re.compile(expression), instead, places.split()))
        elif section == "exceptions":
            file, what, why = [part.strip() for part in re.split(r"\s\|\s", line)]
            if not why:
                raise ValueError("an exception needs its reason")
            self.exceptions.append([file, what, 0])
        else:
            raise ValueError("a line outside of the sections layers, fences, calls and exceptions")

    def layer_of(self, path):
        """The layer that a file belongs to: the longest folder with a line; None when there is none."""
        found = [folder for folder in self.layers if path.startswith(folder + "/")]
        return max(found, key=len, default=None)

    def excepted(self, path, line):
        for exception in self.exceptions:
            if path == exception[0] and exception[1] in line:
                exception[2] += 1
                return True
        return False


def is_in(path, places):
    return any(path == place or path.startswith(place + "/") for place in places)


def target_of(include):
    """The file of the repository that an include names, as its path from the root."""
    if re.match(r"weir/(v1|internal)/", include):
        return "proto/" + include
    if include.startswith("weir/"):
        return "client/include/" + include
    return include


def check_include(rules, path, include):
    """What is wrong with this include, or None."""
    for headers, places in rules.fences:
        if any(include.startswith(h) or (h.startswith(".") and include.endswith(h)) for h in headers):
            if not is_in(path, places):
                return f"includes {include}, which stays in {', '.join(places)}"
    target = target_of(include)
    if target.split("/")[0] not in SOURCES or "/" not in target:
        return None
    layer = rules.layer_of(path)
    target_layer = "proto" if target.startswith("proto/") else rules.layer_of(target)
    if layer is None:
        return f"includes {include}, in a folder that layers.txt does not know"
    if target_layer is None:
        return f"includes {include}, whose folder layers.txt does not know"
    allowed = rules.layers[layer]
    if target_layer != layer and target_layer not in allowed and "*" not in allowed:
        may = ", ".join(sorted(allowed)) or "nothing else"
        return f"includes {include}: {layer} may include {may}"
    return None


def check_file(rules, path, text):
    """Yields (line number, what is wrong) for each breach in one file."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if include:
            wrong = check_include(rules, path, include.group(1))
            if wrong and not rules.excepted(path, line):
                yield number, wrong
    # Newlines stay, so that line numbers do.
    code = NOT_CODE.sub(lambda found: "\n" * found.group().count("\n") + " ", text)
    for number, line in enumerate(code.splitlines(), 1):
        if INCLUDE.match(line) or line.lstrip().startswith("#"):
            continue
        for expression, instead, places in rules.calls:
            found = expression.search(line)
            if found and not is_in(path, places) and not rules.excepted(path, line):
                yield number, f"has '{found.group().strip()}': use {instead}"


def check_tree(rules, root):
    """Yields a line of text for each breach under `root`."""
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root).as_posix()
            for number, wrong in check_file(rules, path, file.read_text(encoding="utf-8")):
                yield f"{path}:{number}: {wrong}"
    for path, what, needed in rules.exceptions:
        if needed == 0:
            yield f"tools/lint/layers.txt: nothing needs the exception of {path} for '{what}' any more"


def main():
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent
    breaches = list(check_tree(Rules((here / "layers.txt").read_text(encoding="utf-8")), root))
    for breach in breaches:
        print(breach)
    if breaches:
        print(f"{len(breaches)} breaches of tools/lint/layers.txt", file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
