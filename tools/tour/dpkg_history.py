"""The package history that dpkg writes down in /var/log/dpkg.log, and what dpkg says about the packages today.

A package is (name, architecture), both bytes; its state is (state, version), as in (b"installed", b"2.36-9").
"""
import gzip
import pathlib
import re
import subprocess

# Actions whose next word is a package; "startup" and "conffile" have none.
ACTIONS = {b"install", b"upgrade", b"configure", b"trigproc", b"disappear", b"remove", b"purge"}
# States in which a version is there to be compared.
WITH_VERSION = {b"unpacked", b"half-configured", b"triggers-awaited", b"triggers-pending", b"installed"}


def split_package(text):
    """b"libc6:amd64" as (b"libc6", b"amd64"); old logs have no architecture."""
    name, _, architecture = text.partition(b":")
    return name, architecture


def package_of(line):
    """The package that a line of the log is about; None when it is about none."""
    words = line.split(b" ")
    if len(words) > 4 and words[2] == b"status":
        return split_package(words[4])
    if len(words) > 3 and words[2] in ACTIONS:
        return split_package(words[3])
    return None


def apply(line, states):
    """Notes in `states` what a line says about a package's state."""
    words = line.split(b" ")
    if len(words) > 4 and words[2] == b"status":
        version = words[5] if len(words) > 5 else b""
        states[split_package(words[4])] = (words[3], version)


def log_files(folder):
    """dpkg.log and its rotations, oldest first: by number (dpkg.log.2.gz) or by date (dpkg.log-20260101.gz)."""
    dated, numbered, newest = [], [], []
    for path in pathlib.Path(folder).glob("dpkg.log*"):
        found = re.fullmatch(r"dpkg\.log(?:\.(\d+)|-(\d+))?(?:\.gz)?", path.name)
        if not found:
            continue
        if found.group(1):
            numbered.append((-int(found.group(1)), path))
        elif found.group(2):
            dated.append((found.group(2), path))
        else:
            newest.append(path)
    return [path for _, path in sorted(dated)] + [path for _, path in sorted(numbered)] + newest


def read_lines(files):
    lines = []
    for path in files:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as file:
            lines += [line for line in file.read().split(b"\n") if line]
    return lines


def query_dpkg():
    """The state of every package that dpkg knows."""
    output = subprocess.run(["dpkg-query", "-W", "-f", r"${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\n"],
                            check=True, stdout=subprocess.PIPE).stdout
    states = {}
    for line in output.splitlines():
        name, architecture, state, version = line.split(b"\t")
        states[(name, architecture)] = (state, version)
    return states


def read_result(path):
    """The stored result of a sample: a line for each package that remains, as in "libc6:amd64 installed 2.36-9"."""
    states = {}
    for line in pathlib.Path(path).read_bytes().splitlines():
        package, state, version = line.split(b" ")
        states[split_package(package)] = (state, version)
    return states


def differences(logged, actual):
    """Compares the last logged state of every package with its actual one; yields a sentence for each that disagrees.

    Two things agree that look different. A package that is gone is logged as not-installed, and dpkg does not list it. And one that
    changed its architecture (from all to amd64, say) leaves its old name behind in some state between.
    """
    by_name = {}
    for (name, architecture), state in actual.items():
        by_name.setdefault(name, {})[architecture] = state
    for (name, architecture), (state, version) in sorted(logged.items()):
        known = by_name.get(name, {})
        if not architecture and len(known) == 1:
            now = next(iter(known.values()))
        else:
            now = known.get(architecture)
        now_state, now_version = now or (b"not-installed", b"")
        moved = now is None and any((name, other) in logged for other in known)
        if state != now_state and not moved:
            yield f"{text(name, architecture)}: logged {state.decode()}, is {now_state.decode()}"
        elif state == now_state and state in WITH_VERSION and version != now_version:
            yield f"{text(name, architecture)}: logged version {version.decode()}, is {now_version.decode()}"


def text(name, architecture):
    return (name + (b":" + architecture if architecture else b"")).decode(errors="replace")
