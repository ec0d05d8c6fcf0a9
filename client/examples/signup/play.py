#!/usr/bin/env python3
"""Plays the story of signup.cc against a broker of its own, and checks how it ends: 20 users sign up; three groups react, each in its own
time. Email fails at times and is tried again; one address it cannot do at all becomes a dead letter, which is looked at, and, once email is
fixed, redriven: to email alone, the others never see it twice.

Usage: play.py --broker build/release/broker/weir-broker --weir build/release/tools/cli/weir --signup build/release/client/examples/signup"""

import argparse
import collections
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading

READY = re.compile(r"weir-broker \S+ ready on (\S+) \(gRPC\)")
TOPIC = "user.signed_up"
USERS = 20
PATIENCE = 60  # seconds; far more than anything here takes


class Running:
    """A program whose lines are read as they come."""

    def __init__(self, *command, environment):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.lines = queue.Queue()
        self.seen = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_for(self, enough):
        """Until `enough` of the lines so far."""
        while not enough(self.seen):
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                raise SystemExit(f"{self.process.args} ended: {self.seen}")
            self.seen.append(line)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.process.stdout.close()
        if status != 0:
            raise SystemExit(f"{self.process.args} ended with status {status}")
        while not self.lines.empty():
            line = self.lines.get()
            if line is not None:
                self.seen.append(line)
        return self.seen


def tell(text):
    print(f"\n== {text}", flush=True)


class Story:
    def __init__(self, programs, directory):
        self.programs = programs
        self.directory = directory
        self.address = None
        self.environment = dict(os.environ)
        self.parts = []

    def start(self, *command):
        part = Running(*command, environment=self.environment)
        self.parts.append(part)
        return part

    def weir(self, *words, show=True):
        if show:
            print("$ weir", *words, flush=True)
        done = subprocess.run([self.programs.weir, *words], env=self.environment, capture_output=True, text=True, check=False)
        if show:
            print(done.stdout, end="", flush=True)
        if done.returncode != 0:
            raise SystemExit(f"weir {words} ended with status {done.returncode}: {done.stderr}")
        return done.stdout

    def play(self):
        broker = self.start(self.programs.broker, "--data-dir", os.path.join(self.directory, "data"),
                            "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
        broker.wait_for(lambda lines: lines)
        self.address = self.environment["WEIR_BROKER"] = READY.search(broker.seen[0])[1]

        tell(f"{USERS} users sign up; the service does not wait for anybody")
        self.weir("topic", "create", TOPIC, "--partitions", "4")
        subprocess.run([self.programs.signup, self.address, "service", "1", str(USERS)], check=True)

        tell("three groups react")
        email = self.start(self.programs.signup, self.address, "email")
        receipts = self.start(self.programs.signup, self.address, "receipts")
        analytics = self.start(self.programs.signup, self.address, "analytics")
        email.wait_for(lambda lines: len(lines) == USERS - 1)
        receipts.wait_for(lambda lines: len(lines) == USERS)
        analytics.wait_for(lambda lines: lines[-1:] == [f"counted {USERS} users"])
        print(f"email has greeted {USERS - 1}, receipts has filed {USERS}, {analytics.seen[-1]}")

        tell("one address was too much for email: it is in the dead-letter topic, with the reason")
        while json.loads(self.weir("dlq", "list", "--group", "email", "--output", "json", show=False))["count"] == 0:
            pass
        self.weir("dlq", "list", "--group", "email")
        shown = self.weir("dlq", "show", "--group", "email")
        for part in ("REJECTED", "User Seven <user7@example.com>", "is no address"):
            check(part in shown, f"the dead letter does not show {part!r}")

        tell("email is fixed, and the dead letter redriven: to email alone")
        sent = email.stop()
        email = self.start(self.programs.signup, self.address, "email", "--fixed")
        self.weir("dlq", "redrive", "--group", "email", "--dry-run")
        self.weir("dlq", "redrive", "--group", "email")
        email.wait_for(lambda lines: "emailed user7@example.com" in lines)
        sent += email.stop()

        tell("the end")
        expected = {f"emailed user{user}@example.com": 1 for user in range(1, USERS + 1)}
        check(collections.Counter(sent) == expected, f"greetings: {collections.Counter(sent)}")
        filed = collections.Counter(receipts.stop())
        check(filed == {f"filed user{user}": 1 for user in range(1, USERS + 1)}, f"receipts: {filed}")
        counted = analytics.stop()
        check(counted[-1] == f"counted {USERS} users", f"analytics: {counted}")
        left = json.loads(self.weir("dlq", "list", "--group", "email", "--output", "json", show=False))
        check(left["count"] == 0, f"dead letters: {left}")
        print(f"each of {USERS} users was greeted once, has one receipt and was counted once")
        broker.stop()

    def clean_up(self):
        for part in self.parts:
            if part.process.poll() is None:
                part.process.kill()
                part.process.wait()


def check(holds, what):
    if not holds:
        raise SystemExit(what)


def main():
    parser = argparse.ArgumentParser(description="Plays the story of signup.cc against a broker of its own.")
    for program in ("broker", "weir", "signup"):
        parser.add_argument(f"--{program}", required=True, help=f"the program {program}")
    programs = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="weir-signup-")
    story = Story(programs, directory)
    try:
        story.play()
    finally:
        story.clean_up()
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
