"""A run of `weir produce` that is fed by a thread and watched by another, so that the broker can be killed under it."""
import re
import subprocess
import threading

PROGRESS = re.compile(r"progress acknowledged=(\d+) pending=(\d+)")
CHUNK = 2000  # records that are written to it at once


class ProducerError(Exception):
    """weir produce did not do what it should."""


class Producer:
    """`make_lines(first, end)` gives the lines of these records, as bytes."""

    def __init__(self, command, count, make_lines):
        self._count = count
        self._make_lines = make_lines
        self._changed = threading.Condition()
        self._may_feed = 0
        self._ended = False
        self.acknowledged = 0
        self.pending = 0
        self.last_words = []  # what it says on stderr besides progress
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._threads = [threading.Thread(target=self._feed, daemon=True), threading.Thread(target=self._watch, daemon=True)]
        for thread in self._threads:
            thread.start()

    def feed_up_to(self, count):
        """Lets it have so many records; it takes them at its own pace."""
        with self._changed:
            self._may_feed = count
            self._changed.notify_all()

    def wait_for(self, acknowledged, still_well):
        """Waits until so many records are acknowledged. Calls `still_well` now and then, which raises when waiting is in vain."""
        with self._changed:
            while self.acknowledged < acknowledged:
                if self._ended:
                    raise ProducerError("weir produce ended early: " + "; ".join(self.last_words))
                still_well()
                self._changed.wait(timeout=1)

    def finish(self, still_well):
        """Waits until everything is acknowledged and it has ended well."""
        self.wait_for(self._count, still_well)
        status = self._process.wait()
        for thread in self._threads:
            thread.join()
        if status != 0:
            raise ProducerError(f"weir produce ended with status {status}: " + "; ".join(self.last_words))
        if self.acknowledged != self._count:
            raise ProducerError(f"weir produce tells of {self.acknowledged} acknowledgements for {self._count} lines")

    def clean_up(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _feed(self):
        fed = 0
        try:
            while fed < self._count:
                with self._changed:
                    self._changed.wait_for(lambda: self._may_feed > fed or self._ended)
                    end = min(fed + CHUNK, self._may_feed)
                    if self._ended:
                        return
                self._process.stdin.write(self._make_lines(fed, end))
                fed = end
            self._process.stdin.close()
        except OSError:
            pass  # it has ended; wait_for says so

    def _watch(self):
        for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            found = PROGRESS.match(line)
            if not found:
                self.last_words.append(line)
                continue
            with self._changed:
                self.acknowledged, self.pending = int(found.group(1)), int(found.group(2))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
