"""A member of a consumer group, through the generated stub of Consume."""

import queue
import threading

import grpc

from broker_process import DEADLINE
from weir.v1 import group_pb2, group_pb2_grpc


class Member:
    """One Consume call on a connection of its own. What comes is handled on a thread; positions are committed when `commit` says so."""

    def __init__(self, broker, group, topics, start=group_pb2.EARLIEST, commit=True, **fields):
        self.channel = broker.connect()
        self.requests = queue.Queue()
        self.records = []  # (partition, offset, value)
        self.assignments = []
        self.errors = []
        self.ended = None
        self.commit = commit
        self.changed = threading.Condition()
        join = group_pb2.Membership(group=group, start=start, **fields)
        join.subscription.topics.extend(topics)
        self.requests.put(group_pb2.ConsumeRequest(join=join))
        self.call = group_pb2_grpc.GroupServiceStub(self.channel).Consume(iter(self.requests.get, None))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            for response in self.call:
                with self.changed:
                    if response.HasField("assignment"):
                        self.assignments.append(response.assignment)
                    elif response.HasField("records"):
                        self._take(response.records)
                    else:
                        self.errors += [r.error for r in response.committed.results if r.HasField("error")]
                    self.changed.notify_all()
        except grpc.RpcError as error:
            self.ended = error
        with self.changed:
            self.ended = self.ended or True
            self.changed.notify_all()

    def _take(self, records):
        if records.HasField("error"):
            self.errors.append(records.error)
            return
        self.records += [(records.partition, r.offset, r.value) for r in records.records]
        if self.commit:
            position = group_pb2.GroupOffset(topic=records.topic, partition=records.partition, offset=records.next_offset)
            self.requests.put(group_pb2.ConsumeRequest(commit=[position]))

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), DEADLINE):
                raise AssertionError(f"{what}: {self.assignments[-1:]} {len(self.records)} records, {self.errors} {self.ended}")

    def owns(self):
        return sorted(p.partition for p in self.assignments[-1].partitions) if self.assignments else []

    def wait_for_partitions(self, count):
        self.wait(lambda m: m.assignments and len(m.owns()) == count, f"{count} partitions")

    def leave(self):
        """Closes its side; returns when the broker has ended the call."""
        self.requests.put(None)
        self.wait(lambda m: m.ended, "the end")
        self.channel.close()

    def crash(self):
        self.channel.close()
