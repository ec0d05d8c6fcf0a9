"""Every kind of bad request gets its documented error from a real broker through generated stubs, and the broker goes on."""

import concurrent.futures
import contextlib
import os
import socket
import struct
import time
import unittest

import grpc

from broker_process import DEADLINE, BrokerTest
from weir.v1 import admin_pb2, admin_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED
OUT_OF_RANGE = grpc.StatusCode.OUT_OF_RANGE
EXISTS = grpc.StatusCode.ALREADY_EXISTS


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def batch(records=b"\x0c\x00\x00\x00\x01\x00\x00", count=1, last_delta=None, attributes=0, magic=2, length=None, crc=None):
    """A record batch made by hand: one record with neither key nor a value of any length, unless said otherwise."""
    delta = count - 1 if last_delta is None else last_delta
    body = struct.pack(">hiqqqhii", attributes, delta, 1000, 1000, -1, -1, -1, count) + records
    crc = crc32c(body) if crc is None else crc
    size = 9 + len(body) if length is None else length
    return struct.pack(">qiib", 0, size, 0, magic) + struct.pack(">I", crc) + body


class Errors(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker.create("topic", 3)
        cls.broker.produce("topic", [b"0", b"1", b"2"])

    def tearDown(self):
        self.assertTrue(self.broker.running, self.broker.log())

    # Names and numbers.

    def test_unknown_topics(self):
        calls = [
            lambda: self.broker.produce("nowhere", [b"v"]),
            lambda: self.send_batch(batch(), topic="nowhere"),
            lambda: list(self.broker.log_service.FetchStream(log_pb2.FetchStreamRequest(topic="nowhere"))),
            lambda: self.describe("nowhere"),
            lambda: self.broker.admin.AlterTopicConfig(admin_pb2.AlterTopicConfigRequest(name="nowhere")),
            lambda: self.broker.admin.AddPartitions(admin_pb2.AddPartitionsRequest(name="nowhere", partitions=5)),
            lambda: self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="nowhere")),
            lambda: self.broker.admin.DeleteRecords(admin_pb2.DeleteRecordsRequest(topic="nowhere")),
            lambda: self.broker.produce("../topic", [b"v"]),
            lambda: self.broker.produce("", [b"v"]),
        ]
        for call in calls:
            self.assertFails(call, NOT_FOUND, "UNKNOWN_TOPIC")
        self.assertFails(calls[0], NOT_FOUND, "UNKNOWN_TOPIC", "nowhere")
        self.assertEqual(self.broker.fetch("nowhere").error.reason, "UNKNOWN_TOPIC")

    def test_bad_topic_names(self):
        for name in ("", ".", "..", "../x", "a/b", "a b", "a\x00b", "a\nb", "é", "x" * 250, "__internal"):
            self.assertFails(lambda: self.broker.create(name), INVALID, "INVALID_TOPIC_NAME")
        self.broker.create("x" * 249)

    def test_a_topic_that_exists(self):
        self.assertFails(lambda: self.broker.create("topic"), EXISTS, "TOPIC_EXISTS", "topic")

    def test_bad_numbers_of_partitions(self):
        self.assertEqual(self.broker.create("default-partitions", 0).partitions, 1)
        for count in (-1, 100_001, 2**31 - 1):
            self.assertFails(lambda: self.broker.create("bad-count", count), INVALID, "INVALID_PARTITIONS", count)
        for total in (2, 0, -5, 100_001):
            self.assertFails(
                lambda: self.broker.admin.AddPartitions(admin_pb2.AddPartitionsRequest(name="topic", partitions=total)),
                INVALID, "INVALID_PARTITIONS", total)

    def test_partitions_that_do_not_exist(self):
        for partition in (3, -1, 2**31 - 1, -(2**31)):
            self.assertFails(lambda: self.broker.produce("topic", [b"v"], partition), NOT_FOUND, "UNKNOWN_PARTITION",
                             partition, "0 to 2")
            self.assertFails(lambda: self.send_batch(batch(), partition=partition), NOT_FOUND, "UNKNOWN_PARTITION")
            self.assertEqual(self.broker.fetch("topic", partition).error.reason, "UNKNOWN_PARTITION")
            request = log_pb2.FetchStreamRequest(topic="topic", partition=partition)
            self.assertFails(lambda: list(self.broker.log_service.FetchStream(request)), NOT_FOUND, "UNKNOWN_PARTITION")

    def test_offsets_outside_the_log(self):
        for offset in (4, -1, 2**63 - 1, -(2**63)):
            part = self.broker.fetch("topic", offset=offset)
            self.assertEqual(part.error.reason, "OFFSET_OUT_OF_RANGE")
            self.assertEqual((part.log_start_offset, part.high_watermark), (0, 3))
            self.assertIn(str(offset), part.error.message)
            request = log_pb2.FetchStreamRequest(topic="topic", offset=offset)
            self.assertFails(lambda: list(self.broker.log_service.FetchStream(request)), OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE",
                             offset)

    # Configuration.

    def test_bad_configuration(self):
        self.assertFails(lambda: self.broker.create("c", retention_years="1"), INVALID, "INVALID_CONFIG", "retention.years",
                         "retention.ms")
        for name, value in (("retention.ms", "soon"), ("segment.bytes", "-5"), ("compression.type", "rar"),
                            ("max.message.bytes", "99999999999999999999"), ("durability", ""), ("retention.ms", "1e3")):
            config = {name.replace(".", "_"): value}
            self.assertFails(lambda: self.broker.create("c", **config), INVALID, "INVALID_CONFIG", name, value)
        alter = admin_pb2.AlterTopicConfigRequest(name="topic", set={"retention.ms": "5"}, remove=["no.such"])
        self.assertFails(lambda: self.broker.admin.AlterTopicConfig(alter), INVALID, "INVALID_CONFIG", "no.such")
        self.assertTrue({e.name: e for e in self.describe("topic").config}["retention.ms"].is_default)

    def test_bad_pages(self):
        def topics(**fields):
            return self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(**fields))

        self.assertFails(lambda: topics(page_token="not a token"), INVALID, "INVALID_PAGE_TOKEN", "not a token")
        self.assertFails(lambda: topics(page_size=-1), INVALID, "INVALID_REQUEST", -1)
        token = topics(page_size=1).next_page_token
        self.assertFails(lambda: topics(page_token=token, prefix="other"), INVALID, "INVALID_PAGE_TOKEN")
        self.assertFails(lambda: self.describe("topic", page_token=token), INVALID, "INVALID_PAGE_TOKEN")
        changed = ("A" if token[0] != "A" else "B") + token[1:]
        self.assertFails(lambda: topics(page_token=changed), INVALID, "INVALID_PAGE_TOKEN")

    def describe(self, name, **fields):
        return self.broker.admin.DescribeTopic(admin_pb2.DescribeTopicRequest(name=name, **fields), timeout=DEADLINE)

    # Record batches.

    def send_batch(self, data, topic="topic", partition=1):
        return self.broker.log_service.Produce(
            log_pb2.ProduceRequest(topic=topic, partition=partition, record_batch=data), timeout=DEADLINE)

    def test_a_good_batch_made_by_hand_is_taken(self):
        answer = self.send_batch(batch(), partition=2)
        self.assertEqual((answer.error.reason, answer.base_offset, answer.record_count), ("", 0, 1))

    def test_bad_batches(self):
        good = batch()
        bad = {
            "nothing": (b"", "CORRUPT_BATCH"),
            "garbage": (b"garbage", "CORRUPT_BATCH"),
            "header only": (good[:61], "CORRUPT_BATCH"),
            "one byte short": (good[:-1], "CORRUPT_BATCH"),
            "one byte more": (good + b"\x00", "CORRUPT_BATCH"),
            "two batches": (good + good, "CORRUPT_BATCH"),
            "wrong CRC": (batch(crc=1), "CORRUPT_BATCH"),
            "length too long": (batch(length=2**31 - 1), None),
            "length too short": (batch(length=10), "CORRUPT_BATCH"),
            "length zero": (batch(length=0), "CORRUPT_BATCH"),
            "length negative": (batch(length=-1), "CORRUPT_BATCH"),
            "magic 0": (batch(magic=0), "CORRUPT_BATCH"),
            "magic 1": (batch(magic=1), "CORRUPT_BATCH"),
            "magic 3": (batch(magic=3), "CORRUPT_BATCH"),
            "codec 5": (batch(attributes=5), "UNSUPPORTED_COMPRESSION"),
            "codec 7": (batch(attributes=7), "UNSUPPORTED_COMPRESSION"),
            "control batch": (batch(attributes=0x20), "CORRUPT_BATCH"),
            "transactional batch": (batch(attributes=0x10), "CORRUPT_BATCH"),
            "no records": (batch(records=b"", count=0, last_delta=0), "CORRUPT_BATCH"),
            "negative count": (batch(count=-1, last_delta=-2), "CORRUPT_BATCH"),
            "count and delta disagree": (batch(count=2, last_delta=7), "CORRUPT_BATCH"),
            "too large": (batch(records=bytes(2 << 20)), "MESSAGE_TOO_LARGE"),
        }
        for what, (data, reason) in bad.items():
            answer = self.send_batch(data)
            with self.subTest(what):
                self.assertNotEqual(answer.error.reason, "", answer)
                if reason is not None:
                    self.assertEqual(answer.error.reason, reason)
                self.assertEqual((answer.base_offset, answer.error.effect), (-1, common_pb2.Error.NONE))
        self.assertEqual(self.broker.fetch("topic", 1).high_watermark, 0)

    def test_every_flipped_bit_that_the_checksum_covers_is_noticed(self):
        self.broker.create("flipped")
        good = batch()
        for position in range(len(good)):
            broken = bytearray(good)
            broken[position] ^= 0x10
            answer = self.send_batch(bytes(broken), "flipped", 0)
            # Base offset and leader epoch are the broker's to set.
            refused = not (position < 8 or 12 <= position < 16)
            self.assertEqual(answer.HasField("error"), refused, position)
        self.assertEqual(self.broker.fetch("flipped", format=common_pb2.RECORD_BATCH).high_watermark, 12)

    def test_records_that_do_not_decode_are_an_error_to_the_reader_who_can_go_on_behind_them(self):
        self.broker.create("undecodable")
        self.broker.produce("undecodable", [b"before"])
        self.assertEqual(self.send_batch(batch(records=b"\x7f" * 20), "undecodable", 0).error.reason, "")
        self.broker.produce("undecodable", [b"behind"])
        first = self.broker.fetch("undecodable")
        self.assertEqual([r.value for r in first.records.records], [b"before"])
        second = self.broker.fetch("undecodable", offset=first.next_offset)
        self.assertEqual((second.error.reason, second.next_offset), ("PARTITION_DAMAGED", 2))
        third = self.broker.fetch("undecodable", offset=second.next_offset)
        self.assertEqual([r.value for r in third.records.records], [b"behind"])
        request = log_pb2.FetchStreamRequest(topic="undecodable", offset=1)
        self.assertFails(lambda: list(self.broker.log_service.FetchStream(request)), grpc.StatusCode.DATA_LOSS,
                         "PARTITION_DAMAGED", "offset 2")

    def test_compressed_batches_of_a_topic_with_another_codec_must_decode(self):
        self.broker.create("recoded", compression_type="zstd")
        for codec in (1, 2, 3):
            answer = self.send_batch(batch(records=b"not compressed at all", attributes=codec), "recoded", 0)
            self.assertEqual(answer.error.reason, "CORRUPT_BATCH")

    # Requests.

    def test_produces_without_sense(self):
        def produce(**fields):
            return self.broker.log_service.Produce(log_pb2.ProduceRequest(topic="topic", **fields), timeout=DEADLINE)

        self.assertFails(lambda: produce(partition=0), INVALID, "INVALID_REQUEST", "0 records")
        self.assertFails(lambda: produce(record_batch=batch()), INVALID, "INVALID_REQUEST", "partition")
        offset = common_pb2.RecordList(records=[common_pb2.Record(value=b"v", offset=3)])
        self.assertFails(lambda: produce(records=offset), INVALID, "INVALID_REQUEST", "offset 3")
        many = common_pb2.RecordList(records=[common_pb2.Record()] * 100_001)
        self.assertFails(lambda: produce(partition=0, records=many), INVALID, "INVALID_REQUEST", 100_001, 100_000)
        both = log_pb2.ProduceRequest(topic="topic", partition=0, record_batch=batch()).SerializeToString()
        both += log_pb2.ProduceRequest(records=offset).SerializeToString()
        self.assertFails(lambda: self.raw("Produce", both), INVALID, "INVALID_REQUEST")

    def test_records_out_of_bounds(self):
        request = log_pb2.ProduceRequest(topic="topic", partition=2)
        request.records.records.add(value=b"x" * (1 << 20))
        headers = request.records.records.add(value=b"v").headers
        headers.extend(common_pb2.Header(key="k") for _ in range(1001))
        results = self.broker.log_service.Produce(request, timeout=DEADLINE).results
        self.assertEqual([r.error.reason for r in results], ["MESSAGE_TOO_LARGE", "INVALID_REQUEST"])
        self.assertEqual([r.offset for r in results], [-1, -1])

    def test_headers_that_are_the_brokers_own(self):
        request = log_pb2.ProduceRequest(topic="topic", partition=2)
        for key in ("weir-dlq-topic", "weir-deliver-at", "weir"):
            request.records.records.add(value=b"v").headers.add(key=key, value=b"1")
        results = self.broker.log_service.Produce(request, timeout=DEADLINE).results
        self.assertEqual([r.error.reason for r in results], ["INVALID_REQUEST", "INVALID_REQUEST", ""])
        self.assertIn("'weir-dlq-topic'", results[0].error.message)
        self.assertIn("deliver_at_ms", results[1].error.message)

    def test_times_of_delivery_that_the_topic_does_not_take(self):
        self.broker.create("delayed", delayed_delivery="true", retention_ms="60000")
        now = int(time.time() * 1000)
        for topic, deliver_at_ms, text in (("topic", now, "delayed.delivery is false"), ("delayed", -1, "0 or more"),
                                           ("delayed", now + 3_600_000, "60000 ms (retention.ms)")):
            request = log_pb2.ProduceRequest(topic=topic, partition=0)
            request.records.records.add(value=b"v", deliver_at_ms=deliver_at_ms)
            result = self.broker.log_service.Produce(request, timeout=DEADLINE).results[0]
            self.assertEqual(result.error.reason, "INVALID_REQUEST")
            self.assertIn(text, result.error.message)

    def test_fields_that_this_broker_does_not_know(self):
        known = log_pb2.ProduceRequest(topic="topic", partition=0)
        known.records.records.add(value=b"v")
        before = self.broker.fetch("topic").high_watermark
        self.assertFails(lambda: self.raw("Produce", known.SerializeToString() + b"\xa2\x06\x02hi"), UNIMPLEMENTED,
                         "UNSUPPORTED_FIELD", "field 100")
        # The same inside a record: field 5 of the request, field 1 of the list, then a record with field 50.
        inside = b"\x0a\x05topic\x2a\x06\x0a\x04\x92\x03\x01v"
        self.assertFails(lambda: self.raw("Produce", inside), UNIMPLEMENTED, "UNSUPPORTED_FIELD", "field 50", "Record")
        self.assertFails(lambda: self.raw("Produce", known.SerializeToString() + b"\x18\x09"), UNIMPLEMENTED,
                         "UNSUPPORTED_FIELD", "durability 9")
        self.assertEqual(self.broker.fetch("topic").high_watermark, before)

    def raw(self, call, data):
        return self.broker.channel.unary_unary(f"/weir.v1.LogService/{call}")(data, timeout=DEADLINE)

    def test_fetches_without_sense(self):
        def fetch(**fields):
            return self.broker.log_service.Fetch(log_pb2.FetchRequest(**fields), timeout=DEADLINE)

        self.assertFails(lambda: fetch(max_wait_ms=60_001), INVALID, "INVALID_REQUEST", 60_001, 60_000)
        self.assertFails(lambda: fetch(max_wait_ms=-1), INVALID, "INVALID_REQUEST", -1)
        self.assertFails(lambda: fetch(max_bytes=-1), INVALID, "INVALID_REQUEST", -1)
        self.assertFails(lambda: fetch(min_bytes=-1), INVALID, "INVALID_REQUEST", -1)
        self.assertFails(lambda: fetch(format=7), UNIMPLEMENTED, "UNSUPPORTED_FIELD", 7)
        many = [log_pb2.FetchPartition(topic="topic")] * 10_001
        self.assertFails(lambda: fetch(partitions=many), INVALID, "INVALID_REQUEST", 10_001)
        part = fetch(partitions=[log_pb2.FetchPartition(topic="topic", max_bytes=-3)]).partitions[0]
        self.assertEqual(part.error.reason, "INVALID_REQUEST")
        self.assertEqual(len(fetch().partitions), 0)
        stream = log_pb2.FetchStreamRequest(topic="topic", max_bytes=-1)
        self.assertFails(lambda: list(self.broker.log_service.FetchStream(stream)), INVALID, "INVALID_REQUEST", -1)
        stream = log_pb2.FetchStreamRequest(topic="topic", format=9)
        self.assertFails(lambda: list(self.broker.log_service.FetchStream(stream)), UNIMPLEMENTED, "UNSUPPORTED_FIELD", 9)

    def test_producers_without_sense(self):
        def init(**fields):
            return self.broker.log_service.InitProducer(log_pb2.InitProducerRequest(**fields), timeout=DEADLINE)

        self.assertFails(lambda: init(producer_id=1), INVALID, "INVALID_REQUEST")
        self.assertFails(lambda: init(producer_epoch=1), INVALID, "INVALID_REQUEST")
        self.assertFails(lambda: init(producer_id=-1, producer_epoch=0), INVALID, "INVALID_REQUEST", -1)
        self.assertFails(lambda: init(producer_id=0, producer_epoch=32768), INVALID, "INVALID_REQUEST", 32768)

    # The wire itself.

    def test_messages_that_are_none(self):
        for service in (log_pb2.DESCRIPTOR.services_by_name["LogService"], admin_pb2.DESCRIPTOR.services_by_name["AdminService"]):
            for method in service.methods:
                if method.name == "ProduceStream":  # answers with errors instead of failing
                    continue
                open_call = self.broker.channel.unary_stream(f"/{service.full_name}/{method.name}")
                self.assertFails(lambda: list(open_call(b"\xff\xff\xff", timeout=DEADLINE)), INVALID, "INVALID_REQUEST",
                                 method.input_type.full_name)
        with self.assertRaises(grpc.RpcError) as raised:
            self.broker.channel.unary_unary("/weir.v1.LogService/NoSuchCall")(b"", timeout=DEADLINE)
        self.assertEqual(raised.exception.code(), UNIMPLEMENTED)

    def test_requests_larger_than_any_may_be(self):
        for size in (37 << 20, 300 << 20):
            request = log_pb2.ProduceRequest(topic="topic", partition=0)
            request.records.records.add(value=bytes(size))
            with self.broker.connect() as channel, self.assertRaises(grpc.RpcError) as raised:
                log_pb2_grpc.LogServiceStub(channel).Produce(request, timeout=DEADLINE)
            # The connection may break while the client still sends what nobody reads.
            self.assertIn(raised.exception.code(), (EXHAUSTED, grpc.StatusCode.UNAVAILABLE))
        self.assertEqual(self.broker.fetch("topic", max_bytes=1).error.reason, "")

    def test_a_length_of_two_gigabytes_costs_nothing(self):
        def frame(kind, flags, stream, payload):
            return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

        def literal(name, value):
            return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value

        headers = b"".join(literal(n, v) for n, v in (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/weir.v1.LogService/Produce"), (b":authority", b"x"),
            (b"content-type", b"application/grpc"), (b"te", b"trailers")))
        lying = b"\x00" + struct.pack(">I", 2**31 - 1) + b"only this"
        before = self.broker.resident_bytes()
        with socket.create_connection(("127.0.0.1", self.broker.grpc_port), DEADLINE) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, headers)
                               + frame(0, 0, 1, lying) + frame(6, 0, 0, b"ping ack"))
            stream = connection.makefile("rb")
            while True:  # until the ping comes back: then all before it has been read
                head = stream.read(9)
                payload = stream.read(int.from_bytes(head[:3], "big"))
                if head[3] == 6 and payload == b"ping ack":
                    break
            self.assertLess(self.broker.resident_bytes() - before, 64 << 20)
            self.assertEqual(self.broker.fetch("topic", max_bytes=1).error.reason, "")

    def test_what_is_no_http_at_all(self):
        for port in (self.broker.grpc_port, self.broker.http_port):
            with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
                try:
                    connection.sendall(bytes(range(256)) * 100)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError as hung_up:  # it may do so while we still send
                    self.assertNotIsInstance(hung_up, TimeoutError)
        self.assertEqual(self.broker.get("/healthz")[0], 200)
        self.assertEqual(self.broker.fetch("topic", max_bytes=1).error.reason, "")

    def test_compressed_messages_are_refused(self):
        request = log_pb2.ProduceRequest(topic="topic", partition=0)
        request.records.records.add(value=bytes(100_000))
        with self.assertRaises(grpc.RpcError) as raised:
            self.broker.log_service.Produce(request, compression=grpc.Compression.Gzip, timeout=DEADLINE)
        self.assertEqual(raised.exception.code(), UNIMPLEMENTED)

    def test_headers_without_end_are_refused(self):
        headers = [("x", "y" * 100_000)]
        with self.broker.connect() as channel, self.assertRaises(grpc.RpcError) as raised:
            admin_pb2_grpc.AdminServiceStub(channel).ListTopics(admin_pb2.ListTopicsRequest(), metadata=headers, timeout=DEADLINE)
        self.assertIn(raised.exception.code(), (EXHAUSTED, grpc.StatusCode.UNAVAILABLE))
        self.assertGreater(len(self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(), timeout=DEADLINE).topics), 0)


class MemoryLimit(BrokerTest):
    """Resident memory stays within memory.limit + 256 MiB whatever clients send."""

    flags = ("--memory-limit", "128MiB")

    def peak_bytes(self):
        with open(f"/proc/{self.broker.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) << 10

    def assertWithinLimit(self):
        if os.environ.get("WEIR_SANITIZE"):
            return  # a sanitizer keeps what was freed, and shadows of all of it
        self.assertLess(self.peak_bytes(), (128 + 256) << 20)

    def test_requests_of_millions_of_empty_elements_are_refused_before_they_are_decoded(self):
        many = b"\x0a\x00" * ((18 << 20) - 100)
        records = b"\x2a" + varint(len(many)) + many  # field 5 of the request
        calls = {"LogService/Produce": records, "LogService/Fetch": many, "LogService/FetchStream": many,
                 "LogService/ListOffsets": many, "LogService/InitProducer": many, "AdminService/CreateTopic": many,
                 "AdminService/AlterTopicConfig": b"\x1a\x00" * (18 << 20), "AdminService/DeleteRecords": many}
        for call, message in calls.items():
            open_call = self.broker.channel.unary_stream(f"/weir.v1.{call}")
            self.assertFails(lambda: list(open_call(message, timeout=DEADLINE)), INVALID, "INVALID_REQUEST", len(message))
            self.assertWithinLimit()
        answers = self.broker.channel.stream_stream("/weir.v1.LogService/ProduceStream")(iter([b"\x20\x07" + records]))
        answer = log_pb2.ProduceResponse.FromString(next(answers))
        self.assertEqual((answer.client_tag, answer.error.reason), (7, "INVALID_REQUEST"))
        self.assertWithinLimit()

    def test_the_largest_requests_are_taken_one_at_a_time(self):
        self.broker.create("large", max_message_bytes=str(32 << 20))
        request = log_pb2.ProduceRequest(topic="large", partition=0)
        request.records.records.extend(common_pb2.Record(value=bytes(330)) for _ in range(100_000))
        calls = [self.broker.log_service.Produce.future(request, timeout=DEADLINE) for _ in range(3)]
        for call in calls:
            error = call.exception()
            if error is not None:
                self.assertEqual(dict(error.trailing_metadata())["weir-reason"], "OVER_MEMORY_BUDGET")
        self.assertTrue(any(call.exception() is None for call in calls))
        self.assertWithinLimit()

    def test_answers_that_nobody_reads_end_the_reading_of_requests(self):
        count, bad_records = 20, 20_000
        record = b"\x20" + varint((1 << 64) - 1)  # a deliver_at_ms that is none
        records = (b"\x0a" + varint(len(record)) + record) * bad_records
        self.broker.create("topic")
        request = b"\x0a\x05topic" + b"\x2a" + varint(len(records)) + records
        answers = self.broker.channel.stream_stream("/weir.v1.LogService/ProduceStream")(iter([request] * count))
        answered = 'weir_call_seconds_count{call="ProduceStream"}'
        while not self.broker.metric(answered):
            self.assertTrue(self.broker.running)
        for _ in range(100):  # time in which it could take the others
            self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(), timeout=DEADLINE)
        self.assertLess(self.broker.metric(answered), count // 2)
        for _ in range(count):
            answer = log_pb2.ProduceResponse.FromString(next(answers))
            self.assertEqual((len(answer.results), answer.results[0].error.reason), (bad_records, "INVALID_REQUEST"))
        self.assertEqual(list(answers), [])
        self.assertEqual(self.broker.metric("weir_memory_produce_used_bytes"), 0)
        self.assertWithinLimit()

    def test_streams_that_nobody_reads_hold_no_more_than_the_budget_however_large_their_batches_are(self):
        self.broker.create("fat", max_message_bytes=str(32 << 20))
        self.broker.produce("fat", [bytes(30_000_000)])
        for record_format in (common_pb2.RECORD_BATCH, common_pb2.RECORDS):
            request = log_pb2.FetchStreamRequest(topic="fat", max_bytes=1, format=record_format)
            with contextlib.ExitStack() as stack:
                stalled = []
                for _ in range(60):
                    channel = stack.enter_context(self.broker.connect())
                    stalled.append(log_pb2_grpc.LogServiceStub(channel).FetchStream(request, timeout=DEADLINE))
                for stream in stalled:
                    stream.initial_metadata()  # it is served
                for stream in stalled[5:]:
                    stream.cancel()
                with concurrent.futures.ThreadPoolExecutor(5) as readers:  # one at a time each comes through when it is read
                    for part in readers.map(next, stalled[:5]):
                        self.assertEqual(part.next_offset, 1)
            self.assertWithinLimit()


def varint(number):
    low = b""
    while number >= 128:
        low += bytes([number & 127 | 128])
        number >>= 7
    return low + bytes([number])


class DiskLow(BrokerTest):
    flags = ("--disk-low", "1024TiB")

    def test_produces_are_refused_and_everything_else_goes_on(self):
        self.broker.create("topic")
        answer = self.broker.produce("topic", [b"v"])
        error = answer.results[0].error
        self.assertEqual((error.reason, error.retryable, error.effect), ("DISK_LOW", True, common_pb2.Error.NONE))
        self.assertGreater(error.retry_after_ms, 0)
        self.assertEqual(self.broker.fetch("topic").high_watermark, 0)
        self.assertTrue(self.broker.admin.DescribeBroker(admin_pb2.DescribeBrokerRequest(), timeout=DEADLINE).disk_low)
        self.assertEqual(self.broker.metric("weir_disk_low"), 1)
        self.assertEqual(self.broker.metric('weir_errors_total{reason="DISK_LOW"}'), 1)
        self.broker.admin.DeleteTopic(admin_pb2.DeleteTopicRequest(name="topic"), timeout=DEADLINE)


if __name__ == "__main__":
    unittest.main()
