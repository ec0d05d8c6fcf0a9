#!/usr/bin/python3
"""That layers.py catches what layers.txt forbids, and nothing else."""
import pathlib
import tempfile
import unittest

import layers

RULES = layers.Rules((pathlib.Path(__file__).parent / "layers.txt").read_text(encoding="utf-8"))


def breaches(path, text, rules=RULES):
    return [f"{line}: {wrong}" for line, wrong in layers.check_file(rules, path, text)]


class IncludesTest(unittest.TestCase):
    def assert_refused(self, path, include):
        found = breaches(path, f"// Two lines above.\n\n#include {include}\n")
        self.assertEqual(len(found), 1, f"{path} may include {include}")
        self.assertTrue(found[0].startswith("3: includes "), found)

    def assert_allowed(self, path, include):
        self.assertEqual(breaches(path, f"#include {include}\n"), [])

    def test_lower_layers_may_not_include_higher_ones(self):
        self.assert_refused("storage/base/clock.cc", '"storage/log/segment.h"')
        self.assert_refused("storage/record/record_batch.h", '"storage/meta/kv_store.h"')
        self.assert_refused("storage/log/journal.h", '"broker/runtime/waiters.h"')
        self.assert_refused("broker/partition/produce.cc", '"broker/rpc/log_service.h"')

    def test_higher_layers_may_include_lower_ones(self):
        self.assert_allowed("storage/log/segment.cc", '"storage/base/clock.h"')
        self.assert_allowed("broker/rpc/log_service.h", '"broker/partition/produce.h"')
        self.assert_allowed("broker/server.cc", '"broker/rpc/log_service.h"')

    def test_siblings_may_not_include_each_other(self):
        self.assert_refused("broker/limits/admission.h", '"broker/metrics/metrics.h"')
        self.assert_refused("storage/meta/kv_store.h", '"storage/log/segment.h"')

    def test_broker_and_client_may_not_include_each_other(self):
        self.assert_refused("broker/rpc/log_service.cc", '"weir/producer.h"')
        self.assert_refused("broker/rpc/log_service.cc", '"client/src/batch.h"')
        self.assert_refused("client/src/producer.cc", '"broker/topics/topic.h"')
        self.assert_refused("client/include/weir/client.h", '"client/src/channel.h"')

    def test_nothing_but_tests_includes_tests(self):
        self.assert_refused("storage/log/journal.cc", '"tests/support/sim_clock.h"')
        self.assert_refused("tools/bench/load.cc", '"tests/support/sim_clock.h"')
        self.assert_allowed("tests/unit/log_append_test.cc", '"tests/support/sim_clock.h"')

    def test_headers_of_libraries_stay_in_their_folders(self):
        self.assert_refused("storage/log/journal.cc", "<rocksdb/db.h>")
        self.assert_refused("broker/partition/produce.cc", "<grpcpp/grpcpp.h>")
        self.assert_refused("broker/partition/produce.cc", "<grpc/slice.h>")
        self.assert_refused("tools/cli/main.cc", "<grpcpp/grpcpp.h>")
        self.assert_refused("storage/log/segment.cc", "<gtest/gtest.h>")
        self.assert_refused("broker/topics/topic.cc", "<zstd.h>")
        self.assert_allowed("storage/meta/rocksdb_kv_store.cc", "<rocksdb/db.h>")
        self.assert_allowed("broker/rpc/grpc_server.cc", "<grpcpp/grpcpp.h>")
        self.assert_allowed("storage/record/zstd_codec.cc", "<zstd_errors.h>")

    def test_generated_headers_follow_the_same_rules(self):
        self.assert_allowed("client/src/admin.cc", '"weir/v1/admin.grpc.pb.h"')
        self.assert_allowed("storage/meta/local_metadata_store.cc", '"weir/internal/state.pb.h"')
        self.assert_refused("storage/meta/local_metadata_store.cc", '"weir/v1/admin.grpc.pb.h"')
        self.assert_refused("storage/log/journal.cc", '"weir/v1/log.pb.h"')

    def test_a_new_folder_needs_a_line(self):
        self.assert_refused("storage/index/tree.cc", '"storage/base/clock.h"')
        self.assert_refused("storage/log/segment.cc", '"storage/index/tree.h"')

    def test_the_standard_library_is_free(self):
        self.assert_allowed("storage/base/clock.cc", "<vector>")
        self.assert_allowed("storage/base/clock.cc", '"absl/time/time.h"')


class CallsTest(unittest.TestCase):
    def assert_refused(self, path, code, instead):
        found = breaches(path, f"void F() {{\n  {code};\n}}\n")
        self.assertEqual(len(found), 1, f"{path} may have {code}")
        self.assertTrue(found[0].startswith("2: has ") and instead in found[0], found)

    def assert_allowed(self, path, code):
        self.assertEqual(breaches(path, code + "\n"), [])

    def test_time_comes_from_the_clock(self):
        for code in ("auto t = std::chrono::steady_clock::now()", "auto t = absl::Now()", "time_t t = ::time(nullptr)",
                     "time_t t = time(NULL)", "clock_gettime(CLOCK_MONOTONIC, &t)"):
            self.assert_refused("storage/log/segment.cc", code, "storage/base/clock")
        self.assert_allowed("storage/base/clock.cc", "clock_gettime(CLOCK_MONOTONIC, &t);")
        self.assert_allowed("storage/log/segment.cc", "x = batch.time(); y = batch->time(); z = append_time(1);")

    def test_nobody_sleeps(self):
        for path in ("broker/topics/topic.cc", "tests/unit/log_append_test.cc"):
            self.assert_refused(path, "std::this_thread::sleep_for(1s)", "a wait")
            self.assert_refused(path, "absl::SleepFor(absl::Seconds(1))", "a wait")
            self.assert_refused(path, "usleep(1000)", "a wait")

    def test_chance_is_handed_in(self):
        self.assert_refused("storage/log/recovery_plan.cc", "std::random_device d", "generator")
        self.assert_refused("tests/unit/log_append_test.cc", "int i = rand()", "generator")
        self.assert_allowed("tests/unit/log_append_test.cc", "std::mt19937 random(7); x = random();")

    def test_files_are_reached_through_the_file_system(self):
        for code in ('int fd = open("x", O_RDONLY)', "::pread(fd, p, n, at)", "fdatasync(fd)", "::rename(a, b)",
                     "std::ifstream in(path)", "std::filesystem::remove(path)"):
            self.assert_refused("storage/log/segment.cc", code, "storage/base/file_system")
        self.assert_allowed("storage/base/posix_file_system.cc", "::pread(fd, p, n, at);")
        self.assert_allowed("storage/log/segment.cc", "file->pread(1); if (queue->open() != nullptr) Open(x);")

    def test_threads_and_locks_have_their_wrappers(self):
        self.assert_refused("broker/topics/topic.cc", "std::thread t(F)", "storage/base/executor")
        self.assert_refused("broker/topics/topic.cc", "std::mutex mu", "absl::Mutex")
        self.assert_allowed("broker/topics/topic.cc", "auto id = std::this_thread::get_id(); std::thread::id me;")

    def test_comments_and_literals_are_no_calls(self):
        self.assert_allowed("storage/log/segment.cc", "// like absl::Now()\n/* rand()\n open(x) */ const char* s = \"fsync(fd)\";")
        self.assert_allowed("storage/log/segment.cc", 'f(R"(time(0))"); int n = 1\'000\'000; // std::mutex')
        found = breaches("storage/log/segment.cc", "/* one\n two */\nabsl::Now();\n")
        self.assertEqual([line.split(":")[0] for line in found], ["3"])


class RulesTest(unittest.TestCase):
    def test_an_exception_holds_for_its_file_alone(self):
        rules = layers.Rules("[layers]\na:\nb:\n[fences]\nx/: a\n[exceptions]\nb/one.cc | x/y.h | for the test\n")
        self.assertEqual(breaches("b/one.cc", "#include <x/y.h>\n", rules), [])
        self.assertEqual(len(breaches("b/two.cc", "#include <x/y.h>\n", rules)), 1)

    def test_an_exception_that_nothing_needs_is_told(self):
        rules = layers.Rules("[layers]\nstorage:\n[exceptions]\nstorage/one.cc | x/y.h | for the test\n")
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("nothing needs the exception of storage/one.cc", "".join(layers.check_tree(rules, pathlib.Path(folder))))

    def test_wrong_rules_are_refused(self):
        for text in ("a: b\n", "[layers]\na: b\n", "[calls]\n( | x | y\n", "[exceptions]\na | b\n", "[layers]\nno colon\n"):
            with self.assertRaises(layers.RulesError, msg=text):
                layers.Rules(text)

    def test_a_whole_tree_is_walked(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "storage/log").mkdir(parents=True)
            (root / "storage/log/bad.h").write_text("#include <rocksdb/db.h>\n", encoding="utf-8")
            (root / "storage/log/good.cc").write_text("#include <vector>\n", encoding="utf-8")
            rules = layers.Rules("[layers]\nstorage/log:\n[fences]\nrocksdb/: storage/meta\n")
            self.assertEqual(list(layers.check_tree(rules, root)),
                             ["storage/log/bad.h:1: includes rocksdb/db.h, which stays in storage/meta"])


if __name__ == "__main__":
    unittest.main()
