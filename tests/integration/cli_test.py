"""weir, as a person runs it, against a real broker. Usage: cli_test.py WEIR WEIR-BROKER [unittest options]"""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from cli_programs import Broker, ProduceRun, Weir, adjacent_ports

PROGRAMS = {}


def crc32c(data):
    """The CRC of record batches."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def numbered(count, width=90):
    """Lines that are all different."""
    return (b"%0*d\n" % (width, i) for i in range(count))


class CliTest(unittest.TestCase):
    """One broker for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-cli-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.broker = Broker(PROGRAMS["weir-broker"], folder.name)
        self.broker.start()
        self.addCleanup(self.broker.close)
        self.weir = Weir(PROGRAMS["weir"], self.broker)

    def create(self, topic, partitions=1, *words):
        self.weir.run("topic", "create", topic, "--partitions", partitions, *words)

    # What goes in comes out.

    def test_lines_come_back_with_keys_headers_and_offsets(self):
        self.create("orders", 3)
        done = self.weir.run("produce", "orders", "--key-separator", ":", "--header", "from=test",
                             stdin=b"alice:1 apple\nbob:2 pears\nno separator\nalice:3: colons\n")
        self.assertIn("4 records acknowledged", done.stderr.decode())
        self.assertIn("1 lines without ':'", done.stderr.decode())
        records = self.weir.json("consume", "orders")
        self.assertEqual(sorted((r["key"] or "", r["value"]) for r in records),
                         [("", "no separator"), ("alice", "1 apple"), ("alice", "3: colons"), ("bob", "2 pears")])
        self.assertTrue(all(r["headers"] == [{"key": "from", "value": "test"}] for r in records))
        alice = [r for r in records if r["key"] == "alice"]
        self.assertEqual(alice[0]["partition"], alice[1]["partition"])
        self.assertLess(alice[0]["offset"], alice[1]["offset"])

    def test_bytes_that_are_no_text_pass_unchanged(self):
        self.create("raw")
        self.weir.run("produce", "raw", stdin=b"\xff\xfe\x00x\n\n")
        self.assertEqual(self.weir.run("consume", "raw").stdout, b"\xff\xfe\x00x\n\n")
        self.assertEqual([r.get("value_base64", r.get("value")) for r in self.weir.json("consume", "raw")], ["//4AeA==", ""])

    def test_every_compression_and_durability_round_trips(self):
        lines = b"".join(numbered(5000))
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            self.create(codec)
            self.weir.run("produce", codec, "--compression", codec, "--durability", "written", stdin=lines)
            self.assertEqual(self.weir.run("consume", codec).stdout, lines, codec)

    def test_consume_can_begin_and_end_anywhere(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"".join(numbered(1000, 4)))
        self.assertEqual(self.weir.lines("consume", "log", "--from", "990", "--max", "3"), ["0990", "0991", "0992"])
        self.assertEqual(self.weir.lines("consume", "log", "--from", "latest"), [])
        self.assertEqual(len(self.weir.lines("consume", "log", "--from", "1h")), 1000)
        self.assertEqual(self.weir.lines("consume", "log", "--from", "1000"), [])
        self.assertEqual(self.weir.lines("consume", "log", "--print-offset", "--max", "1"), ["0:0\t0000"])

    def test_follow_gives_what_comes_later_and_ends_with_a_signal(self):
        self.create("log")
        follower = subprocess.Popen(self.weir.command("consume", "log", "--follow"), stdout=subprocess.PIPE,
                                    env=self.weir.environment())
        for text in (b"one\n", b"two\n"):
            self.weir.run("produce", "log", stdin=text)
            self.assertEqual(follower.stdout.readline(), text)
        follower.terminate()
        self.assertEqual(follower.wait(timeout=60), 0)
        follower.stdout.close()

    def test_follow_reads_partitions_that_are_added(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"old\n")
        follower = subprocess.Popen(self.weir.command("consume", "log", "--follow"), stdout=subprocess.PIPE, env=self.weir.environment())
        self.assertEqual(follower.stdout.readline(), b"old\n")
        self.weir.run("topic", "add-partitions", "log", "--to", "3", "--yes")
        self.weir.run("produce", "log", "--partition", "2", stdin=b"new\n")
        self.assertEqual(follower.stdout.readline(), b"new\n")
        follower.terminate()
        self.assertEqual(follower.wait(timeout=60), 0)
        follower.stdout.close()

    # Consumer groups.

    def test_a_group_goes_on_where_it_is(self):
        self.create("orders", 4)
        lines = list(numbered(4000))
        self.weir.run("produce", "orders", stdin=b"".join(lines))
        some = self.weir.run("consume", "orders", "--group", "email", "--max", 1500).stdout.splitlines(True)
        self.assertEqual(len(some), 1500)
        rest = self.weir.run("consume", "orders", "--group", "email").stdout.splitlines(True)
        self.assertEqual(sorted(some + rest), lines)
        self.assertEqual(self.weir.run("consume", "orders", "--group", "email").stdout, b"")
        groups = self.weir.json("group", "list")
        self.assertEqual([(g["group"], g["state"], g["members"]) for g in groups], [("email", "empty", 0)])
        described = self.weir.json("group", "describe", "email")[0]
        self.assertEqual((described["start"], described["lag"], len(described["partitions"])), ("earliest", 0, 4))

    def test_members_of_a_group_share_and_survive_each_other(self):
        self.create("shared", 4)
        self.weir.run("group", "create", "workers", "--config", "session.timeout.ms=1000")
        first, second = (
            subprocess.Popen(self.weir.command("consume", "shared", "--group", "workers", "--follow"), stdout=subprocess.PIPE,
                             env=self.weir.environment()) for _ in range(2))
        self.addCleanup(lambda: [p.stdout.close() for p in (first, second)])

        def owned():
            members = self.weir.json("group", "describe", "workers")[0]["members"]
            return sorted(len(m["partitions"].split(":")[1].split(",")) if m["partitions"] else 0 for m in members)

        while owned() != [2, 2]:
            pass
        self.weir.run("produce", "shared", "--partition", "0", stdin=b"a\n")
        for partition in range(1, 4):
            self.weir.run("produce", "shared", "--partition", partition, stdin=b"a\n")
        self.assertEqual([p.stdout.readline() for p in (first, second) for _ in range(2)], [b"a\n"] * 4)
        second.kill()
        second.wait()
        while owned() != [4]:
            pass
        for partition in range(4):
            self.weir.run("produce", "shared", "--partition", partition, stdin=b"b\n")
        heard = []
        while heard.count(b"b\n") < 4:  # what the killed one had not committed may come once more
            heard.append(first.stdout.readline())
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(), 0)
        self.assertEqual(self.weir.json("group", "describe", "workers")[0]["lag"], 0)

    def test_a_share_group_is_made_seen_changed_and_deleted(self):
        self.weir.run("topic", "create", "pictures", "--partitions", "2")
        self.weir.run("produce", "pictures", stdin=b"a\nb\nc\n")
        made = self.weir.run("group", "create", "resize", "--type", "share", "--topic", "pictures", "--config", "max.delivery.attempts=3")
        self.assertEqual(made.stdout, b"created share group resize, which starts at earliest\n")
        self.assertEqual([(g["group"], g["type"]) for g in self.weir.json("group", "list")], [("resize", "share")])
        described = self.weir.json("group", "describe", "resize")[0]
        self.assertEqual((described["type"], described["topics"], described["dead_letter_topic"], described["unfinished"]),
                         ("share", ["pictures"], "dlq.pictures.resize", 3))
        self.assertEqual([(p["partition"], p["state"]) for p in described["partitions"]], [(0, "OPEN"), (1, "OPEN")])
        self.weir.run("group", "pause", "resize")
        table = self.weir.run("group", "describe", "resize").stdout.decode()
        for part in ("type share", "(paused)", "reads pictures", "dead letters dlq.pictures.resize", "max.delivery.attempts"):
            self.assertIn(part, table)
        self.weir.run("group", "resume", "resize")
        self.weir.run("topic", "create", "photos")
        changed = self.weir.json("group", "alter", "resize", "--topic", "photos", "--topic", "pictures", "--remove", "max.delivery.attempts")
        self.assertEqual([s["value"] for s in changed if s["name"] == "max.delivery.attempts"], ["5"])
        described = self.weir.json("group", "describe", "resize")[0]
        self.assertEqual([(p["topic"], p["partition"]) for p in described["partitions"]], [("photos", 0), ("pictures", 0), ("pictures", 1)])
        self.assertIn("--topic or --prefix", self.weir.run("group", "create", "x", "--type", "share", status=2).stderr.decode())
        self.assertIn("--type share", self.weir.run("group", "create", "x", "--topic", "photos", status=2).stderr.decode())
        self.assertIn("GROUP_TYPE_MISMATCH", self.weir.run("consume", "pictures", "--group", "resize", status=1).stderr.decode())
        self.weir.run("group", "delete", "resize", "--yes")
        self.assertEqual(self.weir.json("group", "list"), [])
        self.assertIn("dlq.pictures.resize", [t["topic"] for t in self.weir.json("topic", "list")])

    def test_a_group_is_reset_paused_and_deleted(self):
        self.create("orders")
        self.weir.run("produce", "orders", stdin=b"1\n2\n3\n")
        self.weir.run("consume", "orders", "--group", "g")
        for to, after in (("earliest", 0), ("latest", 3), ("2", 2), ("+5", 3), ("-1", 2)):
            rows = self.weir.json("group", "reset", "g", "--topic", "orders", f"--to={to}", "--dry-run")
            self.assertEqual((rows[0]["before"], self.weir.json("group", "reset", "g", "--topic", "orders", f"--to={to}")[0]["after"]),
                             (rows[0]["before"], after), to)
        self.assertEqual(self.weir.run("consume", "orders", "--group", "g").stdout, b"3\n")
        self.weir.run("group", "pause", "g")
        self.assertTrue(self.weir.json("group", "list")[0]["paused"])
        self.weir.run("produce", "orders", stdin=b"4\n")
        with subprocess.Popen(self.weir.command("consume", "orders", "--group", "g"), env=self.weir.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
            self.assertIn(b"group 'g' is paused", waiting.stderr.readline())
            self.weir.run("group", "resume", "g")
            self.assertEqual(waiting.communicate(timeout=60)[0], b"4\n")
        self.weir.run("group", "alter", "g", "--config", "session.timeout.ms=9000")
        self.assertIn("--yes", self.weir.run("group", "delete", "g", status=2).stderr.decode())
        self.weir.run("group", "delete", "g", "--yes")
        self.assertIn("UNKNOWN_GROUP", self.weir.run("group", "describe", "g", status=1).stderr.decode())
        self.assertIn("earliest or latest", self.weir.run("consume", "orders", "--group", "g", "--from", "1", status=2).stderr.decode())

    def test_a_reader_that_leaves_is_no_error(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"".join(numbered(200_000)))
        consumer = subprocess.Popen(self.weir.command("consume", "log"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=self.weir.environment())
        self.assertEqual(len(consumer.stdout.readline()), 91)
        consumer.stdout.close()
        self.assertEqual(consumer.stderr.read(), b"")
        self.assertEqual(consumer.wait(timeout=60), 0)
        consumer.stderr.close()

    def test_a_batch_that_cannot_be_decoded_costs_only_its_own_records(self):
        self.create("log")
        for text in (b"first\n", b"second\n", b"third\n"):
            self.weir.run("produce", "log", stdin=text)
        self.broker.stop()
        [segment] = self.broker.data.glob("logs/*/0/*.log")
        content = bytearray(segment.read_bytes())
        second = 12 + int.from_bytes(content[8:12], "big")
        end = second + 12 + int.from_bytes(content[second + 8:second + 12], "big")
        content[second + 61] = 0x7f  # the length of its record: -64
        content[second + 17:second + 21] = crc32c(content[second + 21:end]).to_bytes(4, "big")
        segment.write_bytes(content)
        self.broker.start()
        done = self.weir.run("consume", "log", status=1)
        self.assertEqual(done.stdout, b"first\nthird\n")
        self.assertIn("CORRUPT_BATCH: log/0: offsets 1 to 1 cannot be read", done.stderr.decode())

    # Administration.

    def test_topics_are_created_changed_and_deleted(self):
        self.create("orders", 2, "--config", "retention.ms=3600000")
        [described] = self.weir.json("topic", "describe", "orders")
        config = {entry["name"]: entry for entry in described["config"]}
        self.assertEqual(config["retention.ms"], {"name": "retention.ms", "value": "3600000", "is_default": False})
        self.assertEqual(len(described["partitions"]), 2)
        self.weir.run("topic", "alter", "orders", "--remove", "retention.ms", "--config", "segment.bytes=1048576")
        [described] = self.weir.json("topic", "describe", "orders")
        config = {entry["name"]: entry["value"] for entry in described["config"]}
        self.assertEqual((config["segment.bytes"], config["retention.ms"]), ("1048576", "604800000"))
        self.weir.run("topic", "add-partitions", "orders", "--to", "4", "--yes")
        self.assertEqual([(t["topic"], t["partitions"]) for t in self.weir.json("topic", "list")], [("orders", 4)])
        self.weir.run("topic", "delete", "orders", "--yes")
        self.assertEqual(self.weir.json("topic", "list"), [])

    def test_the_broker_chooses_the_number_of_partitions_when_nobody_does(self):
        self.broker.stop()
        self.broker = Broker(PROGRAMS["weir-broker"], self.folder, "--topic-partitions", "6")
        self.broker.start()
        self.addCleanup(self.broker.close)
        self.weir = Weir(PROGRAMS["weir"], self.broker)
        self.assertIn("partitions: 6", self.weir.run("topic", "create", "default").stdout.decode())
        self.create("chosen", 2)
        self.assertEqual([t["partitions"] for t in self.weir.json("topic", "list")], [2, 6])
        self.assertIn("100000", self.weir.run("topic", "create", "x", "--partitions", "100001", status=2).stderr.decode())

    def test_what_cannot_be_taken_back_asks_for_yes(self):
        self.create("orders", 2)
        for words in (("delete", "orders"), ("add-partitions", "orders", "--to", "3")):
            done = self.weir.run("topic", *words, status=2)
            self.assertIn("--yes", done.stderr.decode())
        self.assertEqual([t["partitions"] for t in self.weir.json("topic", "list")], [2])

    def test_deleted_records_are_gone(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"".join(numbered(100, 3)))
        self.weir.run("topic", "delete-records", "log", "--partition", "0", "--before", "40")
        self.assertEqual(self.weir.json("offsets", "log"), [{"topic": "log", "partition": 0, "earliest": 40, "latest": 100}])
        self.assertEqual(self.weir.lines("consume", "log", "--max", "1"), ["040"])
        done = self.weir.run("consume", "log", "--from", "7", status=1)
        self.assertIn("OFFSET_OUT_OF_RANGE", done.stderr.decode())
        self.weir.run("topic", "delete-records", "log", "--partition", "0", "--before", "latest")
        self.assertEqual(self.weir.lines("consume", "log"), [])

    def test_offsets_of_a_time(self):
        self.create("log", 2)
        self.weir.run("produce", "log", "--partition", "1", stdin=b"x\n")
        self.assertEqual([(r["partition"], r["offset"]) for r in self.weir.json("offsets", "log", "--at", "1h")], [(0, 0), (1, 0)])
        self.assertEqual([r["offset"] for r in self.weir.json("offsets", "log", "--at", "@4102444800")], [0, 1])

    # Errors.

    def test_wrong_usage_is_status_2(self):
        for words in ((), ("nonsense",), ("topic", "create"), ("produce", "x", "--durability", "safe"), ("consume", "x", "--from", "noon"),
                      ("topic", "create", "x", "--config", "retention.ms"), ("produce", "x", "--header", "novalue"),
                      ("bench", "produce", "--runs", "0"), ("topic", "list", "--output", "xml")):
            done = self.weir.run(*words, status=2)
            self.assertTrue(done.stderr, words)
            self.assertFalse(done.stdout, words)

    def test_an_option_without_a_value_is_refused(self):
        for words in (("dlq", "purge", "--group", "g", "--until", "", "--yes"),
                      ("consume", "x", "--group", ""), ("topic", "create", "")):
            self.assertIn("its value is empty", self.weir.run(*words, status=2).stderr.decode(), words)
        for command in ("", " "):
            self.assertIn("no command in it", self.weir.run("work", "--group", "g", "--exec", command, status=2).stderr.decode())

    def test_an_unknown_option_is_named(self):
        for words, option in ((("group", "reset", "g", "--tpic", "x", "--to", "1"), "--tpic"), (("consume", "x", "--form", "5"), "--form"),
                              (("topic", "add-partitions", "x", "--partitions", "8"), "--partitions")):
            self.assertIn(f"there is no option '{option}' here", self.weir.run(*words, status=2).stderr.decode())

    def test_a_broker_address_needs_a_port(self):
        for address in ("localhost", "localhost:0", "localhost:99999", ":1"):
            self.assertIn("is not HOST:PORT", self.weir.run("--broker", address, "topic", "list", status=2).stderr.decode())

    def test_output_that_cannot_be_written_is_an_error(self):
        self.create("orders")
        for words in (("topic", "list"), ("offsets", "orders"), ("--help",), ("help", "consume"), ("log", "verify", self.broker.data)):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(self.weir.command(*words), env=self.weir.environment(), stdout=full, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual((done.returncode, b"cannot write the output" in done.stderr), (1, True), (words, done.stderr))

    def test_an_unknown_command_is_named(self):
        for words in (("nonsense",), ("topic", "nonsense"), ("help", "nonsense"), ("help", "topic", "nonsense"), ("help", "produce", "nonsense"),
                      ("--broker", "127.0.0.1:1", "nonsense"), ("topic", "list", "nonsense")):
            done = self.weir.run(*words, status=2)
            self.assertIn("nonsense", done.stderr.decode(), words)
            self.assertFalse(done.stdout, words)
        self.assertIn("weir topic create", self.weir.run("help", "topic", "create").stdout.decode())

    def test_what_is_out_of_range_is_refused_with_the_range(self):
        for words, told in ((("consume", "x", "--partition", "-1"), "-1 not in range 0 to 99999"),
                            (("produce", "x", "--partition", "100000"), "100000 not in range 0 to 99999"),
                            (("consume", "x", "--max", "-1"), "-1 not in range 0 to"), (("produce", "x", "--rate", "0"), "0 not in range 1 to"),
                            (("produce", "x", "--batch-bytes", "0"), "'0' is not from 1 to 33554432 bytes"),
                            (("produce", "x", "--batch-bytes", "33MiB"), "'33MiB' is not from 1 to 33554432 bytes"),
                            (("produce", "x", "--linger", "5s"), "'5s' is not from 0 to 1000ms"),
                            (("produce", "x", "--buffer-bytes", "0"), "'0' is not from 1 byte up"),
                            (("produce", "x", "--progress-interval", "0"), "'0' is not from 1ms up"),
                            (("top", "--interval", "0"), "'0' is not from 1ms up"),
                            (("bench", "produce", "--linger", "1001ms"), "'1001ms' is not from 0 to 1000ms")):
            text = self.weir.run(*words, status=2).stderr.decode()
            self.assertIn(told, text)
            self.assertLess(max(map(len, text.splitlines())), 150)

    def test_errors_are_status_1_with_reason_and_hint(self):
        self.create("orders", 2)
        for words, reason in ((("produce", "nowhere"), "UNKNOWN_TOPIC"), (("consume", "nowhere"), "UNKNOWN_TOPIC"),
                              (("offsets", "nowhere"), "UNKNOWN_TOPIC"), (("produce", "orders", "--partition", "2"), "UNKNOWN_PARTITION"),
                              (("consume", "orders", "--partition", "9"), "UNKNOWN_PARTITION"),
                              (("topic", "create", "orders"), "TOPIC_EXISTS"), (("topic", "create", "../x"), "INVALID_TOPIC_NAME"),
                              (("topic", "create", "y", "--config", "retention=1"), "INVALID_CONFIG")):
            done = self.weir.run(*words, stdin=b"line\n", status=1)
            self.assertIn(reason, done.stderr.decode())
            self.assertFalse(done.stdout)
        self.assertIn("hint: ", self.weir.run("consume", "nowhere", status=1).stderr.decode())

    def test_no_broker_is_said_with_its_address(self):
        self.broker.kill()
        done = self.weir.run("topic", "list", status=1)
        self.assertIn(self.broker.address, done.stderr.decode())
        self.assertIn("hint: is the broker running?", done.stderr.decode())

    def test_a_line_that_is_too_large_fails_alone(self):
        self.create("log")
        done = self.weir.run("produce", "log", stdin=b"first\n" + b"x" * 2_000_000 + b"\nlast\n", status=1)
        self.assertIn("line 2: MESSAGE_TOO_LARGE", done.stderr.decode())
        self.assertIn("2 records acknowledged", done.stderr.decode())
        self.assertIn("1 records were not written", done.stderr.decode())
        self.assertEqual(self.weir.lines("consume", "log"), ["first", "last"])

    def test_help_of_every_command_has_an_example(self):
        self.assertTrue(self.weir.run("--version").stdout.startswith(b"weir "))
        for command in ("topic create", "topic alter", "produce", "consume", "offsets", "log dump", "log verify", "bench produce", "top"):
            text = self.weir.run("help", *command.split()).stdout.decode()
            self.assertIn("Example", text, command)
            self.assertIn(f"weir {command}", text, command)

    # Long input, interruption, crashes.

    def test_ctrl_c_tells_the_exact_count(self):
        self.create("log", 4)
        run = ProduceRun(self.weir, "log")
        run.feed(itertools.cycle([b"line of an endless input\n"]))
        run.wait_for(50_000)
        run.interrupt()
        status, count = run.wait()
        self.assertEqual(status, 130, run.words)
        self.assertEqual(sum(self.weir.high_watermarks("log")), count)
        self.assertGreaterEqual(count, 50_000)

    def test_ctrl_c_while_the_broker_is_away_ends_in_time(self):
        self.create("log")
        run = ProduceRun(self.weir, "log", "--stop-timeout", "200ms", "--buffer-bytes", "1MiB")
        run.feed(itertools.cycle([b"line of an endless input\n"]))
        run.wait_for(10_000)
        self.broker.kill()
        run.interrupt()
        status, count = run.wait()
        self.assertEqual(status, 130, run.words)
        self.broker.start()
        self.assertGreaterEqual(sum(self.weir.high_watermarks("log")), count)

    def test_a_run_that_does_not_come_further_says_why(self):
        self.create("log")
        self.broker.stop()
        self.broker = Broker(PROGRAMS["weir-broker"], self.folder, "--disk-low", "8000TiB")
        self.broker.start()
        self.addCleanup(self.broker.close)
        run = ProduceRun(Weir(PROGRAMS["weir"], self.broker), "log", progress="auto")
        run.feed([b"line\n"]).join()
        run.flush_input()
        run.wait_for_words("nothing acknowledged for 3 s", "DISK_LOW", "trying again")
        run.wait_for_words("hint: free space")
        run.interrupt()
        run.interrupt()
        self.assertEqual(run.wait(), (130, 0), run.words)

    def test_every_line_lands_once_though_the_broker_is_killed_twice(self):
        total = 300_000
        self.create("log", 12)
        run = ProduceRun(self.weir, "log", "--rate", "150000")
        feeder = run.feed(numbered(total))
        for acknowledged in (50_000, 150_000):
            run.wait_for(acknowledged)
            self.broker.kill()
            self.broker.start()
        feeder.join()
        run.end_input()
        status, count = run.wait()
        self.assertEqual((status, count), (0, total), run.words)
        lines = self.weir.run("consume", "log").stdout.splitlines()
        self.assertEqual(len(lines), total)
        self.assertEqual(sorted(map(int, lines)), list(range(total)))

    def test_a_million_lines_take_constant_memory(self):
        total = 10_000_000 if os.environ.get("WEIR_TESTS_LONG") else 1_000_000
        self.create("log", 12)
        run = ProduceRun(self.weir, "log")
        feeder = run.feed(numbered(total))
        run.wait_for(total // 2)
        half = run.peak_kib()
        feeder.join()
        run.flush_input()
        run.wait_for(total)
        # Half of a short run need not have filled the buffers yet (32 MiB of records, and what is on the way).
        if not os.environ.get("WEIR_SANITIZE"):  # a sanitizer keeps what was freed
            self.assertLess(run.peak_kib() - half, 96 * 1024, "memory grows with the input")
            self.assertLess(run.peak_kib(), 256 * 1024)
        run.end_input()
        self.assertEqual(run.wait(), (0, total), run.words)
        self.assertEqual(sum(self.weir.high_watermarks("log")), total)

    # Offline tools.

    def test_log_verify_holds_while_the_broker_writes_and_after_a_kill(self):
        self.create("log", 8, "--config", "segment.bytes=1048576")
        run = ProduceRun(self.weir, "log", "--compression", "lz4", "--batch-bytes", "4KiB")
        run.feed(itertools.cycle(numbered(1000)))
        for acknowledged in (20_000, 100_000, 200_000):
            run.wait_for(acknowledged)
            [report] = self.weir.json("log", "verify", self.broker.data)
            self.assertTrue(report["ok"], report)
        self.broker.kill()
        run.interrupt()
        run.interrupt()
        run.wait()
        [report] = self.weir.json("log", "verify", self.broker.data)
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["partitions"], 8)
        [row] = self.weir.json("log", "stat", self.broker.data)
        self.assertEqual(row["topic"], "log")
        self.broker.start()
        self.assertEqual(sum(self.weir.high_watermarks("log")), row["offsets"], "stat knows what recovery will make of it")

    def test_log_verify_counts_what_is_only_in_the_journal(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"".join(numbered(100)))
        text = self.weir.run("log", "verify", self.broker.data).stdout.decode()
        [report] = self.weir.json("log", "verify", self.broker.data)
        self.assertEqual(report["records"] + report["journal_records"], 100, text)
        self.assertRegex(text, r"\d+ records in \d+ batches, [^\n]*\nand \d+ records in \d+ batches of \d+ journal rounds")

    def test_log_verify_finds_a_flipped_bit(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"".join(numbered(10_000)))
        self.broker.stop()
        [segment] = self.broker.data.glob("logs/*/0/*.log")
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        done = self.weir.run("log", "verify", self.broker.data, status=1)
        self.assertIn(str(segment), done.stdout.decode())
        self.weir.run("log", "dump", segment, status=1)

    def test_log_dump_shows_what_was_written(self):
        self.create("log")
        self.weir.run("produce", "log", "--key-separator", ":", stdin=b"k:v\nk:w\n")
        [segment] = self.broker.data.glob("logs/*/0/*.log")
        batches = self.weir.json("log", "dump", segment, "--records")
        values = [record["value"] for batch in batches for record in batch["records"]]
        self.assertEqual(values, ["v", "w"])
        self.assertTrue(all(batch["crc_ok"] for batch in batches))
        journal = min(self.broker.data.glob("journal/*.journal"))
        entries = [entry for round in self.weir.json("log", "dump", journal) for entry in round["entries"]]
        self.assertEqual([(e["topic"], e["kind"]) for e in entries if e["record_count"]], [("log", "append")] * len(batches))
        self.broker.stop()
        [point] = self.weir.json("log", "dump", self.broker.data / "recovery-point")
        self.assertTrue(point["clean"])
        self.assertEqual([p["log_end_offset"] for p in point["partitions"]], [2])

    # Watching and measuring.

    def test_top_shows_the_topic(self):
        self.create("log")
        self.weir.run("produce", "log", stdin=b"x\n")
        [page] = self.weir.json("top", "--once", "--interval", "10ms")
        self.assertEqual([(t["topic"], t["offsets"]) for t in page["topics"]], [("log", 1)])
        self.assertIn("records/s", self.weir.run("top", "--once", "--interval", "10ms").stdout.decode())

    def test_top_shows_the_groups_the_furthest_behind_first(self):
        for topic in ("orders", "events"):
            self.create(topic)
            self.weir.run("produce", topic, stdin=b"".join(numbered(100)))
        self.weir.run("consume", "orders", "--group", "behind", "--max", 30)
        self.weir.run("consume", "events", "--group", "behind", "--max", 90)
        self.weir.run("consume", "orders", "--group", "up-to-date")
        [page] = self.weir.json("top", "--once", "--interval", "10ms")
        self.assertEqual([(g["group"], g["lag"], g["members"], g["state"], g["worst_topic"]) for g in page["groups"]],
                         [("behind", 80, 0, "empty", "orders"), ("up-to-date", 0, 0, "empty", None)])
        self.assertGreater(page["groups"][0]["lag_ms"], 0)
        self.assertEqual((page["groups"][1]["lag_ms"], page["groups_omitted"]), (0, 0))
        table = self.weir.run("top", "--once", "--interval", "10ms").stdout.decode()
        self.assertIn("groups 2\n", table)
        [heading, behind, up_to_date] = table.splitlines()[-3:]
        self.assertEqual(heading.split(), ["GROUP", "LAG", "LAG_TIME", "MEMBERS", "STATE", "COMMITS/S", "WORST_TOPIC"])
        self.assertEqual((behind.split()[0], behind.split()[-1], up_to_date.split()[0]), ("behind", "orders", "up-to-date"))
        self.assertNotIn("\033", table)

    def test_top_finds_the_metrics_beside_the_broker(self):
        self.broker.stop()
        self.broker.address, self.broker.http = (f"127.0.0.1:{port}" for port in adjacent_ports())
        self.broker.start()
        self.weir.names_http = False
        [page] = self.weir.json("top", "--once", "--interval", "10ms")
        self.assertEqual(page["errors_per_second"], 0)
        self.broker.stop()
        done = self.weir.run("top", "--once", status=1)
        self.assertIn(f"http://{self.broker.http}/metrics", done.stderr.decode())

    def test_bench_gives_figures_with_their_configuration(self):
        cases = {"produce": ("--records", "20000"), "singles": ("--records", "2000", "--threads", "4"), "unary": ("--records", "2000"),
                 "fetch": ("--records", "20000"), "fetch --raw": ("--records", "20000"), "e2e": ("--records", "500", "--rate", "1000"),
                 "create": ("--partitions", "20", "--topics", "2"), "idle": ("--partitions", "20"),
                 "commit": ("--partitions", "20", "--groups", "4", "--offsets", "2000"),
                 "produce-and-commit": ("--records", "20000", "--commit-rate", "20000")}
        for case, words in cases.items():
            [result] = self.weir.json("bench", *case.split(), *words, "--runs", "2", "--http", self.broker.http)
            self.assertEqual(result["case"], case.split()[0])
            self.assertIn("broker_version", result["configuration"])
            self.assertTrue(result["figures"])
            for figure in result["figures"].values():
                self.assertLessEqual(figure["min"], figure["median"])
                self.assertLessEqual(figure["median"], figure["max"])
        self.assertEqual(self.weir.run("bench", "restart", "--bytes", "1", status=1).stdout, b"")

    def test_bench_of_members_that_come_and_go(self):
        [result] = self.weir.json("bench", "members", "--members", "8", "--partitions", "20", "--churn", "100", "--for", "500ms",
                                  "--runs", "1", "--http", self.broker.http)
        figures = {name: figure["median"] for name, figure in result["figures"].items()}
        self.assertEqual((figures["double_owned"], figures["refused"]), (0, 0))
        self.assertGreater(figures["commits"], 0)
        self.assertGreater(figures["changes_per_second"], 0)
        self.assertEqual(self.weir.json("group", "list"), [])

    def test_bench_starts_a_broker_of_its_own_and_leaves_nothing(self):
        [result] = self.weir.json("bench", "offsets", "--spawn", "--broker-program", PROGRAMS["weir-broker"], "--work", self.folder,
                                  "--partitions", "20", "--offsets", "200", "--runs", "2")
        self.assertGreater(result["figures"]["ready_seconds"]["min"], 0)
        [result] = self.weir.json("bench", "restart", "--spawn", "--broker-program", PROGRAMS["weir-broker"], "--work", self.folder,
                                  "--partitions", "20", "--bytes", "1MiB", "--runs", "2")
        self.assertGreater(result["figures"]["first_acknowledgement_seconds"]["min"], 0)
        self.assertEqual(list(self.folder.glob("weir-bench-*")), [])


if __name__ == "__main__":
    PROGRAMS["weir"], PROGRAMS["weir-broker"] = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
