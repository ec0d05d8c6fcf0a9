"""Starts that must fail say why, what to do, and with which exit status; nothing hangs and nothing is damaged."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from broker_process import DEADLINE, PROGRAM, Broker, clean_environment


class Start(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-test-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.data = os.path.join(self.directory, "data")

    def run_broker(self, *flags, listen="127.0.0.1:0", http="127.0.0.1:0", data=None, env=None):
        """Exit status and what it said, of a broker that must not stay."""
        command = [PROGRAM, "--data-dir", data or self.data, "--listen", listen, "--http", http, *flags]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, env={**clean_environment(), **(env or {})})
        return ended.returncode, ended.stdout, ended.stderr

    def assertRefused(self, status, parts, *flags, **where):
        code, out, err = self.run_broker(*flags, **where)
        self.assertEqual((code, out), (status, ""), err)
        for part in parts:
            self.assertIn(str(part), err)

    def started(self, *flags):
        broker = Broker(self.data, *flags).start()
        self.addCleanup(lambda: broker.running and broker.kill())
        return broker

    def test_the_ready_line_names_where_and_what(self):
        broker = self.started()
        self.assertIn(f"ready on 127.0.0.1:{broker.grpc_port} (gRPC) and 127.0.0.1:{broker.http_port} (HTTP), data in {self.data}",
                      broker.ready_line)
        self.assertEqual(broker.stop(), 0)

    def test_the_broker_allocates_with_tcmalloc(self):
        broker = self.started()
        maps = pathlib.Path(f"/proc/{broker.process.pid}/maps").read_text()
        if "asan" in maps or "tsan" in maps:
            self.skipTest("sanitizers bring an allocator of their own")
        self.assertIn("libtcmalloc", maps)
        self.assertEqual(broker.stop(), 0)

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.assertRefused(1, [address, "in use"], listen=address)
            self.assertRefused(1, [address, "in use"], http=address)
        self.assertEqual(self.started().stop(), 0)

    def test_the_port_of_another_broker(self):
        other = self.started()
        data = os.path.join(self.directory, "more")
        self.assertRefused(1, [other.grpc_port, "in use"], listen=f"127.0.0.1:{other.grpc_port}", data=data)
        self.assertRefused(1, [other.http_port, "in use"], http=f"127.0.0.1:{other.http_port}", data=data)

    def test_an_address_of_another_machine(self):
        self.assertRefused(1, ["192.0.2.1:9095"], "--insecure", listen="192.0.2.1:9095")

    def test_the_data_of_another_broker(self):
        other = self.started()
        self.assertRefused(1, [self.data, "another broker", other.process.pid])
        other.create("still-works")

    def test_a_misspelled_variable_is_told(self):
        self.started()
        self.assertRefused(1, ["WEIR_OPEN_FILE in the environment is no setting", "another broker"], env={"WEIR_OPEN_FILE": "100"})

    def test_a_file_in_place_of_the_data_directory(self):
        path = pathlib.Path(self.directory, "file")
        path.write_text("mine")
        self.assertRefused(1, [path], data=str(path))
        self.assertRefused(1, [path], data=str(path / "below"))
        self.assertEqual(path.read_text(), "mine")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_directory_without_permission(self):
        os.mkdir(self.data, 0o500)
        self.assertRefused(1, [self.data, "ermission denied"])

    def test_wrong_usage(self):
        config = pathlib.Path(self.directory, "weir.toml")
        config.write_text('colour = "blue"\n')
        self.assertRefused(2, ["colour", "memory.limit"], "--config", str(config))
        config.write_text("memory = [\n")
        self.assertRefused(2, [config], "--config", str(config))
        self.assertRefused(2, ["--no-such-flag"], "--no-such-flag")
        self.assertRefused(2, ["plenty"], "--memory-limit", "plenty")
        self.assertRefused(2, ["WEIR_MEMORY_LIMIT", "plenty"], env={"WEIR_MEMORY_LIMIT": "plenty"})
        self.assertRefused(2, ["nonsense"], listen="nonsense")
        self.assertFalse(os.path.exists(self.data))

    def test_exposure_needs_to_be_asked_for(self):
        self.assertRefused(2, ["--insecure"], listen="0.0.0.0:0")
        self.assertRefused(2, ["--insecure"], http="0.0.0.0:0")

    def test_damage_to_weir_meta(self):
        self.assertEqual(self.started().stop(), 0)
        meta = pathlib.Path(self.data, "weir.meta")
        good = meta.read_bytes()
        for position in range(len(good)):
            meta.write_bytes(good[:position] + bytes([good[position] ^ 4]) + good[position + 1 :])
            self.assertRefused(1, [meta])
        meta.write_bytes(good[:20])
        self.assertRefused(1, [meta, "damaged"])
        meta.unlink()
        self.assertRefused(1, [meta, "missing"])
        meta.write_bytes(good)
        self.assertEqual(self.started().stop(), 0)

    def test_a_lost_metadata_store(self):
        self.assertEqual(self.started().stop(), 0)
        shutil.rmtree(os.path.join(self.data, "meta"))
        self.assertRefused(1, [os.path.join(self.data, "meta")])

    def test_the_configuration_is_printed(self):
        code, out, _ = self.run_broker("--print-config")
        self.assertEqual(code, 0)
        self.assertIn(self.data, out)
        code, out, _ = self.run_broker("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"\d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
