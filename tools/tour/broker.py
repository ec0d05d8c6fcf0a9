"""A broker that the tour starts, kills and starts again, on a data directory and ports of its own."""
import http.client
import pathlib
import signal
import socket
import subprocess
import time

READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


class BrokerError(Exception):
    """The broker did not do what it should; the text says what, with the end of its log."""


def free_ports(count):
    """Ports of the loopback interface that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Broker:
    def __init__(self, program, folder):
        self.program = program
        self.data_dir = pathlib.Path(folder) / "data"
        self.log_path = pathlib.Path(folder) / "broker.log"
        self.port, self.http_port = free_ports(2)
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Starts it and waits until it serves; gives the seconds that this took."""
        started = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--data-dir", self.data_dir, "--listen", self.address, "--http", f"127.0.0.1:{self.http_port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._ready():
            if self.process.poll() is not None:
                raise BrokerError(f"the broker ended with status {self.process.returncode} instead of serving{self._log_end()}")
            if time.monotonic() - started > READY_TIMEOUT_S:
                raise BrokerError(f"the broker was not ready after {READY_TIMEOUT_S} s{self._log_end()}")
            time.sleep(0.01)
        return time.monotonic() - started

    def check_running(self):
        if self.process.poll() is not None:
            raise BrokerError(f"the broker ended by itself with status {self.process.returncode}{self._log_end()}")

    def kill(self):
        """kill -9."""
        self.check_running()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Stops it in good order, which must succeed."""
        self.check_running()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_TIMEOUT_S)
        if status != 0:
            raise BrokerError(f"the broker ended with status {status} when it was told to stop{self._log_end()}")

    def clean_up(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _log_end(self):
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        return "; the end of its log:\n" + "\n".join("  " + line for line in lines)
