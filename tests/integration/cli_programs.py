"""Runs weir and weir-broker for tests: a broker of one's own, killed and restarted at will, and runs of weir that are watched."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

READY = re.compile(r"weir-broker \S+ ready on (\S+:\d+) \(gRPC\) and (\S+:\d+) \(HTTP\)")


def adjacent_ports():
    """Two free ports of loopback, the second one above the first."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            try:
                high.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port, port + 1


class Broker:
    """A weir-broker on free ports of loopback; a restart keeps data and ports."""

    def __init__(self, program, folder, *flags):
        self._program = program
        self._flags = flags
        self._folder = pathlib.Path(folder)
        self.data = self._folder / "data"
        self.address = "127.0.0.1:0"
        self.http = "127.0.0.1:0"
        self._process = None
        self._log = (self._folder / "broker.log").open("ab")

    def start(self):
        command = [self._program, "--data-dir", self.data, "--listen", self.address, "--http", self.http, *self._flags]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
        line = self._process.stdout.readline()
        ready = READY.search(line)
        if not ready:
            raise AssertionError(f"the broker is not ready: {line!r}; {(self._folder / 'broker.log').read_text()}")
        self.address, self.http = ready.groups()

    def kill(self):
        """As a crash would."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def stop(self):
        """In order."""
        self._process.terminate()
        status = self._process.wait(timeout=60)
        self._process.stdout.close()
        if status != 0:
            raise AssertionError(f"the broker stopped with status {status}")

    def close(self):
        if self._process and self._process.poll() is None:
            self.kill()
        self._log.close()


class Weir:
    """The program weir, told which broker to use."""

    def __init__(self, program, broker):
        self._program = program
        self._broker = broker
        self.names_http = True  # False: weir finds the HTTP port by itself

    def command(self, *words):
        return [str(self._program), *map(str, words)]

    def environment(self):
        environment = {**os.environ, "WEIR_BROKER": self._broker.address}
        if self.names_http:
            environment["WEIR_HTTP"] = self._broker.http
        return environment

    def run(self, *words, stdin=b"", status=0):
        """What it prints; checks its exit status."""
        done = subprocess.run(self.command(*words), input=stdin, capture_output=True, env=self.environment(), check=False)
        if status is not None and done.returncode != status:
            raise AssertionError(f"weir {words} ended with {done.returncode}, not {status}: {done.stderr.decode()}")
        return done

    def lines(self, *words):
        return self.run(*words).stdout.decode().splitlines()

    def json(self, *words):
        return [json.loads(line) for line in self.lines(*words, "--output", "json")]

    def high_watermarks(self, topic):
        return [row["latest"] for row in self.json("offsets", topic)]


class ProduceRun:
    """A run of weir produce that is fed by the caller and watched through its progress lines."""

    PROGRESS = re.compile(r"progress acknowledged=(\d+) pending=(\d+)")

    def __init__(self, weir, *words, progress="lines"):
        self._process = subprocess.Popen(
            weir.command("produce", *words, "--progress", progress, "--progress-interval", "20ms"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=weir.environment())
        self._changed = threading.Condition()
        self._acknowledged = 0
        self._ended = False
        self.words = []  # what it said besides progress
        self._reader = threading.Thread(target=self._read, daemon=True)  # a test that fails leaves it behind
        self._reader.start()

    def _read(self):
        for raw in self._process.stderr:
            line = raw.decode().strip()
            progress = self.PROGRESS.match(line)
            with self._changed:
                if progress:
                    self._acknowledged = int(progress[1])
                elif line:
                    self.words.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def feed(self, lines):
        """In the background; gives the thread. A run that ends early is no error here."""
        def write():
            try:
                for line in lines:
                    self._process.stdin.write(line)
            except BrokenPipeError:
                pass
        feeder = threading.Thread(target=write, daemon=True)
        feeder.start()
        return feeder

    def flush_input(self):
        self._process.stdin.flush()

    def end_input(self):
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass

    def wait_for(self, acknowledged):
        with self._changed:
            self._changed.wait_for(lambda: self._acknowledged >= acknowledged or self._ended, timeout=300)
            if self._acknowledged < acknowledged:
                raise AssertionError(f"only {self._acknowledged} of {acknowledged} acknowledged: {self.words}")

    def wait_for_words(self, *parts):
        """Until a line that it says besides progress has all of these."""
        def said():
            return [line for line in self.words if all(part in line for part in parts)]
        with self._changed:
            self._changed.wait_for(lambda: said() or self._ended, timeout=300)
            if not said():
                raise AssertionError(f"it did not say {parts}: {self.words}")

    def interrupt(self):
        self._process.send_signal(signal.SIGINT)

    def peak_kib(self):
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])

    def wait(self):
        """The exit status, and the count that it ended with."""
        status = self._process.wait(timeout=300)
        self._reader.join()
        self._process.stderr.close()
        self.end_input()
        counts = [int(words.split()[0]) for words in self.words if " records acknowledged" in words]
        return status, counts[-1] if counts else None
