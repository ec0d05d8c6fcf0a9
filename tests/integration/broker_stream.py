"""A call of two streams on a connection of its own, through a generated stub: what a member of a group and a worker have in common."""

import queue
import threading

import grpc

from broker_process import DEADLINE


class BrokerStream:
    """What comes is taken on a thread, by `take`; `told` says in an error how far it came."""

    def __init__(self, broker, open_call, first):
        self.channel = broker.connect()
        self.ended = None  # True, or the error
        self.changed = threading.Condition()
        self.requests = queue.Queue()
        self.requests.put(first)
        self.call = open_call(self.channel)(iter(self.requests.get, None))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            for response in self.call:
                with self.changed:
                    self.take(response)
                    self.changed.notify_all()
        except grpc.RpcError as error:
            self.ended = error
        with self.changed:
            self.ended = self.ended or True
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), DEADLINE):
                raise AssertionError(f"{what}: {self.told()}, {self.ended}")

    def leave(self):
        """Closes its side; returns when the broker has ended the call."""
        self.requests.put(None)
        self.wait(lambda stream: stream.ended, "the end")
        self.channel.close()

    def crash(self):
        self.channel.close()
        self.thread.join(DEADLINE)
