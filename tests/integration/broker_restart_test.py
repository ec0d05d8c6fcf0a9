"""What a broker leaves when it is stopped, killed, or shut out by its disk, and what the next one finds."""

import os
import pathlib
import resource
import shutil
import signal
import tempfile
import threading
import unittest

import grpc

from broker_process import DEADLINE, Broker, as_json
from weir.v1 import admin_pb2, common_pb2, log_pb2


class Restart(unittest.TestCase):
    flags = ()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-test-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.broker = self.started()

    def started(self):
        broker = Broker(os.path.join(self.directory, "data"), *self.flags).start()
        self.addCleanup(lambda: broker.running and broker.kill())
        return broker

    def epoch(self):
        return self.broker.admin.DescribeBroker(admin_pb2.DescribeBrokerRequest(), timeout=DEADLINE).leader_epoch

    def test_after_kill_9_everything_acknowledged_is_there(self):
        self.broker.create("kept", 3)
        for round in range(3):
            for i in range(30):
                self.broker.produce("kept", [b"%d-%d" % (round, i)], i % 3)
            self.broker.kill()
            self.broker = self.started()
            self.assertIn("not orderly", self.broker.log())
            self.assertEqual(self.epoch(), round + 2)
        for partition in range(3):
            expected = [b"%d-%d" % (r, i) for r in range(3) for i in range(partition, 30, 3)]
            self.assertEqual(self.broker.values("kept", partition), expected)

    def test_after_an_orderly_stop_nothing_is_redone(self):
        self.broker.create("kept")
        self.broker.produce("kept", [b"v"])
        self.assertEqual(self.broker.stop(), 0)
        self.broker = self.started()
        self.assertNotIn("not orderly", self.broker.log())
        self.assertIn(" 0 rounds", self.broker.log())
        self.assertEqual(self.broker.values("kept"), [b"v"])
        self.assertEqual(self.broker.stop(signal.SIGINT), 0)

    def test_every_topic_has_its_metrics_before_anybody_asks_for_it(self):
        self.broker.create("full", 2)
        self.broker.create("empty")
        self.broker.produce("full", [b"a", b"b"], 1)
        self.broker.admin.DeleteRecords(admin_pb2.DeleteRecordsRequest(
            topic="full", targets=[admin_pb2.DeleteRecordsRequest.Target(partition=1, before_offset=1)]), timeout=DEADLINE)
        self.broker.create("gone")
        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="gone"), timeout=DEADLINE)
        for end in (Broker.stop, Broker.kill):
            end(self.broker)
            self.broker = self.started()
            self.assertEqual(self.broker.metric('weir_topic_records{topic="full"}'), 1)
            self.assertEqual(self.broker.metric('weir_topic_records{topic="empty"}'), 0)
            self.assertEqual(self.broker.metric('weir_topic_size_bytes{topic="empty"}'), 0)
            self.assertEqual(self.broker.metric('weir_partition_high_watermark{topic="full",partition="0"}'), 0)
            self.assertEqual(self.broker.metric('weir_partition_high_watermark{topic="full",partition="1"}'), 2)
            self.assertEqual(self.broker.metric('weir_partition_log_start_offset{topic="full",partition="1"}'), 1)
            self.assertNotIn('"gone"', self.broker.get("/metrics")[1])
            size = 'weir_topic_size_bytes{topic="full"}'
            self.assertNotIn(size, self.broker.get("/metrics")[1], "nobody has looked at its files")
            self.broker.fetch("full", 0)
            self.broker.fetch("full", 1, offset=1)
            self.assertGreater(self.broker.metric(size), 0)

    def test_damage_is_told_with_the_names_of_topic_and_partition(self):
        segments = {}
        for topic in ("cut", "holed"):
            topic_id = self.broker.create(topic, 2, segment_bytes="1024").topic_id
            for _ in range(20):
                self.broker.produce(topic, [bytes(300)], 1)
            directory = pathlib.Path(self.directory, "data", "logs", topic_id, "1")
            segments[topic] = sorted(directory.glob("*.log"))
        self.assertEqual(self.broker.stop(), 0)
        os.truncate(segments["cut"][-1], 10)  # the start sees this
        segments["holed"][2].unlink()  # and a reader this
        self.broker = self.started()
        with self.assertRaises(grpc.RpcError):
            self.broker.values("holed", 1)
        self.assertEqual(self.broker.metric("weir_damaged_partitions"), 2)
        self.assertEqual(self.broker.stop(), 0)
        for topic in segments:
            self.assertIn(f"partition {topic}/1 is damaged and read-only: ", self.broker.log())

    def test_topics_and_their_configuration_are_kept_and_deleted_ones_stay_deleted(self):
        self.broker.create("stays", 4, retention_ms="5000")
        self.broker.create("goes", 2)
        self.broker.produce("goes", [b"v"])
        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="goes"), timeout=DEADLINE)
        self.broker.kill()
        self.broker = self.started()
        topics = self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(), timeout=DEADLINE).topics
        self.assertEqual([(t.name, t.partitions) for t in topics], [("stays", 4)])
        told = self.broker.admin.DescribeTopic(admin_pb2.DescribeTopicRequest(name="stays"), timeout=DEADLINE)
        self.assertEqual({e.name: e.value for e in told.config}["retention.ms"], "5000")
        self.broker.kill()
        self.broker = self.started()
        self.assertNotIn("belongs to no topic", self.broker.log())
        self.assertEqual(os.listdir(os.path.join(self.directory, "data", "logs")), [])

    def test_the_space_of_a_deleted_topic_is_free_at_once(self):
        self.broker.create("goes", 2)
        for partition in range(2):
            self.broker.produce("goes", [bytes(1000)], partition)
            self.broker.fetch("goes", partition)
        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="goes"), timeout=DEADLINE)
        descriptors = f"/proc/{self.broker.process.pid}/fd"
        held = [os.readlink(os.path.join(descriptors, fd)) for fd in os.listdir(descriptors)]
        self.assertEqual([path for path in held if "/logs/" in path], [])

    def test_producer_ids_go_on(self):
        def init():
            return self.broker.log_service.InitProducer(log_pb2.InitProducerRequest(), timeout=DEADLINE).producer_id

        first = {init() for _ in range(3)}
        raised = log_pb2.InitProducerRequest(producer_id=min(first), producer_epoch=0)
        self.assertEqual(self.broker.log_service.InitProducer(raised, timeout=DEADLINE).producer_epoch, 1)
        self.broker.kill()
        self.broker = self.started()
        self.assertFalse(first & {init() for _ in range(3)})
        with self.assertRaises(grpc.RpcError) as error:
            self.broker.log_service.InitProducer(raised, timeout=DEADLINE)
        self.assertEqual(dict(error.exception.trailing_metadata())["weir-reason"], "PRODUCER_FENCED")

    def test_a_stop_answers_what_was_accepted_and_ends_what_waits(self):
        self.broker.create("busy")
        poll = log_pb2.FetchRequest(max_wait_ms=60_000)
        poll.partitions.add(topic="busy", offset=1)
        self.broker.produce("busy", [b"first"])
        polled = self.broker.log_service.Fetch.future(poll, timeout=DEADLINE)
        stream = self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="busy", offset=1), timeout=DEADLINE)
        stream.initial_metadata()
        while self.broker.metric("weir_waiters") < 2:
            pass
        sent = threading.Event()
        ended = threading.Event()

        def requests():
            for tag in range(1, 101):
                request = log_pb2.ProduceRequest(topic="busy", partition=0, client_tag=tag)
                request.records.records.add(value=b"%d" % tag)
                yield request
            sent.set()
            ended.wait(DEADLINE)

        answers = []
        produced = self.broker.log_service.ProduceStream(requests(), timeout=DEADLINE)
        answers.append(next(produced))
        sent.wait(DEADLINE)
        self.broker.process.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as error:
            for answer in produced:
                answers.append(answer)
        ended.set()
        self.assertEqual(error.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(dict(error.exception.trailing_metadata()).get("weir-reason"), "SHUTTING_DOWN", error.exception)
        self.assertIsNone(polled.exception())
        with self.assertRaises(grpc.RpcError) as error:
            list(stream)
        self.assertEqual(error.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.broker.wait(), 0)

        self.broker = self.started()
        self.assertNotIn("not orderly", self.broker.log())
        kept = self.broker.values("busy")
        self.assertEqual([a.client_tag for a in answers], list(range(1, len(answers) + 1)))
        self.assertEqual(kept[: len(answers) + 1], [b"first"] + [b"%d" % a.client_tag for a in answers])

    def test_a_disk_error_ends_the_process_and_the_next_one_has_what_was_acknowledged(self):
        self.broker.kill()
        # Inherited by the broker, which would otherwise be killed by the signal before it sees the error.
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.broker = self.started_ignoring_xfsz()
        signal.signal(signal.SIGXFSZ, before)
        self.broker.create("fenced")
        self.broker.produce("fenced", [b"acknowledged"])
        resource.prlimit(self.broker.process.pid, resource.RLIMIT_FSIZE, (0, 0))  # every write fails from now on
        answer = self.broker.produce("fenced", [b"uncertain"])
        self.assertEqual(answer.results[0].error.reason, "COMMIT_UNCERTAIN")
        self.assertEqual(answer.results[0].error.effect, common_pb2.Error.UNKNOWN)
        self.assertEqual(self.broker.wait(), 74)
        self.assertIn("takes no more writes", self.broker.log())
        self.broker = self.started()
        self.assertEqual(self.broker.values("fenced")[0], b"acknowledged")

    def started_ignoring_xfsz(self):
        broker = Broker(os.path.join(self.directory, "data"), *self.flags)
        broker.restore_signals = False
        broker.start()
        self.addCleanup(lambda: broker.running and broker.kill())
        return broker


class JsonLog(Restart):
    flags = ("--log-format", "json")

    def test_every_line_of_the_log_is_json(self):
        self.broker.kill()
        self.broker = self.started()
        self.broker.stop()
        lines = as_json(self.broker.log())
        self.assertGreater(len(lines), 0)
        for line in lines:
            self.assertEqual(set(line), {"time", "level", "message"})


# JsonLog inherits only the setting up.
for name in [name for name in dir(Restart) if name.startswith("test_")]:
    setattr(JsonLog, name, None)


if __name__ == "__main__":
    unittest.main()
