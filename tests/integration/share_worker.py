"""A worker of a share group, through the generated stub of Work, and what is said of jobs."""

from broker_stream import BrokerStream
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


class Worker(BrokerStream):
    """One Work call. `outcome` says of each job what is to be sent; nothing: it is kept."""

    def __init__(self, broker, group, outcome, credits=100, name="python", session_id=0):
        self.outcome = outcome
        self.jobs = []
        self.session = None
        self.results = []
        self.renewed = []
        join = share_pb2.WorkJoin(group=group, worker=name, session_id=session_id)
        super().__init__(broker, lambda channel: share_pb2_grpc.ShareServiceStub(channel).Work,
                         share_pb2.WorkRequest(join=join, credits=credits))

    def send(self, **fields):
        self.requests.put(share_pb2.WorkRequest(**fields))

    def take(self, response):
        if response.HasField("session"):
            self.session = response.session
        self.results += response.acknowledged
        self.renewed += response.renewed
        for job in jobs_of(response.deliveries):
            self.jobs.append(job)
            said = self.outcome(job)
            if said is not None:
                self.send(acknowledge=[said], credits=1)

    def told(self):
        return f"{len(self.jobs)} jobs, {len(self.results)} results"

    def wait_for_jobs(self, count):
        self.wait(lambda w: len(w.jobs) >= count, f"{count} jobs")


def accept(job):
    return acknowledgement(job)


def keep(_):
    return None
