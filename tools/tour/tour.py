#!/usr/bin/python3
"""The main job on real input: tools/run --tour calls this.

Streams this machine's package history into a topic while the broker is killed twice, replays the topic, and holds what comes out
against what went in and against dpkg itself. Exit status 0 only when all of it is right.
"""
import argparse
import collections
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import dpkg_history
from broker import Broker, BrokerError
from producer import Producer, ProducerError
from replay import Replay, ReplayError

TOPIC = "packages"
PARTITIONS = 12
RECORDS = 1_000_000
# The broker is killed when so many records are acknowledged; in smaller runs after these parts of a million.
KILLS_AT = (300_000, 600_000)
# Records that the producer may have beyond what it is waited for, so that a kill always comes in the middle.
AHEAD = 250_000
# Far beyond what it takes: nothing hangs for ever.
GIVE_UP_S = 1800
MOST_UNLOGGED = 10  # one package in so many may have changed without a line in its log
SAMPLE = pathlib.Path(__file__).resolve().parent / "sample"


class TourError(Exception):
    """Something is not right; the text says what."""


def tell(what, text):
    print(f"  {what:<10} {text}", flush=True)


class Input:
    """Lines of a package history, repeated until there are `count` records. The last record is the history's last line, so that
    what the records say at their end is what the history says at its end."""

    def __init__(self, lines, truth, names):
        self.lines = lines
        self.truth = truth  # the states that must come out
        self.names = names  # (of the history, of what gives the truth), for people
        self.keys = []
        for line in lines:
            package = dpkg_history.package_of(line)
            self.keys.append(package[0] if package else b"")
        self.count = len(lines)

    def repeat(self, count):
        self.count = max(count, len(self.lines))

    def expected(self, number):
        at = (number - self.count) % len(self.lines)
        return self.keys[at], self.lines[at]

    def make_lines(self, first, end):
        """Records as weir produce takes them: a key, a tab, and the record's number before the line, so that every one is unique."""
        made = []
        for number in range(first, end):
            key, line = self.expected(number)
            # What is about no package goes without a key.
            made.append(b"%s\t%d %s\n" % (key, number, line) if key else b"%d %s\n" % (number, line))
        return b"".join(made)

    def check(self, states):
        """Holds the final states that the topic gives against those that the lines give, and these against the truth. Gives a sentence
        for each package of which the lines do not tell the end; dpkg logs nothing while a system is put together, for instance. Raises
        a TourError when the topic is wrong, or when the lines tell the end of too few."""
        direct = {}
        for line in self.lines:
            dpkg_history.apply(line, direct)
        wrong = [b":".join(filter(None, key)).decode() for key in sorted(states.keys() | direct.keys()) if states.get(key) != direct.get(key)]
        if wrong:
            raise TourError(f"{len(wrong)} of {len(direct)} packages end otherwise than in {self.names[0]}: " + ", ".join(wrong[:20]))
        unlogged = list(dpkg_history.differences(direct, self.truth))
        if len(unlogged) * MOST_UNLOGGED > len(direct):
            raise TourError(f"{len(unlogged)} of {len(direct)} packages differ from {self.names[1]}, and {self.names[0]} itself ends so:\n  "
                            + "\n  ".join(unlogged[:20]))
        return unlogged


def machine_input():
    """This machine's history and dpkg's word, taken at one moment; None when there is no history."""
    for _ in range(20):
        files = dpkg_history.log_files("/var/log")
        readable = [path for path in files if os.access(path, os.R_OK)]
        if not readable or readable != files or not shutil.which("dpkg-query"):
            return None
        lines = dpkg_history.read_lines(files)
        truth = dpkg_history.query_dpkg()
        if dpkg_history.read_lines(files) == lines:
            break
        time.sleep(1)  # dpkg is at work
    else:
        raise TourError("packages are being installed all the time; try again when that is over")
    if not any(b" status " in line for line in lines):
        return None
    logs = files[-1] if len(files) == 1 else f"{files[-1]} and {len(files) - 1} rotations"
    return Input(lines, truth, (str(logs), "dpkg-query"))


def sample_input():
    lines = dpkg_history.read_lines([SAMPLE / "dpkg.log"])
    return Input(lines, dpkg_history.read_result(SAMPLE / "result.txt"), ("the sample in tools/tour/sample", "the stored result"))


class Tour:
    def __init__(self, options, source):
        self.source = source
        source.repeat(options.records)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir tour ", dir=options.work_dir))
        self.weir = options.weir
        self.broker = Broker(options.broker, self.folder)
        self.producer = None

    def run(self):
        took = self.broker.start()
        tell("broker", f"{self.broker.address}, ready after {took:.2f} s, on a directory of its own")
        self.run_weir("topic", "create", TOPIC, "--partitions", str(PARTITIONS))
        tell("topic", f"{TOPIC}, {PARTITIONS} partitions")
        self.produce()
        self.replay()
        self.broker.stop()
        verified = self.run_weir("log", "verify", self.broker.data_dir).splitlines()
        tell("files", f"weir log verify: {verified[0]}, {verified[-1]}")

    def command(self, *words):
        return [self.weir, *words, "--broker", self.broker.address]

    def run_weir(self, *words):
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, text=True)
        if done.returncode != 0:
            raise TourError(f"weir {' '.join(map(str, words))} ended with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def produce(self):
        count = self.source.count
        started = time.monotonic()
        self.producer = Producer(
            self.command("produce", TOPIC, "--key-separator", r"\t", "--progress", "lines", "--progress-interval", "5ms"),
            count, self.source.make_lines)
        tell("producing", f"weir produce {TOPIC} --key-separator '\\t'")
        scale = min(count, RECORDS) / RECORDS
        for kill_at in KILLS_AT:
            goal = int(kill_at * scale)
            self.producer.feed_up_to(goal + int(AHEAD * scale))
            self.producer.wait_for(goal, self.broker.check_running)
            self.broker.kill()
            at, pending = self.producer.acknowledged, self.producer.pending
            took = self.broker.start()
            tell("kill -9", f"at {at:,} acknowledgements with {pending:,} records unanswered; serves again after {took:.2f} s")
        self.producer.feed_up_to(count)
        self.producer.finish(self.broker.check_running)
        took = time.monotonic() - started
        tell("produced", f"{count:,} records, all acknowledged, in {took:.1f} s with both restarts")

    def replay(self):
        started = time.monotonic()
        replay = Replay(self.source.count, self.source.expected)
        states = {}
        consume = subprocess.Popen(self.command("consume", TOPIC, "--from", "earliest", "--print-key", "--print-offset"),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            for line in consume.stdout:
                dpkg_history.apply(replay.take(line), states)
            status = consume.wait()
        finally:
            consume.kill()
            consume.wait()
        if status != 0:
            raise TourError(f"weir consume ended with status {status}")
        replay.finish()
        tell("replayed", f"{replay.records:,} records from {replay.partitions} partitions in {time.monotonic() - started:.1f} s")
        tell("once", "every record is there, once")
        tell("order", f"the records of each of {replay.keys:,} packages are in one partition, in order")
        self.check_states(states)

    def check_states(self, states):
        unlogged = self.source.check(states)
        named = collections.Counter(state.decode() for state, _ in states.values())
        counts = ", ".join(f"{count:,} {state}" for state, count in named.most_common())
        agreeing = len(states) - len(unlogged)
        tell("states", f"the final states of {agreeing:,} packages, from the topic alone, agree with {self.source.names[1]}: {counts}")
        for package in unlogged:
            tell("unlogged", f"{package}; the history itself ends so: dpkg changed it without logging that")

    def clean_up(self):
        if self.producer is not None:
            self.producer.clean_up()
        self.broker.clean_up()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--broker", required=True, help="the program weir-broker")
    parser.add_argument("--weir", required=True, help="the program weir")
    parser.add_argument("--work-dir", help="where its temporary folder goes (default: the system's place)")
    parser.add_argument("--records", type=int, default=RECORDS, help=f"how many ({RECORDS:,})")
    parser.add_argument("--sample", action="store_true", help="use the sample although this machine has a history")
    return parser.parse_args()


def give_up(*_):
    raise TourError(f"it was not done after {GIVE_UP_S} s")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a terminated tour cleans up too
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(GIVE_UP_S)
    started = time.monotonic()
    options = parse_options()
    # Settings of a person's own broker are not for this one.
    for name in [name for name in os.environ if name.startswith("WEIR_")]:
        del os.environ[name]
    print("Weir's tour: a package history goes through a broker that is killed twice", flush=True)
    tour = None
    keep = False
    try:
        source = (None if options.sample else machine_input()) or sample_input()
        tour = Tour(options, source)
        packages = len(set(source.keys) - {b""})
        tell("input", f"{len(source.lines):,} lines about {packages:,} packages from {source.names[0]}, repeated to {source.count:,} records")
        tour.run()
    except (TourError, BrokerError, ProducerError, ReplayError, OSError, subprocess.SubprocessError) as error:
        print(f"NOT RIGHT: {error}", flush=True)
        if tour is None:
            return 1
        keep = True
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    finally:
        signal.alarm(0)
        if tour is not None:
            tour.clean_up()
            if not keep:
                shutil.rmtree(tour.folder)
    if keep:
        print(f"The data and the broker's log are left in '{tour.folder}'.")
        return 1
    print(f"All of it is right, after {time.monotonic() - started:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
