"""A worker of a share group, through the generated stub of Work, and what is said of jobs."""

import queue
import threading

import grpc

from broker_process import DEADLINE
from weir.v1 import share_pb2, share_pb2_grpc


def acknowledgement(job, how=share_pb2.ACCEPT, **fields):
    return share_pb2.Acknowledgement(
        topic=job.topic, partition=job.partition, first_offset=job.offset, lock_token=job.token, type=how, **fields)


def codes(results):
    """The code of each job, one after the other."""
    return [r.code for result in results for r in result.ranges for _ in range(r.first_offset, r.last_offset + 1)]


class Job:
    def __init__(self, delivery, jobs, record):
        self.topic = delivery.topic
        self.partition = delivery.partition
        self.offset = record.offset
        self.value = record.value
        self.attempt = jobs.delivery_count
        self.token = jobs.lock_token


def jobs_of(deliveries):
    found = []
    for delivery in deliveries:
        records = {record.offset: record for record in delivery.records}
        for jobs in delivery.jobs:
            found += [Job(delivery, jobs, records[o]) for o in range(jobs.first_offset, jobs.last_offset + 1)]
    return found


class Worker:
    """One Work call on a connection of its own. `outcome` says of each job what is to be sent; nothing: it is kept."""

    def __init__(self, broker, group, outcome, credits=100, name="python", session_id=0):
        self.channel = broker.connect()
        self.outcome = outcome
        self.jobs = []
        self.session = None
        self.results = []
        self.renewed = []
        self.ended = None
        self.changed = threading.Condition()
        self.requests = queue.Queue()
        self.send(join=share_pb2.WorkJoin(group=group, worker=name, session_id=session_id), credits=credits)
        self.call = share_pb2_grpc.ShareServiceStub(self.channel).Work(iter(self.requests.get, None))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def send(self, **fields):
        self.requests.put(share_pb2.WorkRequest(**fields))

    def _run(self):
        try:
            for response in self.call:
                with self.changed:
                    self._take(response)
                    self.changed.notify_all()
        except grpc.RpcError as error:
            self.ended = error
        with self.changed:
            self.ended = self.ended or True
            self.changed.notify_all()

    def _take(self, response):
        if response.HasField("session"):
            self.session = response.session
        self.results += response.acknowledged
        self.renewed += response.renewed
        for job in jobs_of(response.deliveries):
            self.jobs.append(job)
            said = self.outcome(job)
            if said is not None:
                self.send(acknowledge=[said], credits=1)

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), DEADLINE):
                raise AssertionError(f"{what}: {len(self.jobs)} jobs, {len(self.results)} results, {self.ended}")

    def wait_for_jobs(self, count):
        self.wait(lambda w: len(w.jobs) >= count, f"{count} jobs")

    def leave(self):
        """Closes its side; returns when the broker has ended the call."""
        self.requests.put(None)
        self.wait(lambda w: w.ended, "the end")
        self.channel.close()

    def crash(self):
        self.channel.close()
        self.thread.join(DEADLINE)


def accept(job):
    return acknowledgement(job)


def keep(_):
    return None
