"""Share groups of a real broker, from Python through nothing but generated stubs: jobs by single calls and by the stream, what becomes of
those that fail and of workers that vanish, and the documented error for each kind of bad request."""

import re
import time
import unittest

import grpc

from broker_process import DEADLINE, BrokerTest
from share_worker import Worker, accept, acknowledgement, codes, jobs_of, keep
from weir.v1 import admin_pb2, common_pb2, group_pb2, group_pb2_grpc, log_pb2, share_pb2, share_pb2_grpc

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION
OK, ALREADY_DONE, LOCK_LOST = share_pb2.OK, share_pb2.ALREADY_DONE, share_pb2.LOCK_LOST
NEVER_MS = "43200000"  # 12 h: within a test no lock ends by itself


class Share(BrokerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()

    @classmethod
    def connect(cls):
        cls.channel = cls.broker.connect()
        cls.groups = group_pb2_grpc.GroupServiceStub(cls.channel)
        cls.share = share_pb2_grpc.ShareServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        super().tearDownClass()

    def new_group(self, name, partitions=1, each=0, **config):
        """A topic and a share group of one name, and `each` records in every partition."""
        self.broker.create(name, partitions)
        settings = {"ack.timeout.ms": NEVER_MS, "retry.backoff.initial.ms": "10"}
        settings.update({key.replace("_", "."): str(value) for key, value in config.items()})
        self.groups.CreateGroup(
            group_pb2.CreateGroupRequest(
                group=name, type=group_pb2.SHARE, start=group_pb2.EARLIEST, config=settings,
                subscription=group_pb2.Subscription(topics=[name])),
            timeout=DEADLINE)
        if each:
            for p in range(partitions):
                self.broker.produce(name, [b"%d" % i for i in range(each)], partition=p)

    def describe(self, group):
        return self.groups.DescribeGroup(group_pb2.DescribeGroupRequest(group=group), timeout=DEADLINE)

    def acquire(self, group, max_jobs=10, max_wait_ms=20_000, **fields):
        request = share_pb2.AcquireRequest(group=group, worker="python", max_jobs=max_jobs, max_wait_ms=max_wait_ms, **fields)
        return self.share.Acquire(request, timeout=DEADLINE)

    def acknowledge(self, group, *items, renew=()):
        request = share_pb2.AcknowledgeRequest(group=group, acknowledge=items, renew=renew)
        return self.share.Acknowledge(request, timeout=DEADLINE)

    # Jobs that are done.

    def test_jobs_by_single_calls(self):
        self.new_group("calls", each=10)
        jobs = []
        while len(jobs) < 10:
            jobs += jobs_of(self.acquire("calls").deliveries)
        self.assertEqual([(j.offset, j.value, j.attempt) for j in jobs], [(i, b"%d" % i, 1) for i in range(10)])
        self.assertEqual(codes(self.acknowledge("calls", *map(accept, jobs)).acknowledged), [OK] * 10)
        self.assertEqual(codes(self.acknowledge("calls", accept(jobs[3])).acknowledged), [ALREADY_DONE])
        self.assertEqual(jobs_of(self.acquire("calls", max_wait_ms=0).deliveries), [])
        part = self.describe("calls").share_partitions[0]
        self.assertEqual((part.unfinished, part.in_flight, part.accepted), (0, 0, 10))

    def test_one_acknowledgement_names_neighbours(self):
        self.new_group("neighbours", each=100)
        answer = self.acquire("neighbours", max_jobs=100)
        for delivery in answer.deliveries:
            for jobs in delivery.jobs:
                item = share_pb2.Acknowledgement(
                    topic=delivery.topic, partition=delivery.partition, first_offset=jobs.first_offset, last_offset=jobs.last_offset,
                    lock_token=jobs.lock_token, type=share_pb2.ACCEPT)
                count = jobs.last_offset - jobs.first_offset + 1
                self.assertEqual(codes(self.acknowledge("neighbours", item).acknowledged), [OK] * count)

    def test_one_acknowledgement_says_of_a_job_what_it_was_once_and_is_now(self):
        self.new_group("again", each=2)
        jobs = []
        while len(jobs) < 2:
            jobs += jobs_of(self.acquire("again").deliveries)
        first, other = sorted(jobs, key=lambda j: j.offset)
        old = acknowledgement(first)
        old.lock_token.counter += 1_000
        answer = self.acknowledge("again", old, accept(other), accept(first), accept(first), accept(first))
        self.assertEqual(codes(answer.acknowledged[:4]), [LOCK_LOST, OK, OK, ALREADY_DONE])
        self.assertEqual(answer.acknowledged[4].error.reason, "")
        self.assertEqual(self.acknowledge("again", *[accept(first)] * 5).acknowledged[4].error.reason, "INVALID_REQUEST")
        part = self.describe("again").share_partitions[0]
        self.assertEqual((part.unfinished, part.accepted), (0, 2))

    def test_a_worker_does_the_jobs_of_all_partitions(self):
        self.new_group("all", partitions=4, each=250)
        worker = Worker(self.broker, "all", accept)
        worker.wait_for_jobs(1000)
        worker.leave()
        self.assertIs(worker.ended, True, "an end without an error")
        self.assertEqual(sorted((j.partition, j.offset) for j in worker.jobs), [(p, i) for p in range(4) for i in range(250)])
        self.assertEqual(codes(worker.results), [OK] * 1000)
        self.assertEqual(sum(p.accepted for p in self.describe("all").share_partitions), 1000)

    def test_failed_jobs_come_again_and_hopeless_ones_become_dead_letters(self):
        self.new_group("mixed", each=6, max_delivery_attempts=3)

        def outcome(job):
            if job.value == b"1" and job.attempt == 1:
                return acknowledgement(job, share_pb2.RELEASE, error="not now")
            if job.value == b"2":
                return acknowledgement(job, share_pb2.RELEASE, error="never works")
            if job.value == b"3":
                return acknowledgement(job, share_pb2.REJECT, error="malformed")
            if job.value == b"4" and not given_back:
                given_back.append(job)
                return acknowledgement(job, share_pb2.RELEASE_UNCOUNTED)
            return accept(job)

        given_back = []
        worker = Worker(self.broker, "mixed", outcome)
        # Each once; 1 and 4 once more, 2 three times in all.
        worker.wait_for_jobs(10)
        worker.wait(lambda w: len(w.results) == 10, "all answers")
        attempts = {}
        for job in worker.jobs:
            attempts.setdefault(job.value, []).append(job.attempt)
        self.assertEqual(attempts, {b"0": [1], b"1": [1, 2], b"2": [1, 2, 3], b"3": [1], b"4": [1, 1], b"5": [1]})
        worker.leave()
        dead_letters = self.describe("mixed").dead_letter_topic
        self.assertEqual(dead_letters, "dlq.mixed.mixed")
        letters = {}
        request = {"topic": dead_letters, "max_wait_ms": 20_000}
        offset = 0
        while len(letters) < 2:
            part = self.broker.fetch(offset=offset, **request)
            for record in part.records.records:
                headers = {h.key: h.value for h in record.headers}
                letters[record.value] = (headers["weir-dlq-reason"], headers["weir-dlq-error"])
                offset = record.offset + 1
        self.assertEqual(letters, {b"2": (b"MAX_ATTEMPTS", b"never works"), b"3": (b"REJECTED", b"malformed")})

    def test_credits_are_the_backpressure(self):
        self.new_group("credits", each=50)
        worker = Worker(self.broker, "credits", keep, credits=7)
        worker.wait_for_jobs(7)
        self.assertEqual(self.describe("credits").share_partitions[0].in_flight, 7)
        worker.send(credits=5)
        worker.wait_for_jobs(12)
        self.assertEqual(self.describe("credits").share_partitions[0].in_flight, 12)
        worker.send(acknowledge=[accept(job) for job in worker.jobs])
        worker.wait(lambda w: len(w.results) == 12, "answers")
        self.assertEqual(len(worker.jobs), 12, "an acknowledgement gives no credit by itself")
        worker.leave()

    def test_a_lock_is_renewed(self):
        self.new_group("renewed", each=1, ack_timeout_ms=1_000)
        worker = Worker(self.broker, "renewed", keep, credits=1)
        worker.wait_for_jobs(1)
        job = worker.jobs[0]
        for i in range(3):
            worker.send(renew=[share_pb2.Renewal(topic=job.topic, partition=0, first_offset=job.offset, lock_token=job.token)])
            worker.wait(lambda w, n=i + 1: len(w.renewed) >= n, "a renewal")
        self.assertEqual(codes(worker.renewed), [OK] * 3)
        self.assertGreaterEqual(worker.renewed[-1].lock_until_ms, worker.renewed[0].lock_until_ms)
        worker.leave()

    def metrics(self, group, topic=None):
        """The series of a share group by their names without `weir_share_`; deaths by `died_total REASON`."""
        found = {}
        for line in self.broker.get("/metrics")[1].splitlines():
            series = re.match(r'weir_share_(\w+)\{group="%s"(?:,topic="%s")?(?:,reason="(\w+)")?\} (.*)' % (group, topic or group), line)
            if series:
                found[" ".join(filter(None, series.groups()[:2]))] = float(series[3])
        return found

    def test_the_metrics_show_what_jobs_are_at_and_what_became_of_them(self):
        self.broker.create("watched", 2)
        self.groups.CreateGroup(
            group_pb2.CreateGroupRequest(
                group="watched", type=group_pb2.SHARE, start=group_pb2.EARLIEST, subscription=group_pb2.Subscription(topics=["watched"]),
                config={"ack.timeout.ms": NEVER_MS, "retry.backoff.initial.ms": "3600000", "retry.backoff.max.ms": "3600000"}),
            timeout=DEADLINE)
        old = log_pb2.ProduceRequest(topic="watched", partition=1)
        an_hour_ago = int(time.time() * 1000) - 3_600_000
        old.records.records.extend(common_pb2.Record(value=b"v", timestamp_ms=an_hour_ago + i) for i in range(10))
        self.broker.log_service.Produce(old, timeout=DEADLINE)
        self.broker.produce("watched", [b"v"] * 10)

        def check(**expected):
            found = self.metrics("watched")
            self.assertEqual({name: found[name] for name in expected}, expected)

        check(unfinished_jobs=20, in_flight_jobs=0, accepted_total=0, paused=0, paused_by_breaker=0)
        self.assertGreater(self.metrics("watched")["oldest_unfinished_seconds"], 3_599)
        jobs = []
        while len(jobs) < 12:
            jobs += jobs_of(self.acquire("watched", max_jobs=12 - len(jobs)).deliveries)
        rest = {"available_jobs": 8, "blocked_jobs": 0}
        check(unfinished_jobs=20, in_flight_jobs=12, delayed_jobs=0, **rest)
        kinds = [share_pb2.ACCEPT] * 6 + [share_pb2.REJECT] * 2 + [share_pb2.RELEASE] + [share_pb2.RELEASE_UNCOUNTED] * 2
        self.assertEqual(codes(self.acknowledge("watched", *map(acknowledgement, jobs, kinds)).acknowledged), [OK] * 11)
        offset = 0
        while offset < 2:  # the letters are written
            part = self.broker.fetch("dlq.watched.watched", offset=offset, max_wait_ms=20_000)
            offset += len(part.records.records)
        done = {"unfinished_jobs": 12, "in_flight_jobs": 1, "delayed_jobs": 3, "dying_jobs": 0, "accepted_total": 6, "died_total REJECTED": 2,
                "died_total MAX_ATTEMPTS": 0, "cancelled_total": 0, "expired_total": 0, "uncounted_releases_total": 2}
        check(**done, **rest)
        self.groups.PauseGroup(group_pb2.PauseGroupRequest(group="watched"), timeout=DEADLINE)
        check(paused=1, paused_by_breaker=0)
        self.groups.ResumeGroup(group_pb2.ResumeGroupRequest(group="watched"), timeout=DEADLINE)
        self.assertEqual(codes(self.acknowledge("watched", accept(jobs[11])).acknowledged), [OK])
        for end in (self.broker.stop, self.broker.kill):  # all of it is known before a worker comes
            end()
            self.channel.close()
            self.broker.start()
            self.connect()
            check(unfinished_jobs=11, in_flight_jobs=0, delayed_jobs=3, accepted_total=7, uncounted_releases_total=0, paused=0)
            self.assertEqual(self.metrics("watched")["died_total REJECTED"], 2)
            self.assertEqual(sum(p.unfinished for p in self.describe("watched").share_partitions), 11)
        self.assertGreaterEqual(self.broker.metric('weir_share_groups{state="running"}'), 1)
        self.assertNotIn('weir_group_members{group="watched"}', self.broker.get("/metrics")[1])
        for what in ("groups_omitted", "topics_omitted", "oldest_unfinished_omitted", "shards_unanswered"):
            self.assertEqual(self.broker.metric("weir_share_" + what), 0, what)
        self.groups.DeleteGroup(group_pb2.DeleteGroupRequest(group="watched"), timeout=DEADLINE)
        self.assertEqual(self.metrics("watched"), {})

    # Workers that go.

    def test_a_worker_that_leaves_gives_back_without_counting(self):
        self.new_group("left", each=20)
        first = Worker(self.broker, "left", keep)
        first.wait_for_jobs(20)
        first.leave()
        self.assertIs(first.ended, True)
        second = Worker(self.broker, "left", accept)
        second.wait_for_jobs(20)
        self.assertEqual({j.attempt for j in second.jobs}, {1})
        second.leave()

    def test_a_worker_that_is_killed_gives_its_jobs_back(self):
        self.new_group("killed", each=20)  # its locks would last 12 h: that they end, the break has done
        first = Worker(self.broker, "killed", keep)
        first.wait_for_jobs(20)
        second = Worker(self.broker, "killed", accept)
        first.crash()
        second.wait_for_jobs(20)
        self.assertEqual({j.attempt for j in second.jobs}, {2})
        second.wait(lambda w: len(w.results) == 20, "answers")
        second.leave()

    def test_a_worker_comes_back_with_what_it_held(self):
        self.new_group("back", each=5)
        first = Worker(self.broker, "back", keep)
        first.wait_for_jobs(5)
        first.crash()
        again = Worker(self.broker, "back", keep, session_id=first.session.session_id)
        again.wait(lambda w: w.session, "the session")
        # The broker may hear of the break after it hears of the worker; then the session is a new one.
        if again.session.resumed:
            self.assertEqual(again.session.session_id, first.session.session_id)
        again.send(acknowledge=[accept(job) for job in first.jobs])
        again.wait(lambda w: len(w.results) == 5, "answers")
        self.assertEqual(codes(again.results), [OK] * 5)
        again.leave()

    def test_workers_are_the_members_of_their_group(self):
        self.new_group("workers")

        def workers():
            listed = self.groups.ListGroups(group_pb2.ListGroupsRequest(prefix="workers"), timeout=DEADLINE).groups
            described = self.describe("workers")
            self.assertEqual([(g.state, g.members) for g in listed], [(described.state, len(described.members))])
            return described.state, [(m.member_id, m.client_id, m.connected) for m in described.members]

        self.assertEqual(workers(), (group_pb2.EMPTY, []))
        before_ms = int(time.time() * 1000)
        both = [Worker(self.broker, "workers", accept, name=name) for name in ("one", "two")]
        for worker in both:
            worker.wait(lambda w: w.session, "the session")
        sessions = {worker.session.session_id: name for worker, name in zip(both, ("one", "two"))}
        expected = [(str(number), sessions[number], True) for number in sorted(sessions)]
        self.assertEqual(workers(), (group_pb2.STABLE, expected))
        for member in self.describe("workers").members:
            self.assertGreaterEqual(member.joined_ms, before_ms)
        for worker in both:
            worker.leave()
        self.assertEqual(workers(), (group_pb2.EMPTY, []))

    def test_a_session_that_nobody_knows_is_a_new_one(self):
        self.new_group("unknown-session", each=1)
        worker = Worker(self.broker, "unknown-session", accept, session_id=987_654)
        worker.wait_for_jobs(1)
        self.assertFalse(worker.session.resumed)
        self.assertNotIn(worker.session.session_id, (0, 987_654))
        worker.leave()

    # Bad requests.

    def test_what_is_not_held_cannot_be_given_back(self):
        self.new_group("held", each=2)
        job = jobs_of(self.acquire("held", max_jobs=1).deliveries)[0]
        wrong = acknowledgement(job, share_pb2.RELEASE)
        wrong.lock_token.counter += 1_000
        other = acknowledgement(job, share_pb2.RELEASE)
        other.first_offset = 1 - job.offset
        self.assertEqual(codes(self.acknowledge("held", wrong, other).acknowledged), [LOCK_LOST, LOCK_LOST])
        self.assertEqual(codes(self.acknowledge("held", acknowledgement(job, share_pb2.RELEASE)).acknowledged), [OK])
        again = None
        while again is None:
            again = next((j for j in jobs_of(self.acquire("held").deliveries) if j.offset == job.offset), None)
        self.assertNotEqual(again.token, job.token)
        # The old token: somebody else has the job now.
        self.assertEqual(codes(self.acknowledge("held", accept(job)).acknowledged), [LOCK_LOST])
        self.assertEqual(codes(self.acknowledge("held", accept(again)).acknowledged), [OK])

    def test_groups_that_are_none(self):
        self.groups.CreateGroup(
            group_pb2.CreateGroupRequest(group="readers", type=group_pb2.CONSUMER, start=group_pb2.EARLIEST), timeout=DEADLINE)
        self.assertFails(lambda: self.acquire("nobody"), NOT_FOUND, "UNKNOWN_GROUP", "nobody")
        for group, code, reason in (("nobody", NOT_FOUND, "UNKNOWN_GROUP"), ("readers", FAILED, "GROUP_TYPE_MISMATCH")):
            with self.subTest(group):
                self.assertFails(lambda g=group: self.acquire(g), code, reason, group)
                self.assertFails(lambda g=group: list(self.share.Work(iter([share_pb2.WorkRequest(
                    join=share_pb2.WorkJoin(group=g))]), timeout=DEADLINE)), code, reason, group)

    def test_numbers_out_of_range(self):
        self.new_group("numbers", each=1)
        for jobs in (0, -1, 10_001):
            self.assertFails(lambda n=jobs: self.acquire("numbers", max_jobs=n), INVALID, "INVALID_REQUEST", jobs)
        for wait in (-1, 60_001):
            self.assertFails(lambda n=wait: self.acquire("numbers", max_wait_ms=n), INVALID, "INVALID_REQUEST", wait)
        for credits in (-1, 100_001):
            self.assertFails(
                lambda n=credits: list(self.share.Work(iter([share_pb2.WorkRequest(
                    join=share_pb2.WorkJoin(group="numbers"), credits=n)]), timeout=DEADLINE)),
                INVALID, "INVALID_REQUEST", credits)
        worker = Worker(self.broker, "numbers", accept, credits=0)
        worker.wait(lambda w: w.session, "the session")
        self.assertEqual(self.describe("numbers").share_partitions[0].in_flight, 0)
        worker.send(credits=100_000)
        worker.wait_for_jobs(1)
        worker.leave()

    def test_texts_that_are_too_long(self):
        self.new_group("texts", each=1)
        self.assertFails(
            lambda: list(self.share.Work(iter([share_pb2.WorkRequest(
                join=share_pb2.WorkJoin(group="texts", worker="w" * 250))]), timeout=DEADLINE)),
            INVALID, "INVALID_REQUEST", 250)
        job = jobs_of(self.acquire("texts").deliveries)[0]
        too_long = acknowledgement(job, share_pb2.RELEASE, error="e" * 4_097)
        result = self.acknowledge("texts", too_long).acknowledged[0]
        self.assertEqual(result.error.reason, "INVALID_REQUEST")
        self.assertIn("4097", result.error.message.replace(",", ""))
        longest = acknowledgement(job, share_pb2.REJECT, error="e" * 4_096)
        self.assertEqual(codes(self.acknowledge("texts", longest).acknowledged), [OK])

    def test_a_topic_that_takes_delays_from_now_on_has_them_kept_by_workers_that_are_there(self):
        self.new_group("altered", each=1)
        worker = Worker(self.broker, "altered", accept)
        worker.wait_for_jobs(1)
        self.broker.admin.AlterTopicConfig(
            admin_pb2.AlterTopicConfigRequest(name="altered", set={"delayed.delivery": "true"}), timeout=DEADLINE)
        request = log_pb2.ProduceRequest(topic="altered", partition=0)
        request.records.records.add(value=b"later", deliver_at_ms=int(time.time() * 1000) + 3_600_000)
        request.records.records.add(value=b"now")
        self.broker.log_service.Produce(request, timeout=DEADLINE)
        worker.wait_for_jobs(2)
        self.assertEqual([job.value for job in worker.jobs], [b"0", b"now"])
        worker.leave()

    def test_a_job_that_goes_out_alone_comes_to_a_worker_that_was_silent_about_others(self):
        self.new_group("silent", each=2, ack_timeout_ms=6000, max_delivery_attempts=1000, retry_backoff_max_ms=10)
        silent = Worker(self.broker, "silent", keep, credits=1)
        silent.wait_for_jobs(1)
        crashing = Worker(self.broker, "silent", keep, credits=1)
        crashing.wait_for_jobs(1)
        crashing.crash()
        silent.send(credits=1_000)  # says nothing of any job; all of their locks end by themselves
        suspect = crashing.jobs[0].offset
        silent.wait(lambda w: any(job.offset == suspect for job in w.jobs), "the job whose worker is gone")
        silent.leave()

    def test_items_that_make_no_sense_are_refused_alone(self):
        self.new_group("items", each=3)
        jobs = []
        while len(jobs) < 3:
            jobs += jobs_of(self.acquire("items").deliveries)
        backwards = acknowledgement(jobs[1])
        backwards.first_offset, backwards.last_offset = 2, 1
        elsewhere = acknowledgement(jobs[1])
        elsewhere.topic = "no-such-topic"
        bad = [
            (acknowledgement(jobs[1], share_pb2.ACKNOWLEDGE_TYPE_UNSPECIFIED), "INVALID_REQUEST"),
            (acknowledgement(jobs[1], share_pb2.RELEASE, delay_ms=-1), "INVALID_REQUEST"),
            (acknowledgement(jobs[1], share_pb2.RELEASE, delay_ms=7 * 24 * 3_600_000 + 1), "INVALID_REQUEST"),
            (backwards, "INVALID_REQUEST"),
            (elsewhere, "UNKNOWN_TOPIC"),
        ]
        answer = self.acknowledge("items", accept(jobs[0]), *(item for item, _ in bad), accept(jobs[2])).acknowledged
        self.assertEqual([r.error.reason for r in answer[1:-1]], [reason for _, reason in bad])
        self.assertEqual(codes([answer[0], answer[-1]]), [OK, OK])

    def test_a_join_is_the_first_message_and_only_that(self):
        self.new_group("joins")
        join = share_pb2.WorkRequest(join=share_pb2.WorkJoin(group="joins"))
        for requests in ([share_pb2.WorkRequest(credits=1)], [join, join]):
            self.assertFails(lambda r=requests: list(self.share.Work(iter(r), timeout=DEADLINE)), INVALID, "INVALID_REQUEST")


if __name__ == "__main__":
    unittest.main()
