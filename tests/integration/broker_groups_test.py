"""Consumer groups of a real broker, from Python through nothing but generated stubs: the whole of Consume, and GroupService's other calls
with the documented error for each kind of bad request."""

import queue
import time
import unittest

import grpc

from broker_process import DEADLINE, Broker, BrokerTest
from group_member import Member
from weir.v1 import admin_pb2, common_pb2, group_pb2, group_pb2_grpc, log_pb2

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION


class Groups(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.channel = cls.broker.connect()
        cls.groups = group_pb2_grpc.GroupServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        super().tearDownClass()

    def describe(self, group):
        return self.groups.DescribeGroup(group_pb2.DescribeGroupRequest(group=group), timeout=DEADLINE)

    def committed(self, group):
        answer = self.groups.FetchOffsets(group_pb2.FetchOffsetsRequest(group=group), timeout=DEADLINE)
        return {(r.offset.topic, r.offset.partition): r.offset.offset for r in answer.results}

    def commit(self, group, offset, topic="orders", partition=0, start=group_pb2.EARLIEST, **fields):
        position = group_pb2.GroupOffset(topic=topic, partition=partition, offset=offset, **fields)
        request = group_pb2.CommitOffsetsRequest(group=group, offsets=[position], start=start)
        return self.groups.CommitOffsets(request, timeout=DEADLINE).results[0].error.reason

    def assertFails(self, call, code, reason):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual((raised.exception.code(), dict(raised.exception.trailing_metadata()).get("weir-reason")), (code, reason))

    def fill(self, topic, partitions, each):
        self.broker.create(topic, partitions)
        for p in range(partitions):
            self.broker.produce(topic, [b"%d" % i for i in range(each)], partition=p)

    def test_one_member_reads_all_and_commits(self):
        self.fill("alone", 4, 100)
        member = Member(self.broker, "alone", ["alone"])
        member.wait(lambda m: len(m.records) == 400, "all records")
        member.leave()
        self.assertIs(member.ended, True, "an end without an error")
        self.assertEqual(sorted(member.records), [(p, i, b"%d" % i) for p in range(4) for i in range(100)])
        self.assertEqual(self.committed("alone"), {("alone", p): 100 for p in range(4)})
        # The call may end a moment before the group has heard of it.
        described = self.describe("alone")
        while described.members:
            described = self.describe("alone")
        self.assertEqual((described.state, sum(p.lag for p in described.partitions)), (group_pb2.EMPTY, 0))

    def test_a_second_member_takes_half_and_the_first_goes_on_when_it_is_killed(self):
        self.fill("shared", 6, 50)
        self.groups.CreateGroup(
            group_pb2.CreateGroupRequest(
                group="shared", type=group_pb2.CONSUMER, start=group_pb2.EARLIEST, config={"session.timeout.ms": "1000"}
            ),
            timeout=DEADLINE,
        )
        first = Member(self.broker, "shared", ["shared"])
        first.wait(lambda m: len(m.records) == 300, "all records")
        second = Member(self.broker, "shared", ["shared"])
        second.wait_for_partitions(3)
        first.wait_for_partitions(3)
        self.assertEqual(sorted(first.owns() + second.owns()), list(range(6)))
        for p in range(6):
            self.broker.produce("shared", [b"late"], partition=p)
        first.wait(lambda m: len(m.records) == 303, "its late records")
        second.wait(lambda m: len(m.records) == 3, "its late records")
        self.assertEqual(self.describe("shared").state, group_pb2.STABLE)
        second.crash()
        first.wait_for_partitions(6)
        for p in range(6):
            self.broker.produce("shared", [b"last"], partition=p)
        first.wait(lambda m: sum(1 for r in m.records if r[2] == b"last") == 6, "the last records")
        self.assertEqual(self.broker.metric('weir_group_fenced_members_total{group="shared"}'), 1)
        first.leave()
        self.assertEqual(self.committed("shared"), {("shared", p): 52 for p in range(6)})

    def test_what_was_not_committed_comes_again(self):
        self.fill("again", 1, 10)
        careless = Member(self.broker, "again", ["again"], commit=False)
        careless.wait(lambda m: len(m.records) == 10, "all records")
        careless.leave()
        careful = Member(self.broker, "again", ["again"])
        careful.wait(lambda m: len(m.records) == 10, "all records once more")
        careful.leave()
        late = Member(self.broker, "again", ["again"])
        late.wait_for_partitions(1)
        self.broker.produce("again", [b"new"])
        late.wait(lambda m: m.records, "a record")
        self.assertEqual(late.records[0][1:], (10, b"new"))
        late.leave()

    def test_a_partition_that_comes_back_is_read_from_where_the_other_has_come(self):
        self.fill("back", 2, 10)
        first = Member(self.broker, "back", ["back"])
        first.wait(lambda m: len(m.records) == 20, "all records")
        second = Member(self.broker, "back", ["back"])
        second.wait_for_partitions(1)
        lent = second.owns()[0]
        self.broker.produce("back", [b"lent"] * 5, partition=lent)
        second.wait(lambda m: len(m.records) == 5, "the records of its own")
        second.leave()
        first.wait_for_partitions(2)
        self.broker.produce("back", [b"back"], partition=lent)
        first.wait(lambda m: any(r[2] == b"back" for r in m.records), "a record of what has come back")
        self.assertEqual([r for r in first.records if r[0] == lent and r[1] >= 10], [(lent, 15, b"back")])
        first.leave()
        self.assertEqual((first.errors, self.committed("back")[("back", lent)]), ([], 16))

    def test_members_resume_after_the_broker_was_killed(self):
        self.resume_after(Broker.kill)

    def test_members_resume_after_the_broker_was_stopped(self):
        self.resume_after(Broker.stop)

    def resume_after(self, end):
        broker = Broker(self.directory + "/" + end.__name__).start()
        broker.create("topic", 2)
        member = Member(broker, "group", ["topic"])
        member.wait_for_partitions(2)
        broker.produce("topic", [b"before"], partition=0)
        member.wait(lambda m: m.records, "a record")
        identity = member.assignments[-1]
        stub = group_pb2_grpc.GroupServiceStub(broker.connect())
        fetch = group_pb2.FetchOffsetsRequest(group="group")
        while not any(r.offset.offset == 1 for r in stub.FetchOffsets(fetch, timeout=DEADLINE).results):
            pass  # until its commit is there
        end(broker)
        member.wait(lambda m: m.ended, "the break")
        broker.start()
        again = Member(broker, "group", ["topic"], member_id=identity.member_id, member_epoch=identity.member_epoch)
        again.wait_for_partitions(2)
        self.assertEqual(again.assignments[-1].member_id, identity.member_id)
        broker.produce("topic", [b"after"], partition=0)
        again.wait(lambda m: m.records, "a record")
        self.assertEqual(again.records, [(0, 1, b"after")])
        again.leave()
        self.assertEqual(broker.stop(), 0)

    def test_an_operator_lists_pauses_resets_and_deletes(self):
        self.fill("watched", 2, 10)
        member = Member(self.broker, "watched", ["watched"], client_id="python")
        member.wait(lambda m: len(m.records) == 20, "all records")
        member.wait(lambda m: self.committed("watched") == {("watched", 0): 10, ("watched", 1): 10}, "the commits")
        listed = self.groups.ListGroups(group_pb2.ListGroupsRequest(prefix="watch"), timeout=DEADLINE).groups
        self.assertEqual([(g.group, g.members, g.state) for g in listed], [("watched", 1, group_pb2.STABLE)])
        described = self.describe("watched")
        self.assertEqual([(m.client_id, m.connected, len(m.partitions)) for m in described.members], [("python", True, 2)])
        self.assertEqual([(p.committed_offset, p.high_watermark, p.lag, p.member_id) for p in described.partitions],
                         [(10, 10, 0, described.members[0].member_id)] * 2)
        self.groups.PauseGroup(group_pb2.PauseGroupRequest(group="watched"), timeout=DEADLINE)
        member.wait(lambda m: m.assignments[-1].paused, "the pause")
        self.broker.produce("watched", [b"while paused"])
        self.assertEqual(self.describe("watched").partitions[0].lag, 1)
        self.groups.ResumeGroup(group_pb2.ResumeGroupRequest(group="watched"), timeout=DEADLINE)
        member.wait(lambda m: len(m.records) == 21, "the record after the pause")
        reset = group_pb2.ResetOffsetsRequest(group="watched", topic="watched", shift=-5, dry_run=True)
        self.assertFails(lambda: self.groups.ResetOffsets(reset, timeout=DEADLINE), FAILED, "GROUP_NOT_EMPTY")
        delete = group_pb2.DeleteGroupRequest(group="watched")
        self.assertFails(lambda: self.groups.DeleteGroup(delete, timeout=DEADLINE), FAILED, "GROUP_NOT_EMPTY")
        member.leave()
        for dry_run in (True, False):
            reset.dry_run = dry_run
            shown = self.groups.ResetOffsets(reset, timeout=DEADLINE).results
            self.assertEqual([(r.partition, r.before, r.after) for r in shown], [(0, 11, 6), (1, 10, 5)])
            offsets = (11, 10) if dry_run else (6, 5)
            self.assertEqual(self.committed("watched"), {("watched", p): offsets[p] for p in range(2)})
        self.groups.DeleteGroup(delete, timeout=DEADLINE)
        self.assertFails(lambda: self.describe("watched"), NOT_FOUND, "UNKNOWN_GROUP")

    def test_the_metrics_show_a_group_that_lags_and_then_catches_up(self):
        broker = Broker(self.directory + "/metrics").start()
        broker.create("behind", 2)
        old = log_pb2.ProduceRequest(topic="behind", partition=0)
        an_hour_ago = int(time.time() * 1000) - 3_600_000
        old.records.records.extend(common_pb2.Record(value=b"v", timestamp_ms=an_hour_ago + i) for i in range(10))
        broker.log_service.Produce(old, timeout=DEADLINE)
        broker.produce("behind", [b"v"] * 3, partition=1)

        def check(**expected):
            for name, value in expected.items():
                labels = 'group="slow",state="%s"' % value[1] if isinstance(value, tuple) else 'group="slow"'
                if "lag" in name:
                    labels += ',topic="behind"'
                found = broker.metric("weir_group_%s{%s}" % (name, labels))
                self.assertEqual(found, value[0] if isinstance(value, tuple) else value, name)

        def age():
            return broker.metric('weir_group_lag_seconds{group="slow",topic="behind"}')

        slow = Member(broker, "slow", ["behind"], commit=False)
        slow.wait(lambda m: len(m.records) == 13, "all records")
        check(members=1, state=(1, "stable"), lag_records=13, lag_records_max=10, offset_commits_total=0, rebalances_total=1)
        self.assertGreater(age(), 3_599)
        self.assertEqual([broker.metric('weir_groups{state="%s"}' % s) for s in ("empty", "rebalancing", "stable")], [0, 0, 1])
        groups = group_pb2_grpc.GroupServiceStub(broker.channel)

        def commit(*offsets):
            positions = [group_pb2.GroupOffset(topic="behind", partition=p, offset=o) for p, o in offsets]
            owner = slow.assignments[-1]
            request = group_pb2.CommitOffsetsRequest(
                group="slow", member_id=owner.member_id, member_epoch=owner.member_epoch, offsets=positions)
            self.assertFalse(any(r.HasField("error") for r in groups.CommitOffsets(request, timeout=DEADLINE).results))

        commit((0, 4))
        check(lag_records=9, lag_records_max=6, offset_commits_total=1, committed_offsets_total=1)
        self.assertGreater(age(), 3_599)
        commit((0, 10))
        check(lag_records=3, lag_records_max=3, offset_commits_total=2)
        self.assertLess(age(), 3_599)
        commit((0, 10), (1, 3))
        check(lag_records=0, lag_records_max=0, lag_seconds=0, offset_commits_total=3, committed_offsets_total=4)
        slow.leave()
        check(members=0, state=(1, "empty"), lag_records=0)
        self.assertEqual(broker.metric("weir_committed_offsets_total"), 4)
        old.partition = 1
        broker.log_service.Produce(old, timeout=DEADLINE)
        for end in (Broker.stop, Broker.kill):  # the lag is known before anybody has opened the log
            end(broker)
            broker.start()
            check(members=0, lag_records=10, lag_records_max=10, offset_commits_total=0)
            self.assertGreater(age(), 3_599)
            for what in ("groups_omitted", "group_lags_omitted", "group_lag_seconds_omitted", "group_shards_unanswered"):
                self.assertEqual(broker.metric("weir_" + what), 0, what)
        groups = group_pb2_grpc.GroupServiceStub(broker.channel)
        groups.DeleteGroup(group_pb2.DeleteGroupRequest(group="slow"), timeout=DEADLINE)
        self.assertNotIn('"slow"', broker.get("/metrics")[1])
        self.assertEqual(broker.stop(), 0)

    def test_commits_without_members(self):
        self.fill("orders", 2, 10)
        self.assertFails(lambda: self.commit("simple", 1, start=group_pb2.GROUP_START_UNSPECIFIED), NOT_FOUND, "UNKNOWN_GROUP")
        self.assertEqual(self.commit("simple", 5, metadata="m"), "")
        self.assertEqual(self.committed("simple"), {("orders", 0): 5})
        self.assertEqual(self.commit("simple", 11), "OFFSET_OUT_OF_RANGE")
        self.assertEqual(self.commit("simple", -1), "INVALID_REQUEST")
        self.assertEqual(self.commit("simple", 1, topic="nowhere"), "UNKNOWN_TOPIC")
        self.assertEqual(self.commit("simple", 1, partition=2), "UNKNOWN_PARTITION")
        self.assertEqual(self.commit("simple", 1, topic="__weir_groups"), "UNKNOWN_TOPIC")
        self.assertEqual(self.commit("simple", 6, metadata="m" * 5000), "OFFSET_METADATA_TOO_LARGE")
        self.assertEqual(self.committed("simple"), {("orders", 0): 5})
        member = Member(self.broker, "simple", ["orders"])
        member.wait_for_partitions(2)
        self.assertFails(lambda: self.commit("simple", 6), FAILED, "GROUP_NOT_EMPTY")
        stale = group_pb2.CommitOffsetsRequest(group="simple", member_id="nobody", member_epoch=1)
        stale.offsets.add(topic="orders", offset=1)
        self.assertFails(lambda: self.groups.CommitOffsets(stale, timeout=DEADLINE), NOT_FOUND, "UNKNOWN_MEMBER")
        stale.member_id = member.assignments[-1].member_id
        stale.member_epoch = 1_000_000
        self.assertFails(lambda: self.groups.CommitOffsets(stale, timeout=DEADLINE), FAILED, "STALE_MEMBER_EPOCH")
        member.leave()

    def test_bad_memberships(self):
        self.broker.create("plain")

        def refused(code, reason, **fields):
            member = Member(self.broker, **{"group": "refused", "topics": ["plain"], **fields})
            member.wait(lambda m: m.ended, "the refusal")
            self.assertFails(lambda: (_ for _ in ()).throw(member.ended), code, reason)
            member.crash()

        refused(INVALID, "INVALID_GROUP_ID", group="a/b")
        refused(INVALID, "INVALID_GROUP_ID", group="")
        refused(INVALID, "INVALID_CONFIG", assignor="fair")
        refused(NOT_FOUND, "UNKNOWN_GROUP", start=group_pb2.GROUP_START_UNSPECIFIED)
        refused(NOT_FOUND, "UNKNOWN_MEMBER", member_id="nobody", member_epoch=3)
        refused(INVALID, "INVALID_REQUEST", topics=[])
        refused(INVALID, "INVALID_TOPIC_NAME", topics=["__weir_groups"])
        refused(INVALID, "INVALID_REQUEST", topics=["t%d" % i for i in range(100_000)])
        self.assertFails(lambda: self.describe("refused"), NOT_FOUND, "UNKNOWN_GROUP")
        holder = Member(self.broker, "static", ["plain"], instance_id="i")
        holder.wait_for_partitions(1)
        refused(grpc.StatusCode.ALREADY_EXISTS, "INSTANCE_ID_IN_USE", group="static", instance_id="i")
        holder.leave()
        create = group_pb2.CreateGroupRequest(group="created", type=group_pb2.CONSUMER, start=group_pb2.LATEST)
        self.groups.CreateGroup(create, timeout=DEADLINE)
        self.assertFails(lambda: self.groups.CreateGroup(create, timeout=DEADLINE), grpc.StatusCode.ALREADY_EXISTS, "GROUP_EXISTS")
        create.group = "other"
        create.config["session.timeout.ms"] = "0"
        self.assertFails(lambda: self.groups.CreateGroup(create, timeout=DEADLINE), INVALID, "INVALID_CONFIG")
        create = group_pb2.CreateGroupRequest(group="typeless", start=group_pb2.LATEST)
        self.assertFails(lambda: self.groups.CreateGroup(create, timeout=DEADLINE), INVALID, "INVALID_REQUEST")
        create = group_pb2.CreateGroupRequest(group="startless", type=group_pb2.CONSUMER)
        self.assertFails(lambda: self.groups.CreateGroup(create, timeout=DEADLINE), INVALID, "INVALID_REQUEST")

    def test_messages_that_are_none_or_too_much(self):
        commits = group_pb2.ConsumeRequest(commit=[group_pb2.GroupOffset()] * 200_000).SerializeToString()
        names = group_pb2.JoinRequest()
        names.join.subscription.topics.extend([""] * 1_000_000)
        before = self.broker.resident_bytes()
        for call, message in (("Consume", b"\xff\xff\xff"), ("Join", b"\xff\xff\xff"), ("Consume", commits * 20),
                              ("Join", names.SerializeToString())):
            with self.broker.connect() as channel, self.assertRaises(grpc.RpcError) as raised:
                list(channel.stream_stream("/weir.v1.GroupService/" + call)(iter([message]), timeout=DEADLINE))
            self.assertEqual((raised.exception.code(), dict(raised.exception.trailing_metadata()).get("weir-reason")),
                             (INVALID, "INVALID_REQUEST"), call)
        self.assertLess(self.broker.resident_bytes() - before, 128 << 20)

    def test_the_brokers_own_topic_is_hidden_and_read_only(self):
        listed = self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(), timeout=DEADLINE).topics
        self.assertNotIn("__weir_groups", [t.name for t in listed])
        own = self.broker.admin.ListTopics(admin_pb2.ListTopicsRequest(include_internal=True, prefix="__"), timeout=DEADLINE).topics
        self.assertEqual([(t.name, t.partitions) for t in own], [("__weir_groups", 16)])
        self.assertFails(lambda: self.broker.produce("__weir_groups", [b"v"]), INVALID, "INVALID_TOPIC_NAME")
        delete = admin_pb2.DeleteTopicRequest(name="__weir_groups")
        self.assertFails(lambda: self.broker.admin.DeleteTopic(delete, timeout=DEADLINE), INVALID, "INVALID_TOPIC_NAME")

    def test_a_prefix_finds_new_topics(self):
        self.broker.create("audit.a")
        join = group_pb2.Membership(group="prefix", start=group_pb2.EARLIEST)
        join.subscription.topic_prefix = "audit."
        requests = queue.Queue()
        requests.put(group_pb2.JoinRequest(join=join))
        with self.broker.connect() as channel:
            call = group_pb2_grpc.GroupServiceStub(channel).Join(iter(requests.get, None))
            while len(assigned := next(call).assignment.partitions) < 1:
                pass
            self.assertEqual([p.topic for p in assigned], ["audit.a"])
            self.broker.create("audit.b")
            while len(assigned := next(call).assignment.partitions) < 2:
                pass
            self.assertEqual(sorted(p.topic for p in assigned), ["audit.a", "audit.b"])
            requests.put(None)
            for _ in call:
                pass


if __name__ == "__main__":
    unittest.main()
