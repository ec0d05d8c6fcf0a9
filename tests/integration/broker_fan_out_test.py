"""Twenty groups of both kinds on one topic of a real broker, through generated stubs: each has its own pace and state, and the producer knows
of none."""

import unittest

from broker_process import DEADLINE, BrokerTest
from group_member import Member
from share_worker import Worker, accept, acknowledgement, keep
from weir.v1 import group_pb2, group_pb2_grpc, share_pb2, share_pb2_grpc

PARTITIONS = 8
EACH = 50  # records of a partition
ALL = PARTITIONS * EACH
SOME = 7  # credits of workers that keep what they get


def reject_every_tenth(job):
    return acknowledgement(job, share_pb2.REJECT if job.offset % 10 == 0 else share_pb2.ACCEPT)


class FanOut(BrokerTest):
    def setUp(self):
        channel = self.broker.connect()
        self.addCleanup(channel.close)
        self.groups = group_pb2_grpc.GroupServiceStub(channel)
        self.share = share_pb2_grpc.ShareServiceStub(channel)

    def produce(self, what):
        for partition in range(PARTITIONS):
            self.broker.produce("events", [b"%s %d" % (what, i) for i in range(EACH)], partition=partition)

    def create(self, name, kind, start=group_pb2.EARLIEST):
        reads = ["events"] if kind == group_pb2.SHARE else []
        request = group_pb2.CreateGroupRequest(group=name, type=kind, start=start)
        request.subscription.topics.extend(reads)
        self.groups.CreateGroup(request, timeout=DEADLINE)

    def committed(self, name):
        answer = self.groups.FetchOffsets(group_pb2.FetchOffsetsRequest(group=name), timeout=DEADLINE)
        return sum(result.offset.offset for result in answer.results)

    def unfinished(self, name):
        described = self.groups.DescribeGroup(group_pb2.DescribeGroupRequest(group=name), timeout=DEADLINE)
        return sum(partition.unfinished for partition in described.share_partitions)

    def dead_letters(self, name):
        return self.share.ListDeadLetters(share_pb2.ListDeadLettersRequest(group=name, page_size=1_000), timeout=DEADLINE).dead_letters

    def test_each_has_its_own_pace_and_state(self):
        self.broker.create("events", PARTITIONS)
        self.produce(b"first")
        readers = [f"reader-{i}" for i in range(10)]
        workers = [f"worker-{i}" for i in range(10)]
        for name in workers:
            self.create(name, group_pb2.SHARE)
        for name in readers:
            self.create(name, group_pb2.CONSUMER)
        # Of the readers 0 to 5 read everything, 6 and 7 read and never commit, 8 is paused, 9 never comes. Of the workers 0 to 4 do
        # everything, 5 and 6 reject a tenth, 7 keeps what it gets, 8 is paused, 9 never comes.
        for name in ("reader-8", "worker-8"):
            self.groups.PauseGroup(group_pb2.PauseGroupRequest(group=name), timeout=DEADLINE)
        members = {f"reader-{i}": Member(self.broker, f"reader-{i}", ["events"], commit=i < 6) for i in range(9)}
        hands = {f"worker-{i}": Worker(self.broker, f"worker-{i}", accept if i < 5 else reject_every_tenth, credits=ALL)
                 for i in (*range(7), 8)}
        hands["worker-7"] = Worker(self.broker, "worker-7", keep, credits=SOME)
        self.produce(b"second")
        total = 2 * ALL
        every = sorted((p, i, b"%s %d" % (what, i - start)) for p in range(PARTITIONS)
                       for what, start in ((b"first", 0), (b"second", EACH)) for i in range(start, start + EACH))
        for i in range(8):
            member = members[f"reader-{i}"]
            member.wait(lambda m: len(m.records) == total, f"all records of reader-{i}")
            self.assertEqual(sorted(member.records), every)
        for i in range(7):
            worker = hands[f"worker-{i}"]
            worker.wait(lambda w: len(w.results) == total, f"all answers of worker-{i}")
            self.assertEqual(sorted((j.partition, j.offset, j.value) for j in worker.jobs), every)
        hands["worker-7"].wait_for_jobs(SOME)
        for client in (*members.values(), *(hand for name, hand in hands.items() if name != "worker-7")):
            client.leave()
        self.assertEqual([self.committed(name) for name in readers], [total] * 6 + [0] * 4)
        self.assertEqual([self.unfinished(name) for name in workers], [0] * 7 + [total] * 3)
        self.assertEqual((len(members["reader-8"].records), len(hands["worker-8"].jobs), len(hands["worker-7"].jobs)), (0, 0, SOME))
        self.assertEqual([len(self.dead_letters(name)) for name in workers], [0] * 5 + [total // 10] * 2 + [0] * 3)
        hands["worker-7"].leave()

        # One more of each kind, later, from the end: what is there is not theirs.
        self.create("late-worker", group_pb2.SHARE, group_pb2.LATEST)
        self.assertEqual(self.unfinished("late-worker"), 0)
        worker = Worker(self.broker, "late-worker", accept)
        member = Member(self.broker, "late-reader", ["events"], start=group_pb2.LATEST)
        member.wait_for_partitions(PARTITIONS)
        self.broker.produce("events", [b"third"])
        worker.wait_for_jobs(1)
        member.wait(lambda m: m.records, "its record")
        self.assertEqual(([j.value for j in worker.jobs], [r[2] for r in member.records]), ([b"third"], [b"third"]))
        worker.leave()
        member.leave()
        self.assertEqual([self.unfinished(name) for name in workers], [1] * 7 + [total + 1] * 3)


if __name__ == "__main__":
    unittest.main()
