"""Share groups of a real broker as an operator makes, sees, changes and removes them, from Python through nothing but generated stubs: with
their dead-letter topics, over restarts and kills, and with the documented error for each kind of bad request."""

import unittest

import grpc

from broker_process import DEADLINE, BrokerTest
from weir.v1 import admin_pb2, group_pb2, group_pb2_grpc, share_pb2, share_pb2_grpc

NOT_FOUND = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION


class ShareGroups(BrokerTest):
    def setUp(self):
        self.channel = self.broker.connect()
        self.groups = group_pb2_grpc.GroupServiceStub(self.channel)
        self.shares = share_pb2_grpc.ShareServiceStub(self.channel)

    def tearDown(self):
        self.channel.close()

    def restart(self, end):
        self.tearDown()
        end()
        self.broker.start()
        self.setUp()

    def create_group(self, group, *topics, prefix="", start=group_pb2.EARLIEST, **config):
        settings = {name.replace("_", "."): str(value) for name, value in config.items()}
        request = group_pb2.CreateGroupRequest(group=group, type=group_pb2.SHARE, start=start, config=settings)
        request.subscription.topics.extend(topics)
        request.subscription.topic_prefix = prefix
        return self.groups.CreateGroup(request, timeout=DEADLINE)

    def describe(self, group, **page):
        return self.groups.DescribeGroup(group_pb2.DescribeGroupRequest(group=group, **page), timeout=DEADLINE)

    def delete(self, group):
        self.groups.DeleteGroup(group_pb2.DeleteGroupRequest(group=group), timeout=DEADLINE)

    def config(self, topic):
        described = self.broker.admin.DescribeTopic(admin_pb2.DescribeTopicRequest(name=topic), timeout=DEADLINE)
        return described.partition_count, {entry.name: entry.value for entry in described.config}

    def partitions(self, group):
        return [(p.topic, p.partition, p.state, p.start_offset, p.unfinished) for p in self.describe(group).share_partitions]

    def acquire(self, group, jobs):
        request = share_pb2.AcquireRequest(group=group, worker="python", max_jobs=jobs, max_wait_ms=10000)
        return self.shares.Acquire(request, timeout=DEADLINE)

    def accept(self, group, acquired):
        request = share_pb2.AcknowledgeRequest(group=group)
        for delivery in acquired.deliveries:
            for jobs in delivery.jobs:
                request.acknowledge.add(topic=delivery.topic, partition=delivery.partition, first_offset=jobs.first_offset,
                                        last_offset=jobs.last_offset, lock_token=jobs.lock_token, type=share_pb2.ACCEPT)
        return self.shares.Acknowledge(request, timeout=DEADLINE)

    def test_a_group_is_made_with_its_dead_letter_topic_and_survives(self):
        self.broker.create("orders", 2, max_message_bytes="100000")
        self.broker.produce("orders", [b"a", b"b", b"c"])
        self.create_group("email", "orders", max_delivery_attempts=3)
        self.assertEqual(self.config("dlq.orders.email")[0], 1)
        config = self.config("dlq.orders.email")[1]
        self.assertEqual((config["retention.ms"], config["max.message.bytes"]), (str(30 * 86400 * 1000), str(100000 + 65536)))
        expected = [("orders", 0, "OPEN", 0, 3), ("orders", 1, "OPEN", 0, 0)]
        for end in (None, self.broker.kill, self.broker.stop):
            if end:
                self.restart(end)
            described = self.describe("email")
            self.assertEqual((described.type, described.start, described.dead_letter_topic, list(described.subscription.topics)),
                             (group_pb2.SHARE, group_pb2.EARLIEST, "dlq.orders.email", ["orders"]))
            settings = {entry.name: (entry.value, entry.is_default) for entry in described.config}
            self.assertEqual(settings["max.delivery.attempts"], ("3", False))
            self.assertEqual(settings["ack.timeout.ms"], ("30000", True))
            self.assertEqual(settings["dlq.topic"], ("dlq.orders.email", True))
            self.assertNotIn("session.timeout.ms", settings)
            self.assertEqual(self.partitions("email"), expected)
        self.assertFails(lambda: self.create_group("email", "orders"), EXISTS, "GROUP_EXISTS", "email")
        summaries = self.groups.ListGroups(group_pb2.ListGroupsRequest(prefix="email"), timeout=DEADLINE).groups
        self.assertEqual([(s.group, s.type) for s in summaries], [("email", group_pb2.SHARE)])
        first = self.describe("email", page_size=1)
        self.assertEqual([p.partition for p in first.share_partitions], [0])
        rest = self.describe("email", page_size=1, page_token=first.next_page_token)
        self.assertEqual(([p.partition for p in rest.share_partitions], rest.next_page_token), ([1], ""))

    def test_a_group_that_was_made_again_takes_its_topic_over(self):
        self.broker.create("again")
        self.broker.create("dlq.again.g")  # as a crash between topic and group leaves it
        self.create_group("g", "again")
        self.delete("g")
        self.assertFails(lambda: self.describe("g"), NOT_FOUND, "UNKNOWN_GROUP")
        self.assertEqual(self.config("dlq.again.g")[0], 1)  # topics stay
        self.create_group("g", "again")
        self.assertFails(lambda: self.create_group("other", "again", dlq_topic="dlq.again.g"), EXISTS, "TOPIC_EXISTS", "'g'")
        self.assertFails(lambda: self.create_group("loop", "again", dlq_topic="again"), INVALID, "INVALID_REQUEST", "again")
        self.broker.create("full")
        self.broker.produce("full", [b"somebody's"])
        self.assertFails(lambda: self.create_group("other", "again", dlq_topic="full"), EXISTS, "TOPIC_EXISTS", "full")
        self.assertFails(lambda: self.describe("other"), NOT_FOUND, "UNKNOWN_GROUP")

    def test_what_it_reads_changes(self):
        self.broker.create("in.a")
        self.broker.create("in.b")
        self.broker.create("elsewhere", 2)
        self.broker.produce("in.a", [b"before"])
        self.create_group("reader", prefix="in.", start=group_pb2.LATEST, dlq_topic="dead")
        self.assertEqual(self.partitions("reader"), [("in.a", 0, "OPEN", 1, 0), ("in.b", 0, "OPEN", 0, 0)])
        request = group_pb2.AlterGroupRequest(group="reader", set={"max.in.flight": "7"})
        request.subscription.topics.extend(["elsewhere", "in.a"])
        altered = {entry.name: entry.value for entry in self.groups.AlterGroup(request, timeout=DEADLINE).config}
        self.assertEqual(altered["max.in.flight"], "7")
        self.assertEqual(self.partitions("reader"),
                         [("elsewhere", 0, "OPEN", 0, 0), ("elsewhere", 1, "OPEN", 0, 0), ("in.a", 0, "OPEN", 1, 0)])

    def test_new_topics_and_partitions_are_followed(self):
        self.broker.create("grow.a")
        self.create_group("grows", prefix="grow.", start=group_pb2.LATEST, dlq_topic="dlq.grows")
        self.broker.create("grow.b")
        self.broker.produce("grow.b", [b"first"])
        self.broker.admin.AddPartitions(admin_pb2.AddPartitionsRequest(name="grow.a", partitions=2), timeout=DEADLINE)
        self.broker.produce("grow.a", [b"second"], partition=1)
        values = set()
        while len(values) < 2:  # each call waits for jobs
            acquired = self.acquire("grows", 10)
            self.accept("grows", acquired)
            values |= {record.value for delivery in acquired.deliveries for record in delivery.records}
        self.assertEqual(values, {b"first", b"second"})

    def test_it_is_paused_and_resumed(self):
        self.broker.create("pausing")
        self.create_group("pausing", "pausing")
        self.groups.PauseGroup(group_pb2.PauseGroupRequest(group="pausing"), timeout=DEADLINE)
        self.restart(self.broker.kill)
        described = self.describe("pausing")
        self.assertEqual((described.paused, described.paused_by_breaker, described.share_partitions[0].state), (True, False, "PAUSED"))
        self.groups.ResumeGroup(group_pb2.ResumeGroupRequest(group="pausing"), timeout=DEADLINE)
        self.assertEqual(self.describe("pausing").share_partitions[0].state, "OPEN")

    def test_records_are_not_deleted_under_jobs_that_were_handed_out(self):
        self.broker.create("kept")
        self.broker.produce("kept", [b"%d" % i for i in range(10)])
        self.create_group("keeper", "kept")
        acquired = self.acquire("keeper", 3)
        request = admin_pb2.DeleteRecordsRequest(topic="kept")
        request.targets.add(partition=0, before_offset=10)
        held = self.broker.admin.DeleteRecords(request, timeout=DEADLINE).results[0]
        self.assertEqual(held.error.reason, "JOBS_PENDING")
        self.assertIn("keeper", held.error.message)
        # It is too late to be tried again, but not to be done, while their dead letters are not written.
        codes = [r.code for result in self.accept("keeper", acquired).acknowledged for r in result.ranges]
        self.assertLessEqual(set(codes), {share_pb2.OK, share_pb2.ALREADY_DONE})
        gone = held
        while gone.error.reason == "JOBS_PENDING":
            gone = self.broker.admin.DeleteRecords(request, timeout=DEADLINE).results[0]
        self.assertEqual((gone.error.reason, gone.log_start_offset), ("", 10))
        partition = self.describe("keeper").share_partitions[0]
        self.assertEqual((partition.accepted + partition.died["EXPIRED"], partition.expired, partition.unfinished), (3, 7, 0))

    def test_bad_requests(self):
        self.broker.create("some")
        self.assertFails(lambda: self.create_group("bad"), INVALID, "INVALID_REQUEST", "subscription")
        self.assertFails(lambda: self.create_group("bad", "nowhere"), NOT_FOUND, "UNKNOWN_TOPIC", "nowhere")
        self.assertFails(lambda: self.create_group("bad", prefix="so"), INVALID, "INVALID_CONFIG", "dlq.topic")
        self.assertFails(lambda: self.create_group("bad", "some", start=group_pb2.NONE), INVALID, "INVALID_REQUEST", "none")
        self.assertFails(lambda: self.create_group("bad", "some", order="fifo"), INVALID, "INVALID_CONFIG", "fifo", "none, key")
        self.assertFails(lambda: self.create_group("bad", "some", max_in_flight=10001), INVALID, "INVALID_CONFIG", "10001", "10000")
        self.assertFails(lambda: self.create_group("bad", "some", session_timeout_ms=9), INVALID, "INVALID_CONFIG", "ack.timeout.ms")
        long_group = "g" * 249
        self.assertFails(lambda: self.create_group(long_group, "some"), INVALID, "INVALID_CONFIG", "249")
        self.assertFails(lambda: self.groups.CreateGroup(group_pb2.CreateGroupRequest(group="bad", start=group_pb2.EARLIEST),
                                                         timeout=DEADLINE), INVALID, "INVALID_REQUEST", "type")
        self.assertEqual([t for t in self.topics() if "bad" in t or long_group in t], [])

    def topics(self):
        return [t.name for t in self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(), timeout=DEADLINE).topics]

    def test_a_group_is_of_one_type(self):
        self.broker.create("typed")
        self.create_group("typed", "typed")
        position = group_pb2.GroupOffset(topic="typed", partition=0, offset=0)
        calls = [
            lambda: self.groups.CommitOffsets(group_pb2.CommitOffsetsRequest(group="typed", offsets=[position]), timeout=DEADLINE),
            lambda: self.groups.FetchOffsets(group_pb2.FetchOffsetsRequest(group="typed"), timeout=DEADLINE),
            lambda: self.groups.ResetOffsets(group_pb2.ResetOffsetsRequest(group="typed", topic="typed", earliest=True), timeout=DEADLINE),
        ]
        membership = group_pb2.Membership(group="typed", start=group_pb2.EARLIEST)
        membership.subscription.topics.append("typed")
        calls.append(lambda: list(self.groups.Join(iter([group_pb2.JoinRequest(join=membership)]), timeout=DEADLINE)))
        calls.append(lambda: list(self.groups.Consume(iter([group_pb2.ConsumeRequest(join=membership)]), timeout=DEADLINE)))
        for call in calls:
            self.assertFails(call, FAILED, "GROUP_TYPE_MISMATCH", "share")
        self.groups.CreateGroup(group_pb2.CreateGroupRequest(group="plain", type=group_pb2.CONSUMER, start=group_pb2.EARLIEST),
                                timeout=DEADLINE)
        alter = group_pb2.AlterGroupRequest(group="plain")
        alter.subscription.topics.append("typed")
        self.assertFails(lambda: self.groups.AlterGroup(alter, timeout=DEADLINE), FAILED, "GROUP_TYPE_MISMATCH", "plain")
        for value in ("order", "dlq.topic"):
            fixed = group_pb2.AlterGroupRequest(group="typed", set={value: "key"})
            self.assertFails(lambda: self.groups.AlterGroup(fixed, timeout=DEADLINE), INVALID, "INVALID_CONFIG", value)


if __name__ == "__main__":
    unittest.main()
