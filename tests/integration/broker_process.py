"""A real weir-broker on a directory of its own, for tests. It listens on free ports, which its ready line names; waiting is on that
line or on the process, never on time."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import grpc

from weir.v1 import admin_pb2, admin_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc

PROGRAM = os.environ["WEIR_BROKER_PROGRAM"]
READY = re.compile(r"weir-broker (\S+) ready on (\S+):(\d+) \(gRPC\) and (\S+):(\d+) \(HTTP\), data in (.*)")
# Far more than anything here takes; a test that hangs ends with it.
DEADLINE = 60


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}


class Broker:
    """One process. `start` returns when it is ready; a broker that ends instead is an AssertionError with what it said."""

    def __init__(self, data_dir, *flags):
        self.data_dir = data_dir
        self.flags = flags
        self.process = None
        self.errors = []
        self.restore_signals = True  # False: it ignores the signals that this process ignores

    def start(self):
        command = [PROGRAM, "--data-dir", self.data_dir, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *self.flags]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(),
            restore_signals=self.restore_signals,
        )
        self.errors = []
        self.drain = threading.Thread(target=self._drain, daemon=True)
        self.drain.start()
        self.ready_line = self.process.stdout.readline().rstrip("\n")
        match = READY.fullmatch(self.ready_line)
        if match is None:
            self.process.wait(DEADLINE)
            self.drain.join()
            raise AssertionError(f"the broker did not start: {self.ready_line!r} {self.log()}")
        self.grpc_port = int(match[3])
        self.http_port = int(match[5])
        self.channel = self.connect()
        self.log_service = log_pb2_grpc.LogServiceStub(self.channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self.channel)
        return self

    def connect(self):
        """A channel with a connection of its own: what breaks it (gRPC ends one that sends headers past the limit) breaks no other."""
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options)

    def _drain(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def log(self):
        return "".join(self.errors)

    def get(self, path):
        """Status and body of a page of the HTTP port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=DEADLINE) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The value of one series, named as the page names it."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)

    def wait(self):
        """Exit status of a broker that ends by itself."""
        status = self.process.wait(DEADLINE)
        self.channel.close()
        self.drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def kill(self):
        self.process.kill()
        return self.wait()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.wait()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    # What most tests need of the calls.

    def create(self, topic, partitions=1, **config):
        settings = {name.replace("_", "."): value for name, value in config.items()}
        return self.admin.CreateTopic(
            admin_pb2.CreateTopicRequest(name=topic, partitions=partitions, config=settings), timeout=DEADLINE
        )

    def produce(self, topic, values, partition=0, **fields):
        request = log_pb2.ProduceRequest(topic=topic, partition=partition, **fields)
        request.records.records.extend(common_pb2.Record(value=value) for value in values)
        return self.log_service.Produce(request, timeout=DEADLINE)

    def fetch(self, topic, partition=0, offset=0, max_wait_ms=0, **fields):
        request = log_pb2.FetchRequest(max_wait_ms=max_wait_ms, **fields)
        request.partitions.add(topic=topic, partition=partition, offset=offset)
        return self.log_service.Fetch(request, timeout=DEADLINE).partitions[0]

    def values(self, topic, partition=0, offset=0):
        """Every record's value, by a stream that ends with the log."""
        request = log_pb2.FetchStreamRequest(topic=topic, partition=partition, offset=offset, until_end=True)
        return [r.value for part in self.log_service.FetchStream(request, timeout=DEADLINE) for r in part.records.records]


class BrokerTest(unittest.TestCase):
    """A broker for each test class; `self.broker`."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="weir-test-")
        cls.broker = Broker(os.path.join(cls.directory, "data"), *cls.flags).start()

    @classmethod
    def tearDownClass(cls):
        try:
            if cls.broker.running:
                status = cls.broker.stop()
                assert status == 0, f"the broker stopped with {status}: {cls.broker.log()}"
        finally:
            shutil.rmtree(cls.directory)

    def assertFails(self, call, code, reason, *in_message):
        """`call` fails with this code, reason trailer and serialised error; the message has these parts."""
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        error = raised.exception
        trailers = dict(error.trailing_metadata())
        self.assertEqual(error.code(), code, error.details())
        self.assertEqual(trailers["weir-reason"], reason, error.details())
        told = common_pb2.Error.FromString(trailers["weir-error-bin"])
        self.assertEqual(told.reason, reason)
        self.assertEqual(told.message, error.details())
        for part in in_message:
            self.assertIn(str(part), told.message)
        return told


def as_json(text):
    return [json.loads(line) for line in text.splitlines()]
