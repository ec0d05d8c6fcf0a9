"""weir work, jobs and dlq, as a person runs them, against a real broker. Usage: cli_share_test.py WEIR WEIR-BROKER [unittest options]"""

import base64
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from cli_programs import Broker, Weir

PROGRAMS = {}
PATIENCE = 120  # seconds; far more than anything here takes


class WorkRun:
    """A run of weir work that is watched through its progress lines."""

    PROGRESS = re.compile(r"progress accepted=(\d+) released=(\d+) rejected=(\d+) open=(\d+)")

    def __init__(self, weir, *words):
        self._process = subprocess.Popen(
            weir.command("work", *words, "--progress", "lines"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=weir.environment())
        self._changed = threading.Condition()
        self._counts = (0, 0, 0, 0)
        self._ended = False
        self.words = []  # what it said besides progress
        self.out = []
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._read_errors, self._read_out)]
        for thread in self._threads:
            thread.start()

    def _read_errors(self):
        for raw in self._process.stderr:
            line = raw.decode().strip()
            progress = self.PROGRESS.match(line)
            with self._changed:
                if progress:
                    self._counts = tuple(map(int, progress.groups()))
                elif line:
                    self.words.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_out(self):
        for raw in self._process.stdout:
            with self._changed:
                self.out.append(raw.decode().rstrip("\n"))
                self._changed.notify_all()

    def wait_for(self, condition):
        """`condition` of (accepted, released, rejected, open)."""
        with self._changed:
            self._changed.wait_for(lambda: condition(*self._counts) or self._ended, PATIENCE)
            if not condition(*self._counts):
                raise AssertionError(f"it came no further: {self._counts} {self.words}")

    def wait_for_output(self, lines):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.out) >= lines, PATIENCE):
                raise AssertionError(f"only {self.out}: {self.words}")

    def wait_for_words(self, *parts):
        """Until a line that it says besides progress has all of these."""
        def said():
            return any(all(part in line for part in parts) for line in self.words)
        with self._changed:
            self._changed.wait_for(lambda: said() or self._ended, PATIENCE)
            if not said():
                raise AssertionError(f"it did not say {parts}: {self.words}")

    def interrupt(self):
        self._process.send_signal(signal.SIGINT)

    def stop(self):
        self.interrupt()
        return self.wait()

    def wait(self):
        status = self._process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._process.stdout.close()
        self._process.stderr.close()
        return status


class CliShareTest(unittest.TestCase):
    """One broker for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-cli-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.broker = Broker(PROGRAMS["weir-broker"], folder.name)
        self.broker.start()
        self.addCleanup(self.broker.close)
        self.weir = Weir(PROGRAMS["weir"], self.broker)

    def produce(self, topic, *lines, partitions=1):
        self.weir.run("topic", "create", topic, "--partitions", partitions)
        self.weir.run("produce", topic, "--key-separator", ":", "--header", "from=test", stdin="".join(f"{l}\n" for l in lines).encode())

    def work(self, *words, topic="orders", group="email", config=("retry.backoff.initial.ms=20",)):
        settings = [word for setting in config for word in ("--config", setting)]
        return WorkRun(self.weir, "--group", group, "--topic", topic, *settings, *words)

    def dead_letters(self, count, group="email"):
        """Once there are so many: they follow a moment after the answer that the job is dead."""
        while self.weir.json("dlq", "list", "--group", group)[0]["count"] != count:
            pass
        return self.weir.json("dlq", "show", "--group", group)

    def test_a_command_gets_value_key_headers_and_attempt(self):
        self.produce("orders", "alice:1 apple", "2 pears")
        run = self.work("--max", 2, "--exec",
                        'echo "$WEIR_TOPIC/$WEIR_PARTITION:$WEIR_OFFSET $WEIR_ATTEMPT ${WEIR_KEY-none} $WEIR_HEADER_FROM $(cat)"')
        self.assertEqual(run.wait(), 0, run.words)
        self.assertEqual(sorted(run.out), ["orders/0:0 1 alice test 1 apple", "orders/0:1 1 none test 2 pears"])
        self.assertTrue(any("2 jobs accepted" in line for line in run.words), run.words)

    def test_the_exit_status_decides(self):
        self.produce("orders", *(f"{i}:{what}" for i, what in enumerate(("good", "again", "bad", "never"))))
        script = self.folder / "handle"
        script.write_text("""#!/bin/sh
read value
case $value in
  again) test "$WEIR_ATTEMPT" -gt 1 || { echo "not now" >&2; exit 1; } ;;
  bad) echo "malformed" >&2; exit 100 ;;
  never) echo "attempt $WEIR_ATTEMPT" >&2; exit 7 ;;
esac
""")
        script.chmod(0o755)
        run = self.work("--concurrency", 3, "--exec", script, config=("retry.backoff.initial.ms=20", "max.delivery.attempts=3"))
        run.wait_for(lambda accepted, released, rejected, _: (accepted, released, rejected) == (2, 4, 1))
        self.assertEqual(run.stop(), 0, run.words)
        letters = {letter["key"]: letter for letter in self.dead_letters(2)}
        self.assertEqual({key: (l["reason"], l["error"], l["attempts"], l["value"]) for key, l in letters.items()},
                         {"2": ("REJECTED", "malformed", 1, "bad"), "3": ("MAX_ATTEMPTS", "attempt 3", 3, "never")})
        self.assertEqual([a["error"] for a in letters["3"]["history"]], ["attempt 1", "attempt 2", "attempt 3"])

    def test_a_command_that_cannot_be_run_stops_the_worker_and_harms_no_job(self):
        self.produce("orders", "one", "two")
        for command in ("/nowhere/at-all", "no-such-command with words", "exit 126"):
            run = self.work("--exec", command)
            self.assertEqual(run.wait(), 1, run.words)
            self.assertTrue(any(f"the command '{command}' cannot be run" in line for line in run.words), run.words)
        run = self.work("--max", 2, "--exec", 'echo "$WEIR_ATTEMPT"')
        self.assertEqual(run.wait(), 0, run.words)
        self.assertEqual(run.out, ["1", "1"])

    def test_ctrl_c_finishes_what_is_at_work_and_gives_back_the_rest(self):
        self.produce("orders", *(f"{i}" for i in range(10)))
        gate = self.folder / "gate"
        run = self.work("--exec", f'echo begun; while [ ! -e {gate} ]; do sleep 0.01; done; echo done')
        run.wait_for_output(1)
        run.interrupt()
        run.wait_for_words("finishing what is at work")
        gate.touch()
        self.assertEqual(run.wait(), 0, run.words)
        self.assertEqual(run.out, ["begun", "done"])
        left = self.work("--max", 9, "--exec", 'echo "$WEIR_ATTEMPT"')
        self.assertEqual(left.wait(), 0, left.words)
        self.assertEqual(left.out, ["1"] * 9)

    def test_what_is_produced_with_a_delay_waits_for_its_time(self):
        self.weir.run("topic", "create", "orders", "--partitions", 1, "--config", "delayed.delivery=true")
        self.weir.run("produce", "orders", stdin=b"first\n")
        begin = time.time()
        self.weir.run("produce", "orders", "--delay", "1h", "--header", "a=b", stdin=b"later\n")
        end = time.time()
        run = self.work()
        run.wait_for_output(1)
        while not (jobs := self.weir.json("jobs", "list", "--group", "email", "--state", "delayed")):
            pass
        self.assertEqual(run.stop(), 0, run.words)
        self.assertEqual([json.loads(line)["value"] for line in run.out], ["first"])
        self.assertEqual([(job["offset"], job["state"]) for job in jobs], [(1, "delayed")])
        due = jobs[0]["due_ms"] / 1000
        self.assertTrue(begin + 3_600 - 1 <= due <= end + 3_600 + 1, (begin, due, end))
        self.weir.run("topic", "create", "prompt")
        told = self.weir.run("produce", "prompt", "--delay", "1h", stdin=b"later\n", status=1).stderr.decode()
        self.assertIn("its delayed.delivery is false", told)

    def test_a_second_ctrl_c_gives_up_what_is_at_work_and_it_does_not_count_as_tried(self):
        self.produce("orders", "one")
        run = self.work("--exec", "echo begun; sleep 600")
        run.wait_for_output(1)
        run.interrupt()
        run.wait_for_words("finishing what is at work")
        run.interrupt()
        self.assertEqual(run.wait(), 130, run.words)
        left = self.work("--max", 1, "--exec", 'echo "$WEIR_ATTEMPT"')
        self.assertEqual(left.wait(), 0, left.words)
        self.assertEqual(left.out, ["1"])

    def test_without_a_broker_it_ends_after_the_stop_timeout_and_says_what_is_unconfirmed(self):
        self.produce("orders", "one")
        gate = self.folder / "gate"
        run = self.work("--stop-timeout", "1ms", "--exec", f'echo begun; while [ ! -e {gate} ]; do sleep 0.01; done; echo done')
        run.wait_for_output(1)
        self.broker.kill()
        gate.touch()
        run.wait_for_output(2)
        self.assertEqual(run.stop(), 1, run.words)
        self.assertTrue(any("waiting at most 1ms for answers" in line for line in run.words), run.words)
        self.assertTrue(any("0 jobs accepted" in line and "1 without an answer" in line for line in run.words), run.words)

    def test_a_worker_that_ends_by_itself_ends_its_commands(self):
        self.produce("orders", "one")
        run = self.work("--exec", "echo begun; sleep 600")
        run.wait_for_output(1)
        self.weir.run("group", "delete", "email", "--yes")
        self.assertEqual(run.wait(), 1, run.words)
        self.assertTrue(any("the worker has ended" in line and "UNKNOWN_GROUP" in line for line in run.words), run.words)

    def test_no_more_jobs_are_taken_than_are_to_be_done(self):
        self.produce("orders", "one", "two", "three")
        run = self.work("--max", 1, "--exec", "echo begun; sleep 600")
        run.wait_for_output(1)
        self.assertEqual(len(self.weir.json("jobs", "list", "--group", "email", "--state", "acquired")), 1)
        run.interrupt()
        run.wait_for_words("finishing what is at work")
        run.interrupt()
        self.assertEqual(run.wait(), 130, run.words)

    def test_a_worker_of_a_paused_group_says_that_it_is_paused(self):
        self.produce("orders", "one")
        self.weir.run("group", "create", "email", "--type", "share", "--topic", "orders")
        self.weir.run("group", "pause", "email")
        run = WorkRun(self.weir, "--group", "email", "--max", 1)
        run.wait_for_words("group 'email' is paused")
        self.weir.run("group", "resume", "email")
        self.assertEqual(run.wait(), 0, run.words)
        self.assertEqual(len(run.out), 1)

    def test_without_a_command_jobs_are_printed(self):
        self.produce("orders", "alice:1 apple", "bob:2 pears", partitions=3)
        run = self.work("--max", 2)
        self.assertEqual(run.wait(), 0, run.words)
        jobs = sorted((json.loads(line) for line in run.out), key=lambda job: job["key"])
        self.assertEqual([(j["key"], j["value"], j["attempt"], j["headers"]) for j in jobs],
                         [(k, v, 1, [{"key": "from", "value": "test"}]) for k, v in (("alice", "1 apple"), ("bob", "2 pears"))])

    def test_a_group_is_made_once_and_must_be_as_it_is_said(self):
        self.produce("orders", "one")
        self.weir.run("topic", "create", "other")
        self.assertIn("UNKNOWN_GROUP", self.weir.run("work", "--group", "email", status=1).stderr.decode())
        self.assertEqual(self.work("--max", 1, config=("max.delivery.attempts=7",)).wait(), 0)
        for words, told in ((("--topic", "orders", "--config", "max.delivery.attempts=8"), "max.delivery.attempts=7, not 8"),
                            (("--topic", "other"), "does not read topic 'other' but orders"),
                            (("--config", "no.such.setting=1"), "no.such.setting")):
            self.assertIn(told, self.weir.run("work", "--group", "email", *words, status=1).stderr.decode())
        self.weir.run("group", "create", "readers")
        self.assertIn("GROUP_TYPE_MISMATCH", self.weir.run("work", "--group", "readers", status=1).stderr.decode())

    def test_dead_letters_are_counted_shown_redriven_and_purged(self):
        self.produce("orders", *(f"key{i}:value{i}" for i in range(6)))
        run = self.work("--max", 6, "--exec", 'case $WEIR_KEY in key5) exit 0 ;; esac; echo "no $WEIR_KEY" >&2; exit 100')
        self.assertEqual(run.wait(), 0, run.words)
        self.dead_letters(5)
        counted = self.weir.json("dlq", "list", "--group", "email")[0]
        self.assertEqual((counted["count"], counted["reasons"], counted["dead_letter_topic"]), (5, {"REJECTED": 5}, "dlq.orders.email"))
        self.assertIn("5 dead letters", self.weir.run("dlq", "list", "--group", "email").stdout.decode())
        shown = self.weir.run("dlq", "show", "--group", "email", "--key", "key3").stdout.decode()
        for part in ("REJECTED after 1 attempt", "orders/0:3", "value3", "no key3"):
            self.assertIn(part, shown)
        self.assertNotIn("value2", shown)
        self.assertEqual(len(self.weir.json("dlq", "show", "--group", "email", "--max", 2)), 2)
        self.assertEqual(self.weir.json("dlq", "show", "--group", "email", "--reason", "EXPIRED"), [])
        self.assertEqual(self.weir.json("dlq", "show", "--group", "email", "--until", "1h"), [])
        self.assertEqual(len(self.weir.json("dlq", "show", "--group", "email", "--from", "1h")), 5)
        dry = self.weir.json("dlq", "redrive", "--group", "email", "--dry-run")[0]
        self.assertEqual((dry["redriven"], dry["dry_run"], dry["reasons"]), (5, True, {"REJECTED": 5}))
        self.assertEqual(self.weir.json("dlq", "redrive", "--group", "email", "--key", "key0")[0]["redriven"], 1)
        self.assertEqual(self.weir.json("dlq", "redrive", "--group", "email", "--key", "key0")[0]["redriven"], 0)
        self.assertEqual(self.weir.json("dlq", "redrive", "--group", "email", "--key", "key1", "--to-topic")[0]["redriven"], 1)
        again = self.work("--max", 2)
        self.assertEqual(again.wait(), 0, again.words)
        self.assertEqual(sorted(json.loads(line)["value"] for line in again.out), ["value0", "value1"])
        self.assertIn("--yes", self.weir.run("dlq", "purge", "--group", "email", status=2).stderr.decode())
        self.assertEqual(self.weir.json("dlq", "purge", "--group", "email", "--key", "key2", "--yes")[0]["purged"], 1)
        self.assertEqual([letter["key"] for letter in self.dead_letters(2)], ["key3", "key4"])
        self.assertEqual(self.weir.json("dlq", "redrive", "--group", "email", "--rate", 1000)[0]["redriven"], 2)
        self.assertEqual(self.weir.json("dlq", "list", "--group", "email")[0]["count"], 0)
        self.assertEqual(self.weir.lines("consume", "orders")[-1:], ["value1"], "only what was driven to the topic is there for everyone")

    def test_jobs_are_listed_hurried_and_cancelled(self):
        self.produce("orders", *(f"key{i}:value{i}" for i in range(4)))
        run = self.work("--max", 4, "--exec", "exit 1", config=("retry.backoff.initial.ms=3600000", "retry.backoff.max.ms=3600000"))
        self.assertEqual(run.wait(), 0, run.words)
        jobs = self.weir.json("jobs", "list", "--group", "email", "--state", "delayed")
        self.assertEqual([(j["topic"], j["partition"], j["offset"], j["state"], j["attempts"]) for j in jobs],
                         [("orders", 0, i, "delayed", 1) for i in range(4)])
        self.assertTrue(all(j["due_ms"] > 0 for j in jobs))
        self.assertEqual(self.weir.json("jobs", "list", "--group", "email", "--state", "acquired"), [])
        shown = self.weir.run("jobs", "show", "--group", "email", "--topic", "orders", "--offset", 2).stdout.decode()
        self.assertIn("value2", shown)
        self.assertIn("delayed", shown)
        self.weir.run("jobs", "show", "--group", "email", "--topic", "orders", "--offset", 9, status=1)
        cancel = ("jobs", "cancel", "--group", "email", "--topic", "orders", "--offset", 0, "--offset", 1)
        self.assertIn("--yes", self.weir.run(*cancel, status=2).stderr.decode())
        self.assertIn(b"2 of 2 jobs are cancelled", self.weir.run(*cancel, "--yes").stdout)
        self.assertIn(b"0 of 2 jobs are cancelled", self.weir.run(*cancel, "--yes").stdout)
        [page] = self.weir.json("top", "--once", "--interval", "10ms")
        self.assertEqual([(g["group"], g["lag"], g["in_flight"], g["delayed"], g["dead"], g["state"], g["worst_topic"])
                          for g in page["share_groups"]], [("email", 2, 0, 2, 0, "running", "orders")])
        self.assertEqual((page["groups"], page["share_groups_omitted"]), ([], 0))
        heading = self.weir.run("top", "--once", "--interval", "10ms").stdout.decode().splitlines()[-2]
        self.assertEqual(heading.split()[:3], ["SHARE_GROUP", "LAG", "LAG_TIME"])
        self.assertIn(b"1 of 1 jobs are due now", self.weir.run("jobs", "release", "--group", "email", "--topic", "orders", "--offset", 2).stdout)
        one = WorkRun(self.weir, "--group", "email", "--max", 1)
        self.assertEqual(one.wait(), 0, one.words)
        self.assertEqual([json.loads(line)["value"] for line in one.out], ["value2"])
        self.assertIn(b"1 jobs are due now", self.weir.run("jobs", "release", "--group", "email", "--all").stdout)
        self.assertEqual(self.dead_letters(0), [], "cancelled jobs leave no dead letter")
        self.weir.run("jobs", "release", "--group", "email", status=2)

    def test_what_names_jobs_is_never_ignored(self):
        for words in (("cancel", "--all", "--partition", 1, "--yes"), ("release", "--all", "--topic", "orders"),
                      ("release", "--all", "--offset", 1), ("show", "--topic", "orders", "--offset", 1, "--offset", 2),
                      ("cancel", "--topic", "orders", "--offset", 1, "--state", "delayed", "--yes")):
            self.weir.run("jobs", *words, "--group", "email", status=2)

    def test_keys_of_jobs_are_whole_in_json_and_fit_for_a_terminal_in_a_table(self):
        self.weir.run("topic", "create", "orders")
        self.weir.run("produce", "orders", "--key-separator", ":", stdin=b"\x1b[2J\xff:escapes\n" + b"k" * 1000 + b":long\n")
        run = self.work("--max", 2, "--exec", "exit 1", config=("retry.backoff.initial.ms=3600000", "retry.backoff.max.ms=3600000"))
        self.assertEqual(run.wait(), 0, run.words)
        escapes, long = self.weir.json("jobs", "list", "--group", "email")
        self.assertEqual((base64.b64decode(escapes["key_base64"]), long["key"]), (b"\x1b[2J\xff", "k" * 1000))
        table = self.weir.run("jobs", "list", "--group", "email").stdout
        self.assertNotIn(b"\x1b", table)
        self.assertIn(rb"\x1b[2J\xff ", table)
        self.assertIn(b" " + b"k" * 60 + b"... ", table)

    def test_dead_letters_that_cannot_be_sent_stay_and_are_told(self):
        self.produce("orders", "one", "two")
        run = self.work("--max", 2, "--exec", "exit 100")
        self.assertEqual(run.wait(), 0, run.words)
        self.dead_letters(2)
        self.weir.run("topic", "delete", "orders", "--yes")
        redrive = ("dlq", "redrive", "--group", "email", "--to-topic")
        driven = self.weir.json(*redrive)[0]
        self.assertEqual((driven["redriven"], driven["stay"]), (0, {"UNKNOWN_TOPIC": 2}))
        self.assertIn(b"2 stay: they cannot be sent (UNKNOWN_TOPIC 2)", self.weir.run(*redrive).stdout)

    def test_what_fails_before_it_did_anything_has_no_result(self):
        for command in (("list",), ("redrive",), ("purge", "--yes")):
            failed = self.weir.run("dlq", *command, "--group", "nobody", status=1)
            self.assertEqual(failed.stdout, b"", command)
            self.assertIn(b"UNKNOWN_GROUP", failed.stderr, command)
        self.assertIn("bogus", self.weir.run("dlq", "list", "--group", "email", "--reason", "bogus", status=2).stderr.decode())

    def test_help_of_every_command_has_an_example(self):
        for command in ("work", "jobs", "dlq", "group", "jobs list", "jobs show", "jobs release", "jobs cancel", "dlq list", "dlq show", "dlq redrive", "dlq purge"):
            text = self.weir.run("help", *command.split()).stdout.decode()
            self.assertIn("Example", text, command)
            self.assertIn(f"weir {command}", text, command)


if __name__ == "__main__":
    PROGRAMS["weir"] = pathlib.Path(sys.argv[1])
    PROGRAMS["weir-broker"] = pathlib.Path(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
