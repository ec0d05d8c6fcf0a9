"""A member of a consumer group, through the generated stub of Consume."""

from broker_stream import BrokerStream
from weir.v1 import group_pb2, group_pb2_grpc


class Member(BrokerStream):
    """One Consume call; positions are committed when `commit` says so."""

    def __init__(self, broker, group, topics, start=group_pb2.EARLIEST, commit=True, **fields):
        self.records = []  # (partition, offset, value)
        self.assignments = []
        self.errors = []
        self.commit = commit
        join = group_pb2.Membership(group=group, start=start, **fields)
        join.subscription.topics.extend(topics)
        super().__init__(broker, lambda channel: group_pb2_grpc.GroupServiceStub(channel).Consume, group_pb2.ConsumeRequest(join=join))

    def take(self, response):
        if response.HasField("assignment"):
            self.assignments.append(response.assignment)
        elif response.HasField("records"):
            self._take_records(response.records)
        else:
            self.errors += [r.error for r in response.committed.results if r.HasField("error")]

    def _take_records(self, records):
        if records.HasField("error"):
            self.errors.append(records.error)
            return
        self.records += [(records.partition, r.offset, r.value) for r in records.records]
        if self.commit:
            position = group_pb2.GroupOffset(topic=records.topic, partition=records.partition, offset=records.next_offset)
            self.requests.put(group_pb2.ConsumeRequest(commit=[position]))

    def told(self):
        return f"{self.assignments[-1:]} {len(self.records)} records, {self.errors}"

    def owns(self):
        return sorted(p.partition for p in self.assignments[-1].partitions) if self.assignments else []

    def wait_for_partitions(self, count):
        self.wait(lambda m: m.assignments and len(m.owns()) == count, f"{count} partitions")
