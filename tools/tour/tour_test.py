#!/usr/bin/python3
"""That the tour sees what is wrong: its reading of dpkg's log and its check of a replay, without a broker."""
import gzip
import pathlib
import tempfile
import unittest

import dpkg_history as history
import tour
from replay import Replay, ReplayError

LIBC = (b"libc6", b"amd64")


def states_of(*lines):
    states = {}
    for line in lines:
        history.apply(line, states)
    return states


class DpkgHistoryTest(unittest.TestCase):
    def test_packages_are_found_in_every_kind_of_line(self):
        self.assertEqual(history.package_of(b"2026-01-01 10:00:00 status installed libc6:amd64 2.36"), LIBC)
        self.assertEqual(history.package_of(b"2026-01-01 10:00:00 upgrade libc6:amd64 2.35 2.36"), LIBC)
        self.assertEqual(history.package_of(b"2026-01-01 10:00:00 purge libc6 2.35 <none>"), (b"libc6", b""))
        self.assertIsNone(history.package_of(b"2026-01-01 10:00:00 startup archives unpack"))
        self.assertIsNone(history.package_of(b"2026-01-01 10:00:00 conffile /etc/upgrade keep"))
        self.assertIsNone(history.package_of(b"damaged"))

    def test_rotations_are_read_oldest_first(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for suffix, line in ((".10.gz", b"a\n"), (".2.gz", b"b\n")):
                (folder / f"dpkg.log{suffix}").write_bytes(gzip.compress(line))
            for suffix, line in ((".1", b"c\n"), ("", b"d\n\n"), (".orig", b"x\n")):
                (folder / f"dpkg.log{suffix}").write_bytes(line)
            self.assertEqual(history.read_lines(history.log_files(folder)), [b"a", b"b", b"c", b"d"])
            (folder / "dpkg.log-20250102.gz").write_bytes(gzip.compress(b"older\n"))
            self.assertEqual(history.read_lines(history.log_files(folder))[0], b"older")

    def test_the_last_status_counts(self):
        states = states_of(b"d t status half-installed libc6:amd64 2.36", b"d t status installed libc6:amd64 2.36",
                           b"d t configure libc6:amd64 2.36 <none>")
        self.assertEqual(states, {LIBC: (b"installed", b"2.36")})
        self.assertEqual(list(history.differences(states, {LIBC: (b"installed", b"2.36")})), [])

    def test_another_state_or_version_is_told(self):
        states = states_of(b"d t status installed libc6:amd64 2.36")
        for actual in ((b"installed", b"2.37"), (b"half-configured", b"2.36")):
            self.assertEqual(len(list(history.differences(states, {LIBC: actual}))), 1)
        self.assertEqual(list(history.differences(states, {})), ["libc6:amd64: logged installed, is not-installed"])

    def test_a_package_that_is_gone_is_not_listed_by_dpkg(self):
        gone = states_of(b"d t status not-installed libc6:amd64 <none>")
        self.assertEqual(list(history.differences(gone, {})), [])
        self.assertEqual(len(list(history.differences(gone, {LIBC: (b"installed", b"1")}))), 1)

    def test_a_package_that_changed_its_architecture_is_where_it_went(self):
        states = states_of(b"d t status half-installed tzdata:all 1", b"d t status installed tzdata:amd64 2")
        self.assertEqual(list(history.differences(states, {(b"tzdata", b"amd64"): (b"installed", b"2")})), [])
        # Without a word in the log about the other one it is a difference.
        alone = states_of(b"d t status half-installed tzdata:all 1")
        self.assertEqual(len(list(history.differences(alone, {(b"tzdata", b"amd64"): (b"installed", b"2")}))), 1)

    def test_the_sample_gives_its_stored_result(self):
        source = tour.sample_input()
        self.assertGreater(len(source.truth), 10)
        self.assertEqual(list(history.differences(states_of(*source.lines), source.truth)), [])


class InputTest(unittest.TestCase):
    def setUp(self):
        self.source = tour.Input([b"d t startup archives unpack", b"d t install a:all 1 2", b"d t status installed b:all 2"], {}, ())
        self.source.repeat(7)

    def test_it_ends_with_the_last_line(self):
        self.assertEqual(self.source.expected(6), (b"b", b"d t status installed b:all 2"))
        self.assertEqual(self.source.expected(0), (b"b", b"d t status installed b:all 2"))
        self.assertEqual(self.source.expected(1), (b"", b"d t startup archives unpack"))

    def test_lines_carry_key_and_number(self):
        self.assertEqual(self.source.make_lines(1, 3), b"1 d t startup archives unpack\na\t2 d t install a:all 1 2\n")

    def test_states_are_held_against_the_lines_and_the_truth(self):
        lines = [b"d t status installed p%d:all 1" % i for i in range(20)]
        truth = {(b"p%d" % i, b"all"): (b"installed", b"1") for i in range(20)}
        source = tour.Input(lines, dict(truth), ("the log", "dpkg-query"))
        states = states_of(*lines)
        self.assertEqual(source.check(states), [])
        # One that dpkg changed without a word is told; the topic cannot know.
        source.truth[(b"p3", b"all")] = (b"installed", b"2")
        [told] = source.check(states)
        self.assertIn("p3", told)
        # What the topic makes of the log is never left out.
        with self.assertRaisesRegex(tour.TourError, "1 of 20 .*the log: p3:all"):
            source.check({**states, (b"p3", b"all"): (b"installed", b"2")})
        missing = dict(states)
        del missing[(b"p7", b"all")]
        with self.assertRaisesRegex(tour.TourError, "p7:all"):
            source.check(missing)
        for i in (5, 6):
            source.truth[(b"p%d" % i, b"all")] = (b"half-installed", b"1")
        with self.assertRaisesRegex(tour.TourError, "3 of 20 packages differ from dpkg-query"):
            source.check(states)

    def test_a_long_history_is_not_cut(self):
        self.source.repeat(1)
        self.assertEqual(self.source.count, 3)


class ReplayTest(unittest.TestCase):
    def setUp(self):
        self.replay = Replay(4, lambda number: (b"" if number == 3 else b"ab"[number % 2:number % 2 + 1], b"text"))

    def take(self, *lines):
        for line in lines:
            self.assertEqual(self.replay.take(line + b"\n"), b"text")

    def refused(self, line, why):
        with self.assertRaisesRegex(ReplayError, why):
            self.replay.take(line + b"\n")

    def test_what_was_sent_is_right(self):
        self.take(b"0:0\ta\t0 text", b"1:0\tb\t1 text", b"0:1\ta\t2 text", b"5:0\t\t3 text")
        self.replay.finish()
        self.assertEqual((self.replay.records, self.replay.keys, self.replay.partitions), (4, 2, 3))

    def test_a_record_that_is_missing(self):
        self.take(b"0:0\ta\t0 text", b"0:1\ta\t2 text", b"5:0\t\t3 text")
        with self.assertRaisesRegex(ReplayError, "1 of 4 records are missing; the first is number 1"):
            self.replay.finish()

    def test_a_record_that_is_there_twice(self):
        self.take(b"0:0\ta\t0 text")
        self.refused(b"0:1\ta\t0 text", "twice")

    def test_records_out_of_order(self):
        self.take(b"0:0\ta\t2 text")
        self.refused(b"0:1\ta\t0 text", "out of order")

    def test_a_key_in_two_partitions(self):
        self.take(b"0:0\ta\t0 text")
        self.refused(b"1:0\ta\t2 text", "two partitions")

    def test_offsets_with_a_hole(self):
        self.refused(b"0:1\ta\t0 text", "offset 0 was to come")

    def test_records_that_were_never_sent(self):
        self.refused(b"0:0\ta\t0 other text", "never sent")
        self.refused(b"0:0\tb\t0 text", "never sent")
        self.refused(b"0:0\ta\t4 text", "never sent")


if __name__ == "__main__":
    unittest.main()
