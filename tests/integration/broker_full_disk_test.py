"""Starts of the real broker on a small ext4 that is full. They need root and loop devices, and are skipped without."""

import errno
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import grpc

from broker_process import DEADLINE, PROGRAM, Broker, clean_environment
from weir.v1 import admin_pb2, log_pb2

MIB = 1 << 20
DISK = 512 * MIB
JOURNAL_FILE = 40 * MIB  # the smallest that can be configured
FLAGS = ("--journal-file-bytes", str(JOURNAL_FILE))
VALUES = [b"value %d" % i for i in range(1000)]


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-test-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.disk = os.path.join(self.directory, "disk")
        os.mkdir(self.disk)
        image = os.path.join(self.directory, "image")
        with open(image, "wb") as file:
            file.truncate(DISK)
        for command in (["mkfs.ext4", "-q", "-F", "-m", "0", image], ["mount", "-o", "loop", image, self.disk]):
            self.run_or_skip(command)
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)
        self.data = os.path.join(self.disk, "data")
        self.filler = os.path.join(self.disk, "filler")

    def run_or_skip(self, command):
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PATH": path})
        except FileNotFoundError as missing:
            self.skipTest(f"there is no {missing.filename}")
        except subprocess.CalledProcessError as failed:
            self.skipTest(f"{command[0]} is not permitted here: {failed.stderr.strip()}")

    def free(self):
        space = os.statvfs(self.disk)
        return space.f_bavail * space.f_frsize

    def fill(self, leave=0):
        """Takes all space but about `leave` bytes."""
        step = 64 * MIB
        with open(self.filler, "ab") as filler:
            while step >= 4096:
                try:
                    if self.free() - leave < step:
                        raise OSError(errno.ENOSPC, "enough")
                    os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 4

    def started(self, *flags):
        broker = Broker(self.data, *FLAGS, *flags).start()
        self.addCleanup(lambda: broker.running and broker.kill())
        return broker

    def killed_with_records(self, reserve):
        """What a killed broker leaves: records in a topic, and the reserve in full or none."""
        broker = self.started()
        broker.create("topic")
        broker.create("other")
        self.assertFalse(broker.produce("topic", VALUES).results[0].HasField("error"))
        path = pathlib.Path(self.data, "reserve")
        # It grows in steps; a call passes the time.
        while reserve and path.stat().st_size < broker.metric("weir_journal_bytes") + JOURNAL_FILE + 16 * MIB:
            self.assertTrue(broker.running)
        broker.kill()
        if not reserve:
            path.unlink()

    def describe(self, broker):
        return broker.admin.DescribeBroker(admin_pb2.DescribeBrokerRequest(), timeout=DEADLINE)

    def delete_records(self, broker, topic, before):
        request = admin_pb2.DeleteRecordsRequest(topic=topic)
        request.targets.add(partition=0, before_offset=before)
        return broker.admin.DeleteRecords(request, timeout=DEADLINE).results[0]

    def delete_topic(self, broker, topic):
        broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name=topic), timeout=DEADLINE)

    def assertProducesAgain(self, broker):
        """Once there is room a produce is taken, without a restart."""
        while True:
            result = broker.produce("topic", [b"new"]).results[0]
            if not result.HasField("error"):
                return
            self.assertEqual(result.error.reason, "DISK_LOW")

    def test_a_start_with_the_reserve_succeeds_again_and_again(self):
        self.killed_with_records(reserve=True)
        self.fill()
        self.assertLess(self.free(), 4096)
        for start in range(3):
            broker = self.started()
            told = self.describe(broker)
            self.assertEqual((told.disk_low, told.read_only), (True, ""))
            self.assertEqual(broker.values("topic", offset=start), VALUES[start:])
            self.assertEqual(broker.produce("topic", [b"v"]).results[0].error.reason, "DISK_LOW")
            broker.create(f"new-{start}")
            self.delete_topic(broker, f"new-{start}")
            self.assertEqual(self.delete_records(broker, "topic", start + 1).log_start_offset, start + 1)
            self.assertEqual(broker.get("/readyz"), (200, "ok\n"))
            if start < 2:
                broker.kill()
                self.fill()
        self.delete_topic(broker, "other")
        os.unlink(self.filler)
        self.assertProducesAgain(broker)
        self.assertEqual(broker.values("topic", offset=3), VALUES[3:] + [b"new"])
        self.assertEqual(broker.stop(), 0, broker.log())

    def precious(self):
        files = [pathlib.Path(self.data, "recovery-point"), *sorted(pathlib.Path(self.data, "journal").iterdir())]
        return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def assertDiskLow(self, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(dict(raised.exception.trailing_metadata())["weir-reason"], "DISK_LOW")
        self.assertIn("restart the broker", raised.exception.details())

    def test_a_start_without_room_for_the_journal_is_read_only(self):
        self.killed_with_records(reserve=False)
        before = self.precious()
        self.fill(leave=JOURNAL_FILE // 2)  # enough for the metadata
        broker = self.started()
        self.assertEqual(broker.values("topic"), VALUES)
        error = broker.produce("topic", [b"v"]).results[0].error
        self.assertEqual((error.reason, error.retryable), ("DISK_LOW", True))
        self.assertIn("read-only", error.message)
        self.assertEqual(self.delete_records(broker, "topic", 1).error.reason, "DISK_LOW")
        self.assertDiskLow(lambda: broker.create("more"))
        self.assertDiskLow(lambda: self.delete_topic(broker, "topic"))
        self.assertDiskLow(lambda: broker.log_service.InitProducer(log_pb2.InitProducerRequest(), timeout=DEADLINE))
        told = self.describe(broker)
        self.assertIn("read-only", told.read_only)
        self.assertIn(self.data, told.read_only)
        status, page = broker.get("/readyz")
        self.assertEqual(status, 200)
        self.assertIn("read-only", page)
        self.assertEqual((broker.metric("weir_read_only"), broker.metric("weir_ready")), (1, 1))
        self.assertEqual(broker.stop(), 0, broker.log())
        self.assertIn("Free space on this disk, then restart the broker", broker.log())
        self.assertEqual(self.precious(), before)

        os.unlink(self.filler)
        broker = self.started()
        self.assertEqual(self.describe(broker).read_only, "")
        self.assertEqual(broker.values("topic"), VALUES)
        self.assertProducesAgain(broker)
        self.assertEqual(broker.stop(), 0, broker.log())

    def test_a_journal_of_one_file_that_could_not_grow_grows_once_there_is_room(self):
        broker = self.started("--disk-low", "8MiB", "--disk-ok", "8MiB")
        broker.create("topic")
        value = bytes(900_000)
        self.fill(leave=JOURNAL_FILE - 4 * MIB)
        for _ in range(15):  # beyond the quarter of the file at which the next one is made
            self.assertFalse(broker.produce("topic", [value]).results[0].HasField("error"))
        self.assertEqual(broker.metric("weir_journal_bytes"), JOURNAL_FILE)
        os.unlink(self.filler)
        for _ in range(60):
            self.assertFalse(broker.produce("topic", [value]).results[0].HasField("error"))
        self.assertGreater(broker.metric("weir_journal_bytes"), JOURNAL_FILE)
        self.assertEqual(broker.stop(), 0, broker.log())

    def test_a_start_without_room_for_the_metadata_says_what_to_do(self):
        self.killed_with_records(reserve=False)
        before = self.precious()
        self.fill()
        command = [PROGRAM, "--data-dir", self.data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *FLAGS]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, env=clean_environment())
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        for part in (self.data, "bytes free", "free some space and start again"):
            self.assertIn(part, ended.stderr)
        self.assertEqual(self.precious(), before)
        os.unlink(self.filler)
        broker = self.started()
        self.assertEqual(broker.values("topic"), VALUES)
        self.assertEqual(broker.stop(), 0, broker.log())


if __name__ == "__main__":
    unittest.main()
