"""Records in and out of a real broker through generated stubs: plain records, long polls, streams, offsets, topics."""

import threading
import time
import unittest

import grpc

from broker_process import DEADLINE, BrokerTest
from weir.v1 import admin_pb2, common_pb2, log_pb2


class Ends(BrokerTest):
    """A broker that nobody makes a mistake on."""

    def test_callers_that_leave_are_no_errors(self):
        self.broker.create("topic")
        self.broker.produce("topic", [b"v"])
        stream = self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="topic"), timeout=DEADLINE)
        self.assertEqual([r.value for r in next(stream).records.records], [b"v"])
        stream.cancel()
        poll = log_pb2.FetchRequest(max_wait_ms=60_000)
        poll.partitions.add(topic="topic", offset=1)
        polled = self.broker.log_service.Fetch.future(poll, timeout=DEADLINE)
        while self.broker.metric("weir_waiters") == 0:
            pass
        polled.cancel()
        while self.broker.metric("weir_streams") > 0 or self.broker.metric("weir_waiters") > 0:
            pass
        self.assertEqual(self.broker.values("topic"), [b"v"])
        told = [line for line in self.broker.get("/metrics")[1].splitlines() if line.startswith("weir_errors_total")]
        self.assertGreater(len(told), 0)
        self.assertEqual([line for line in told if not line.endswith(" 0")], [])
        self.assertEqual(self.broker.fetch("nowhere").error.reason, "UNKNOWN_TOPIC")
        self.assertEqual(self.broker.metric('weir_errors_total{reason="UNKNOWN_TOPIC"}'), 1)


class Records(BrokerTest):
    def test_what_was_produced_is_fetched_in_order(self):
        self.broker.create("orders", 3)
        request = log_pb2.ProduceRequest(topic="orders", partition=2)
        record = request.records.records.add(key=b"key", value=b"value", timestamp_ms=1234)
        record.headers.add(key="trace", value=b"abc")
        record.headers.add(key="empty", value=b"")
        record.headers.add(key="absent")
        request.records.records.add(value=b"")
        request.records.records.add(key=b"")
        answer = self.broker.log_service.Produce(request, timeout=DEADLINE)
        self.assertEqual([(r.partition, r.offset, r.HasField("error")) for r in answer.results],
                         [(2, 0, False), (2, 1, False), (2, 2, False)])
        self.assertEqual(answer.durability, common_pb2.DURABLE)

        part = self.broker.fetch("orders", 2)
        first, second, third = part.records.records
        self.assertEqual((first.key, first.value, first.timestamp_ms, first.offset), (b"key", b"value", 1234, 0))
        self.assertEqual([(h.key, h.value, h.HasField("value")) for h in first.headers],
                         [("trace", b"abc", True), ("empty", b"", True), ("absent", b"", False)])
        self.assertEqual((second.HasField("key"), second.HasField("value"), second.value), (False, True, b""))
        self.assertEqual((third.HasField("key"), third.key, third.HasField("value")), (True, b"", False))
        self.assertGreater(second.timestamp_ms, 1_500_000_000_000)
        self.assertEqual((part.high_watermark, part.log_start_offset, part.next_offset), (3, 0, 3))

    def test_a_time_of_delivery_is_there_for_everyone_at_once(self):
        self.broker.create("later", delayed_delivery="true", retention_ms="-1")
        request = log_pb2.ProduceRequest(topic="later", partition=0)
        record = request.records.records.add(value=b"v", deliver_at_ms=32_503_680_000_000)
        record.headers.add(key="trace", value=b"abc")
        answer = self.broker.log_service.Produce(request, timeout=DEADLINE)
        self.assertEqual(answer.results[0].offset, 0)
        read = self.broker.fetch("later").records.records[0]
        self.assertEqual((read.value, read.deliver_at_ms, [h.key for h in read.headers]), (b"v", 32_503_680_000_000, ["trace"]))

    def test_keys_choose_the_partition_as_kafka_does(self):
        self.broker.create("keys", 12)
        request = log_pb2.ProduceRequest(topic="keys")
        for key in (b"21", b"foobar", b"a-little-bit-long-string", b"21"):
            request.records.records.add(key=key, value=b"v")
        answer = self.broker.log_service.Produce(request, timeout=DEADLINE)
        # From the test vectors of Kafka's murmur2: -973932308, -790332482, -985981536; positive, modulo 12.
        expected = [(hash & 0x7FFFFFFF) % 12 for hash in (-973932308, -790332482, -985981536, -973932308)]
        self.assertEqual([r.partition for r in answer.results], expected)
        self.assertEqual(answer.results[3].offset, answer.results[0].offset + 1)

    def test_records_without_a_key_stay_together_in_one_request(self):
        self.broker.create("keyless", 6)
        used = set()
        for _ in range(12):
            request = log_pb2.ProduceRequest(topic="keyless")
            request.records.records.extend(common_pb2.Record(value=b"v") for _ in range(5))
            partitions = {r.partition for r in self.broker.log_service.Produce(request, timeout=DEADLINE).results}
            self.assertEqual(len(partitions), 1)
            used |= partitions
        self.assertEqual(used, set(range(6)))

    def test_more_than_a_batch_holds_becomes_several(self):
        self.broker.create("large", max_message_bytes="10000")
        values = [bytes([i]) * 3000 for i in range(20)]
        answer = self.broker.produce("large", values)
        self.assertEqual([r.offset for r in answer.results], list(range(20)))
        self.assertEqual(self.broker.values("large"), values)

    def test_a_long_poll_wakes_when_records_come(self):
        self.broker.create("poll")
        fetched = self.broker.log_service.Fetch.future(self.poll("poll", 60_000), timeout=DEADLINE)
        self.wait_for_waiters(1)
        self.assertFalse(fetched.done())
        self.broker.produce("poll", [b"at last"])
        part = fetched.result().partitions[0]
        self.assertEqual([r.value for r in part.records.records], [b"at last"])

    def test_a_long_poll_ends_with_its_wait(self):
        self.broker.create("quiet")
        part = self.broker.log_service.Fetch(self.poll("quiet", 50), timeout=DEADLINE).partitions[0]
        self.assertEqual((len(part.records.records), part.next_offset, part.HasField("error")), (0, 0, False))

    def test_a_long_poll_answers_empty_before_its_callers_deadline(self):
        self.broker.create("deadline")
        part = self.broker.log_service.Fetch(self.poll("deadline", 60_000), timeout=1).partitions[0]
        self.assertEqual(len(part.records.records), 0)

    def test_min_bytes_waits_for_enough(self):
        self.broker.create("enough")
        request = self.poll("enough", 60_000)
        request.min_bytes = 1000
        fetched = self.broker.log_service.Fetch.future(request, timeout=DEADLINE)
        self.wait_for_waiters(1)
        self.broker.produce("enough", [b"x" * 100])
        self.assertFalse(fetched.done())
        self.broker.produce("enough", [b"x" * 2000])
        self.assertEqual(len(fetched.result().partitions[0].records.records), 2)

    def poll(self, topic, max_wait_ms):
        request = log_pb2.FetchRequest(max_wait_ms=max_wait_ms)
        request.partitions.add(topic=topic)
        return request

    def wait_for_waiters(self, count):
        while self.broker.metric("weir_waiters") != count:
            pass

    def test_a_fetch_of_many_partitions_answers_in_the_order_asked(self):
        self.broker.create("many", 5)
        for partition in (1, 3):
            self.broker.produce("many", [b"%d" % partition], partition)
        request = log_pb2.FetchRequest(max_wait_ms=0)
        for partition in (4, 3, 2, 1, 0, 9):
            request.partitions.add(topic="many", partition=partition)
        parts = self.broker.log_service.Fetch(request, timeout=DEADLINE).partitions
        self.assertEqual([p.partition for p in parts], [4, 3, 2, 1, 0, 9])
        self.assertEqual([[r.value for r in p.records.records] for p in parts], [[], [b"3"], [], [b"1"], [], []])
        self.assertEqual([p.error.reason for p in parts], ["", "", "", "", "", "UNKNOWN_PARTITION"])

    def test_plain_answers_are_cut_below_what_stubs_accept(self):
        self.broker.create("cut")
        values = [bytes([i % 251]) * 100_000 for i in range(80)]
        for i in range(0, 80, 8):
            self.broker.produce("cut", values[i : i + 8])
        channel = grpc.insecure_channel(f"127.0.0.1:{self.broker.grpc_port}")  # accepts 4 MiB, as it comes
        stub = type(self.broker.log_service)(channel)
        got, offset = [], 0
        while offset < 80:
            request = log_pb2.FetchRequest(max_wait_ms=0)
            request.partitions.add(topic="cut", offset=offset, max_bytes=32 << 20)
            answer = stub.Fetch(request, timeout=DEADLINE)
            self.assertLess(answer.ByteSize(), 3 << 20)
            got += [r.value for r in answer.partitions[0].records.records]
            offset = answer.partitions[0].next_offset
        self.assertEqual(got, values)
        streamed = []
        for part in stub.FetchStream(log_pb2.FetchStreamRequest(topic="cut", max_bytes=32 << 20, until_end=True)):
            self.assertLess(part.ByteSize(), 3 << 20)
            streamed += [r.value for r in part.records.records]
        self.assertEqual(streamed, values)
        channel.close()

    def test_a_record_larger_than_max_bytes_is_still_returned(self):
        self.broker.create("big")
        self.broker.produce("big", [b"x" * 500_000, b"y"])
        part = self.broker.fetch("big", max_bytes=10)
        self.assertEqual([len(r.value) for r in part.records.records], [500_000])

    def test_every_compression_of_a_topic_is_read_back(self):
        values = [b"the same words again and again " * 20] * 50
        for codec in ("gzip", "snappy", "lz4", "zstd", "uncompressed"):
            self.broker.create(codec, compression_type=codec)
            self.broker.produce(codec, values)
            self.assertEqual(self.broker.values(codec), values, codec)

    def test_a_topic_may_stamp_the_time_of_append(self):
        self.broker.create("stamped", message_timestamp_type="LogAppendTime")
        before = int(time.time() * 1000)
        request = log_pb2.ProduceRequest(topic="stamped", partition=0)
        request.records.records.add(value=b"v", timestamp_ms=77)
        answer = self.broker.log_service.Produce(request, timeout=DEADLINE)
        self.assertGreaterEqual(answer.log_append_time_ms, before)
        record = self.broker.fetch("stamped").records.records[0]
        self.assertEqual(record.timestamp_ms, answer.log_append_time_ms)

    def test_stored_batches_can_be_produced_again_as_they_are(self):
        self.broker.create("source")
        self.broker.create("copy")
        self.broker.produce("source", [b"a", b"b", b"c"])
        part = self.broker.fetch("source", format=common_pb2.RECORD_BATCH)
        self.assertEqual((part.WhichOneof("payload"), part.next_offset), ("record_batches", 3))
        answer = self.broker.log_service.Produce(
            log_pb2.ProduceRequest(topic="copy", partition=0, record_batch=part.record_batches), timeout=DEADLINE
        )
        self.assertEqual((answer.base_offset, answer.record_count, answer.error.reason), (0, 3, ""))
        self.assertEqual(self.broker.values("copy"), [b"a", b"b", b"c"])

    def test_written_durability_is_told_in_the_answer(self):
        self.broker.create("fast")
        self.assertEqual(self.broker.produce("fast", [b"v"], durability=common_pb2.WRITTEN).durability, common_pb2.WRITTEN)
        self.broker.create("fast-topic", durability="written")
        self.assertEqual(self.broker.produce("fast-topic", [b"v"]).durability, common_pb2.WRITTEN)
        self.assertEqual(self.broker.produce("fast-topic", [b"v"], durability=common_pb2.DURABLE).durability, common_pb2.DURABLE)

    def test_some_records_may_be_refused_and_the_others_written(self):
        self.broker.create("some", max_message_bytes="1000")
        request = log_pb2.ProduceRequest(topic="some", partition=0)
        request.records.records.add(value=b"good")
        request.records.records.add(value=b"x" * 5000)
        request.records.records.add(value=b"negative", timestamp_ms=-5)
        request.records.records.add(value=b"also good")
        results = self.broker.log_service.Produce(request, timeout=DEADLINE).results
        self.assertEqual([(r.offset, r.error.reason) for r in results],
                         [(0, ""), (-1, "MESSAGE_TOO_LARGE"), (-1, "INVALID_REQUEST"), (1, "")])
        self.assertIn("1000", results[1].error.message)
        self.assertEqual(self.broker.values("some"), [b"good", b"also good"])


class Streams(BrokerTest):
    def test_a_produce_stream_answers_in_order_with_the_senders_tags(self):
        self.broker.create("piped", 4)

        def requests():
            for i in range(500):
                request = log_pb2.ProduceRequest(topic="piped", partition=i % 4, client_tag=1000 + i)
                request.records.records.add(value=b"%d" % i)
                yield request

        answers = list(self.broker.log_service.ProduceStream(requests(), timeout=DEADLINE))
        self.assertEqual([a.client_tag for a in answers], list(range(1000, 1500)))
        self.assertEqual([a.results[0].offset for a in answers], [i // 4 for i in range(500)])
        for partition in range(4):
            self.assertEqual(self.broker.values("piped", partition), [b"%d" % i for i in range(partition, 500, 4)])

    def test_a_bad_request_in_a_produce_stream_gets_its_error_and_the_stream_goes_on(self):
        self.broker.create("mixed")

        def request(tag, topic, **fields):
            made = log_pb2.ProduceRequest(topic=topic, partition=0, client_tag=tag, **fields)
            if not fields:
                made.records.records.add(value=b"v")
            return made

        unknown_field = log_pb2.ProduceRequest.FromString(request(4, "mixed").SerializeToString() + b"\xa2\x06\x01x")
        sent = [request(1, "mixed"), request(2, "nowhere"), request(3, "mixed", record_batch=b"garbage"), unknown_field,
                request(5, "mixed")]
        answers = list(self.broker.log_service.ProduceStream(iter(sent), timeout=DEADLINE))
        self.assertEqual([a.client_tag for a in answers], [1, 2, 3, 4, 5])
        self.assertEqual([a.error.reason for a in answers], ["", "UNKNOWN_TOPIC", "CORRUPT_BATCH", "UNSUPPORTED_FIELD", ""])
        self.assertEqual(len(self.broker.values("mixed")), 2)

    def test_a_produce_stream_without_requests_ends(self):
        self.assertEqual(list(self.broker.log_service.ProduceStream(iter(()), timeout=DEADLINE)), [])

    def test_a_fetch_stream_goes_on_as_records_come(self):
        self.broker.create("live")
        self.broker.produce("live", [b"0", b"1"])
        stream = self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="live"), timeout=DEADLINE)
        got = []
        for message in stream:
            got += [r.value for r in message.records.records]
            if len(got) == 2:
                self.broker.produce("live", [b"2"])
            if len(got) == 3:
                break
        stream.cancel()
        self.assertEqual(got, [b"0", b"1", b"2"])

    def test_a_fetch_stream_until_the_end_ends_there(self):
        self.broker.create("finite")
        self.broker.produce("finite", [b"0", b"1", b"2"])
        request = log_pb2.FetchStreamRequest(topic="finite", offset=1, until_end=True)
        messages = list(self.broker.log_service.FetchStream(request, timeout=DEADLINE))
        self.assertEqual([r.value for m in messages for r in m.records.records], [b"1", b"2"])
        self.assertEqual((messages[-1].next_offset, messages[-1].high_watermark), (3, 3))
        empty = log_pb2.FetchStreamRequest(topic="finite", offset=3, until_end=True)
        self.assertEqual(list(self.broker.log_service.FetchStream(empty, timeout=DEADLINE)), [])

    def test_a_fetch_stream_of_batches_carries_them_as_stored(self):
        self.broker.create("raw")
        self.broker.create("again")
        for i in range(50):
            self.broker.produce("raw", [b"%d" % i * 1000])
        request = log_pb2.FetchStreamRequest(topic="raw", until_end=True, format=common_pb2.RECORD_BATCH)
        stored = b"".join(m.record_batches for m in self.broker.log_service.FetchStream(request, timeout=DEADLINE))
        while stored:
            size = 12 + int.from_bytes(stored[8:12], "big")
            self.broker.log_service.Produce(
                log_pb2.ProduceRequest(topic="again", partition=0, record_batch=stored[:size]), timeout=DEADLINE
            )
            stored = stored[size:]
        self.assertEqual(self.broker.values("again"), self.broker.values("raw"))

    def test_deleting_the_topic_ends_its_streams_and_polls(self):
        self.broker.create("doomed")
        stream = self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="doomed"), timeout=DEADLINE)
        stream.initial_metadata()
        request = log_pb2.FetchRequest(max_wait_ms=60_000)
        request.partitions.add(topic="doomed")
        poll = self.broker.log_service.Fetch.future(request, timeout=DEADLINE)
        while self.broker.metric("weir_waiters") < 2:
            pass
        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="doomed"), timeout=DEADLINE)
        self.assertFails(lambda: next(stream), grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPIC")
        self.assertEqual(poll.result().partitions[0].error.reason, "UNKNOWN_TOPIC")

    def test_readers_that_go_away_leave_nothing_behind(self):
        self.broker.create("left")
        streams = [self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="left")) for _ in range(50)]
        for stream in streams:
            stream.initial_metadata()
        while self.broker.metric("weir_waiters") < 50:
            pass
        for stream in streams:
            stream.cancel()
        while self.broker.metric("weir_waiters") > 0 or self.broker.metric("weir_streams") > 0:
            pass
        self.assertEqual(self.broker.metric("weir_memory_fetch_used_bytes"), 0)


class Offsets(BrokerTest):
    def test_offsets_by_end_and_by_time(self):
        self.broker.create("times")
        request = log_pb2.ProduceRequest(topic="times", partition=0)
        for timestamp in (1000, 2000, 3000):
            request.records.records.add(value=b"v", timestamp_ms=timestamp)
        self.broker.log_service.Produce(request, timeout=DEADLINE)
        query = log_pb2.ListOffsetsRequest()
        query.queries.add(topic="times", earliest=True)
        query.queries.add(topic="times", latest=True)
        for timestamp in (0, 1500, 3000, 3001):
            query.queries.add(topic="times", timestamp_ms=timestamp)
        query.queries.add(topic="times")
        query.queries.add(topic="nowhere", latest=True)
        results = self.broker.log_service.ListOffsets(query, timeout=DEADLINE).results
        self.assertEqual([r.offset for r in results], [0, 3, 0, 1, 2, 3, -1, -1])
        self.assertEqual([r.timestamp_ms for r in results], [-1, -1, 1000, 2000, 3000, -1, -1, -1])
        self.assertEqual([r.error.reason for r in results[6:]], ["INVALID_REQUEST", "UNKNOWN_TOPIC"])

    def test_deleted_records_are_gone_for_every_reader(self):
        self.broker.create("short", 2)
        self.broker.produce("short", [b"0", b"1"])
        self.broker.produce("short", [b"2"])
        request = admin_pb2.DeleteRecordsRequest(topic="short")
        request.targets.add(partition=0, before_offset=2)
        request.targets.add(partition=1, before_offset=5)
        request.targets.add(partition=7, before_offset=0)
        results = self.broker.admin.DeleteRecords(request, timeout=DEADLINE).results
        self.assertEqual([(r.partition, r.log_start_offset, r.error.reason) for r in results],
                         [(0, 2, ""), (1, -1, "OFFSET_OUT_OF_RANGE"), (7, -1, "UNKNOWN_PARTITION")])
        part = self.broker.fetch("short", offset=1)
        self.assertEqual((part.error.reason, part.log_start_offset, part.high_watermark), ("OFFSET_OUT_OF_RANGE", 2, 3))
        everything = admin_pb2.DeleteRecordsRequest(topic="short")
        everything.targets.add(partition=0, before_offset=-1)
        self.assertEqual(self.broker.admin.DeleteRecords(everything, timeout=DEADLINE).results[0].log_start_offset, 3)

    def test_producer_ids_are_never_given_twice(self):
        given = [self.broker.log_service.InitProducer(log_pb2.InitProducerRequest(), timeout=DEADLINE) for _ in range(5)]
        self.assertEqual(len({p.producer_id for p in given}), 5)
        self.assertEqual({p.producer_epoch for p in given}, {0})
        raised = self.raise_epoch(given[0].producer_id, 0)
        self.assertEqual((raised.producer_id, raised.producer_epoch), (given[0].producer_id, 1))
        self.assertFails(lambda: self.raise_epoch(given[0].producer_id, 0), grpc.StatusCode.FAILED_PRECONDITION, "PRODUCER_FENCED")
        self.assertFails(lambda: self.raise_epoch(given[0].producer_id, 5), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
        self.assertFails(lambda: self.raise_epoch(10**12, 0), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")

    def raise_epoch(self, producer_id, epoch):
        request = log_pb2.InitProducerRequest(producer_id=producer_id, producer_epoch=epoch)
        return self.broker.log_service.InitProducer(request, timeout=DEADLINE)


class Topics(BrokerTest):
    def test_the_life_of_a_topic(self):
        made = self.broker.create("life", 2, retention_ms="3600000")
        self.assertEqual((len(made.topic_id), made.partitions), (36, 2))
        described = self.describe("life")
        self.assertEqual((described.name, described.topic_id, described.partition_count), ("life", made.topic_id, 2))
        config = {entry.name: (entry.value, entry.is_default) for entry in described.config}
        self.assertEqual(config["retention.ms"], ("3600000", False))
        self.assertEqual(config["max.message.bytes"], ("1048576", True))
        self.assertEqual([p.partition for p in described.partitions], [0, 1])

        altered = self.broker.admin.AlterTopicConfig(
            admin_pb2.AlterTopicConfigRequest(name="life", set={"max.message.bytes": "500"}, remove=["retention.ms"]),
            timeout=DEADLINE,
        )
        config = {entry.name: (entry.value, entry.is_default) for entry in altered.config}
        self.assertEqual((config["max.message.bytes"], config["retention.ms"][1]), (("500", False), True))
        self.assertEqual(self.broker.produce("life", [b"x" * 600]).results[0].error.reason, "MESSAGE_TOO_LARGE")

        self.assertEqual(self.broker.admin.AddPartitions(
            admin_pb2.AddPartitionsRequest(name="life", partitions=5), timeout=DEADLINE).partitions, 5)
        self.broker.produce("life", [b"in the new one"], 4)
        self.assertEqual(self.describe("life").partitions[4].high_watermark, 1)

        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="life"), timeout=DEADLINE)
        self.assertFails(lambda: self.describe("life"), grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPIC", "life")
        again = self.broker.create("life", 1)
        self.assertNotEqual(again.topic_id, made.topic_id)
        self.assertEqual(self.broker.values("life"), [])

    def describe(self, name, **fields):
        return self.broker.admin.DescribeTopic(admin_pb2.DescribeTopicRequest(name=name, **fields), timeout=DEADLINE)

    def test_listings_come_in_pages(self):
        for i in range(7):
            self.broker.create(f"page-{i}", 3)
        names, token = [], ""
        while True:
            page = self.broker.admin.ListTopics(
                admin_pb2.ListTopicsRequest(prefix="page-", page_size=3, page_token=token), timeout=DEADLINE
            )
            self.assertLessEqual(len(page.topics), 3)
            names += [t.name for t in page.topics]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(names, [f"page-{i}" for i in range(7)])
        first = self.describe("page-0", page_size=2)
        rest = self.describe("page-0", page_size=2, page_token=first.next_page_token)
        self.assertEqual([p.partition for p in list(first.partitions) + list(rest.partitions)], [0, 1, 2])
        self.assertEqual(rest.next_page_token, "")

    def test_validate_only_makes_nothing(self):
        self.broker.admin.CreateTopic(admin_pb2.CreateTopicRequest(name="ghost", validate_only=True), timeout=DEADLINE)
        self.assertFails(lambda: self.describe("ghost"), grpc.StatusCode.NOT_FOUND, "UNKNOWN_TOPIC")

    def test_the_broker_describes_itself(self):
        told = self.broker.admin.DescribeBroker(admin_pb2.DescribeBrokerRequest(), timeout=DEADLINE)
        self.assertEqual((told.leader_epoch, told.log_level, told.disk_low), (1, "info", False))
        self.assertEqual(told.data_dir, self.broker.data_dir)
        self.assertGreater(told.disk_total_bytes, told.disk_free_bytes)
        self.assertEqual(told.limits["request_bytes"], 36 << 20)
        self.assertEqual(len(told.broker_id), 36)

    def test_the_log_level_can_be_changed(self):
        def set_level(level):
            return self.broker.admin.SetLogLevel(admin_pb2.SetLogLevelRequest(level=level), timeout=DEADLINE)

        self.assertEqual(set_level("debug").previous, "info")
        self.assertEqual(set_level("info").previous, "debug")
        self.assertFails(lambda: set_level("loud"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "loud", "debug")


class Pages(BrokerTest):
    def test_health_metrics_and_readiness(self):
        self.broker.create("measured", 2)
        self.broker.produce("measured", [b"v" * 100] * 10, 1)
        self.broker.fetch("measured", 1)
        self.assertEqual(self.broker.get("/healthz"), (200, "ok\n"))
        self.assertEqual(self.broker.get("/readyz"), (200, "ok\n"))
        self.assertEqual(self.broker.metric('weir_produced_records_total{durability="durable"}'), 10)
        self.assertEqual(self.broker.metric('weir_partition_high_watermark{topic="measured",partition="1"}'), 10)
        self.assertEqual(self.broker.metric('weir_call_seconds_count{call="Produce"}'), 1)
        self.assertGreaterEqual(self.broker.metric("weir_fsync_seconds_count"), 1)
        self.assertGreater(self.broker.metric("weir_journal_bytes"), 0)

    def test_reflection_and_health_answer_over_grpc(self):
        def call(method, request):
            return self.broker.channel.unary_unary(method)(request, timeout=DEADLINE)

        # grpc.health.v1: an empty HealthCheckRequest, one for a service; SERVING is 1.
        self.assertEqual(call("/grpc.health.v1.Health/Check", b""), b"\x08\x01")
        name = b"weir.v1.LogService"
        self.assertEqual(call("/grpc.health.v1.Health/Check", b"\x0a" + bytes([len(name)]) + name), b"\x08\x01")
        reflect = self.broker.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        answer = next(reflect(iter([b"\x3a\x01*"]), timeout=DEADLINE))  # list_services
        self.assertIn(b"weir.v1.AdminService", answer)
        self.assertIn(b"weir.v1.LogService", answer)


if __name__ == "__main__":
    unittest.main()
