"""Jobs that die, their dead letters, and the way back, of a real broker through nothing but generated stubs; with the documented error for each
kind of bad request."""

import unittest

import grpc

from broker_process import DEADLINE, BrokerTest
from weir.v1 import group_pb2, group_pb2_grpc, log_pb2, share_pb2, share_pb2_grpc

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION


class DeadLetters(BrokerTest):
    def setUp(self):
        # Every test has a topic and a group of its own.
        self.topic = "orders-" + self.id().rsplit("_", 1)[-1]
        self.group = "email-" + self.id().rsplit("_", 1)[-1]
        self.letters = f"dlq.{self.topic}.{self.group}"
        self.connect()
        self.broker.create(self.topic)
        self.make_group(self.group, self.topic)

    def connect(self):
        self.shares = share_pb2_grpc.ShareServiceStub(self.broker.channel)
        self.groups = group_pb2_grpc.GroupServiceStub(self.broker.channel)

    def make_group(self, group, topic, **config):
        request = group_pb2.CreateGroupRequest(group=group, type=group_pb2.SHARE, start=group_pb2.EARLIEST)
        request.config.update({name.replace("_", "."): value for name, value in config.items()})
        request.subscription.topics.append(topic)
        self.groups.CreateGroup(request, timeout=DEADLINE)

    def send(self, *keys_and_values):
        request = log_pb2.ProduceRequest(topic=self.topic, partition=0)
        for key, value in keys_and_values:
            request.records.records.add(key=key, value=value, timestamp_ms=1234).headers.add(key="trace", value=b"t")
        for result in self.broker.log_service.Produce(request, timeout=DEADLINE).results:
            self.assertFalse(result.HasField("error"), result.error.message)

    def acquire(self, jobs):
        """So many jobs: (topic, partition, offset, token, record)."""
        acquired = []
        while len(acquired) < jobs:
            request = share_pb2.AcquireRequest(group=self.group, worker="w", max_jobs=jobs - len(acquired), max_wait_ms=60_000)
            for delivery in self.shares.Acquire(request, timeout=DEADLINE).deliveries:
                records = {record.offset: record for record in delivery.records}
                for part in delivery.jobs:
                    acquired += [(delivery.topic, delivery.partition, offset, part.lock_token, records[offset])
                                 for offset in range(part.first_offset, part.last_offset + 1)]
        return acquired

    def say(self, job, outcome, **fields):
        topic, partition, offset, token, _ = job
        request = share_pb2.AcknowledgeRequest(group=self.group)
        request.acknowledge.add(topic=topic, partition=partition, first_offset=offset, lock_token=token, type=outcome, **fields)
        ranges = self.shares.Acknowledge(request, timeout=DEADLINE).acknowledged[0].ranges
        self.assertEqual([r.code for r in ranges], [share_pb2.OK])

    def reject_all(self, jobs):
        """The jobs die; returns when their letters are there."""
        before = self.broker.fetch(self.letters).high_watermark
        for job in self.acquire(jobs):
            self.say(job, share_pb2.REJECT, error="no such user")
        for offset in range(before, before + jobs):
            self.broker.fetch(self.letters, offset=offset, max_wait_ms=60_000)
        self.assertEqual(self.broker.fetch(self.letters).high_watermark, before + jobs)

    def list(self, **fields):
        return self.shares.ListDeadLetters(share_pb2.ListDeadLettersRequest(group=self.group, **fields), timeout=DEADLINE)

    def redrive(self, **fields):
        return self.shares.Redrive(share_pb2.RedriveRequest(group=self.group, **fields), timeout=DEADLINE)

    def purge(self, **fields):
        return self.shares.PurgeDeadLetters(share_pb2.PurgeDeadLettersRequest(group=self.group, **fields), timeout=DEADLINE)

    def jobs(self, **fields):
        return self.shares.ListJobs(share_pb2.ListJobsRequest(group=self.group, **fields), timeout=DEADLINE)

    def test_a_rejected_job_is_a_letter_with_its_story(self):
        self.send((b"k", b"payload"))
        self.reject_all(1)
        listed = self.list()
        self.assertEqual(listed.dead_letter_topic, self.letters)
        letter = listed.dead_letters[0]
        self.assertEqual((letter.record.key, letter.record.value, letter.record.timestamp_ms), (b"k", b"payload", 1234))
        self.assertEqual([(h.key, h.value) for h in letter.record.headers], [("trace", b"t")])
        self.assertEqual((letter.topic, letter.source_partition, letter.source_offset), (self.topic, 0, 0))
        self.assertEqual((letter.reason, letter.error, letter.attempts, letter.redrives), ("REJECTED", "no such user", 1, 0))
        self.assertEqual([(a.worker, a.ending, a.error) for a in letter.history], [("w", "REJECTED", "no such user")])
        self.assertGreater(letter.died_ms, 1_500_000_000_000)

    def test_letters_go_back_to_their_group_once(self):
        self.send((b"a", b"1"), (b"b", b"2"))
        self.reject_all(2)
        dry = self.redrive(dry_run=True)
        self.assertEqual((dry.redriven, dict(dry.reasons)), (2, {"REJECTED": 2}))
        self.assertEqual(self.redrive(filter=share_pb2.DeadLetterFilter(key=b"a")).redriven, 1)
        job = self.acquire(1)[0]
        self.assertEqual((job[0], job[4].value), (f"redrive.{self.topic}.{self.group}", b"1"))
        self.assertIn(("weir-redrive-count", b"1"), [(h.key, h.value) for h in job[4].headers])
        self.say(job, share_pb2.ACCEPT)
        again = self.redrive()
        self.assertEqual((again.redriven, again.already_redriven), (1, 1))
        self.assertEqual([letter.record.key for letter in self.list().dead_letters], [])
        self.assertEqual(self.broker.values(self.topic), [b"1", b"2"])  # nobody else has seen them twice

    def test_letters_go_back_to_their_topic_for_everyone(self):
        self.send((b"a", b"1"))
        self.reject_all(1)
        self.assertEqual(self.redrive(to_topic=True).redriven, 1)
        self.assertEqual(self.broker.values(self.topic), [b"1", b"1"])
        self.reject_all(1)
        self.assertEqual(self.redrive(to_topic=True, max_redrives=1).too_often, 1)

    def test_purged_letters_are_done_with(self):
        self.send((b"a", b"1"), (b"b", b"2"), (b"c", b"3"))
        self.reject_all(3)
        self.assertEqual(self.purge(dry_run=True).purged, 3)
        first = self.purge(limit=2)
        self.assertEqual(first.purged, 2)
        self.assertEqual(len(self.list().dead_letters), 1)
        rest = self.purge(limit=2, page_token=first.next_page_token)
        self.assertEqual((rest.purged, rest.next_page_token), (1, ""))
        self.assertEqual(self.redrive().redriven, 0)
        self.assertEqual(len(self.broker.values(self.letters)), 3)

    def test_letters_come_in_pages_and_by_filter(self):
        self.send((b"a", b"1"), (b"b", b"2"), (b"c", b"3"))
        self.reject_all(3)
        page = self.list(page_size=2)
        self.assertEqual([letter.record.key for letter in page.dead_letters], [b"a", b"b"])
        page = self.list(page_size=2, page_token=page.next_page_token)
        self.assertEqual([letter.record.key for letter in page.dead_letters], [b"c"])
        self.assertEqual(page.next_page_token, "")
        self.assertEqual(len(self.list(filter=share_pb2.DeadLetterFilter(reason="EXPIRED")).dead_letters), 0)
        self.assertEqual(len(self.list(filter=share_pb2.DeadLetterFilter(reason="REJECTED", key=b"b")).dead_letters), 1)

    def test_jobs_are_listed_released_and_cancelled(self):
        self.send((b"a", b"1"), (b"b", b"2"))
        jobs = self.acquire(2)
        listed = self.jobs().jobs
        self.assertEqual([(j.offset, j.state, j.key, j.worker) for j in listed],
                         [(0, share_pb2.ACQUIRED, b"a", "w"), (1, share_pb2.ACQUIRED, b"b", "w")])
        for job in jobs:
            self.say(job, share_pb2.RELEASE, delay_ms=3_600_000)
        self.assertEqual([j.state for j in self.jobs(state=share_pb2.DELAYED).jobs], [share_pb2.DELAYED] * 2)
        self.assertEqual(len(self.jobs(state=share_pb2.ACQUIRED).jobs), 0)
        page = self.jobs(page_size=1)
        self.assertEqual([j.offset for j in page.jobs], [0])
        self.assertEqual([j.offset for j in self.jobs(page_size=1, page_token=page.next_page_token).jobs], [1])
        these = share_pb2.JobsRequest(group=self.group, topic=self.topic, partition=0, offsets=[0])
        self.assertEqual(self.shares.ReleaseJobs(these, timeout=DEADLINE).changed, 1)
        self.say(self.acquire(1)[0], share_pb2.ACCEPT)
        these = share_pb2.JobsRequest(group=self.group, topic=self.topic, partition=0, offsets=[0, 1])
        self.assertEqual(self.shares.CancelJobs(these, timeout=DEADLINE).changed, 1)
        self.assertEqual(len(self.jobs().jobs), 0)

    def test_a_death_that_was_answered_survives_kill(self):
        self.send((b"a", b"1"))
        job = self.acquire(1)[0]
        self.say(job, share_pb2.REJECT, error="bad")
        self.broker.kill()
        self.broker.start()
        self.connect()
        self.assertEqual(self.broker.fetch(self.letters, max_wait_ms=60_000).records.records[0].value, b"1")
        self.assertEqual(len(self.list().dead_letters), 1)

    def test_requests_without_sense(self):
        consumers = group_pb2.CreateGroupRequest(group="consumers", type=group_pb2.CONSUMER, start=group_pb2.EARLIEST)
        self.groups.CreateGroup(consumers, timeout=DEADLINE)
        jobs = lambda **fields: share_pb2.JobsRequest(**{"group": self.group, "topic": self.topic, **fields})
        calls = [(self.shares.ListJobs, share_pb2.ListJobsRequest), (self.shares.ListDeadLetters, share_pb2.ListDeadLettersRequest),
                 (self.shares.Redrive, share_pb2.RedriveRequest), (self.shares.PurgeDeadLetters, share_pb2.PurgeDeadLettersRequest),
                 (self.shares.ReleaseJobs, share_pb2.JobsRequest), (self.shares.CancelJobs, share_pb2.JobsRequest)]
        for call, request in calls:
            self.assertFails(lambda: call(request(group="nobody"), timeout=DEADLINE), NOT_FOUND, "UNKNOWN_GROUP", "nobody")
            self.assertFails(lambda: call(request(group="consumers"), timeout=DEADLINE), FAILED, "GROUP_TYPE_MISMATCH", "consumers")
        for call, request in calls[:4]:
            self.assertFails(lambda: call(request(group=self.group, page_token="x"), timeout=DEADLINE), INVALID, "INVALID_PAGE_TOKEN")
        for call, request in calls[1:4]:
            odd = share_pb2.DeadLetterFilter(reason="BORED")
            self.assertFails(lambda: call(request(group=self.group, filter=odd), timeout=DEADLINE), INVALID, "INVALID_REQUEST",
                             "'BORED'", "MAX_ATTEMPTS, REJECTED, EXPIRED, UNREADABLE")
            odd = share_pb2.DeadLetterFilter(from_ms=-1)
            self.assertFails(lambda: call(request(group=self.group, filter=odd), timeout=DEADLINE), INVALID, "INVALID_REQUEST", "-1")
        for call, request in calls[2:4]:
            self.assertFails(lambda: call(request(group=self.group, limit=10_001), timeout=DEADLINE), INVALID, "INVALID_REQUEST", 10_001)
        self.assertFails(lambda: self.redrive(max_redrives=1_001), INVALID, "INVALID_REQUEST", 1_001)
        self.assertFails(lambda: self.list(page_size=-1), INVALID, "INVALID_REQUEST", -1)
        for call, _ in calls[4:]:
            self.assertFails(lambda: call(jobs(offsets=[0] * 10_001), timeout=DEADLINE), INVALID, "INVALID_REQUEST", 10_001)
            self.assertFails(lambda: call(jobs(offsets=[-1]), timeout=DEADLINE), INVALID, "INVALID_REQUEST", -1)
            self.assertFails(lambda: call(jobs(partition=7), timeout=DEADLINE), NOT_FOUND, "UNKNOWN_PARTITION", 7)
            self.assertFails(lambda: call(jobs(topic="nowhere"), timeout=DEADLINE), NOT_FOUND, "UNKNOWN_TOPIC")


if __name__ == "__main__":
    unittest.main()
