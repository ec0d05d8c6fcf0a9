#include "broker/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/config_settings.h"
#include "storage/base/check.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class BrokerConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WEIR_CHECK(CreateDirectories(fs_, "/proc").ok());
    fs_.WriteRaw("/proc/meminfo", "MemTotal: 4194304 kB\n");
  }
  absl::StatusOr<BrokerCommand> Parse(std::vector<const char*> flags) {
    flags.insert(flags.begin(), "weir-broker");
    return ParseBrokerConfig(
        static_cast<int>(flags.size()), flags.data(),
        [this](const char* name) -> const char* {
          const auto it = env_.find(name);
          return it == env_.end() ? nullptr : it->second.c_str();
        },
        fs_);
  }
  BrokerConfig Config(std::vector<const char*> flags) {
    const auto command = Parse(std::move(flags));
    EXPECT_TRUE(command.ok()) << command.status();
    return command.ok() ? command->config : BrokerConfig();
  }
  std::string Refusal(std::vector<const char*> flags) {
    const auto command = Parse(std::move(flags));
    EXPECT_TRUE(absl::IsInvalidArgument(command.status())) << command.status();
    return std::string(command.status().message());
  }
  std::string Print(std::vector<const char*> flags) {
    const auto command = Parse(std::move(flags));
    EXPECT_TRUE(command.ok()) << command.status();
    return command.ok() ? command->print.value_or("nothing to print") : "";
  }
  void File(absl::string_view content) { fs_.WriteRaw("/weir.toml", content); }
  // A file with this content is given.
  std::string FileRefusal(absl::string_view content) {
    File(content);
    return Refusal({"--config", "/weir.toml"});
  }

  SimFileSystem fs_;
  std::map<std::string, std::string> env_;
};

TEST_F(BrokerConfigTest, DefaultsServeThisMachineOnly) {
  const BrokerConfig config = Config({});
  EXPECT_EQ(config.listen, (Endpoint{"127.0.0.1", 9095}));
  EXPECT_EQ(config.http, (Endpoint{"127.0.0.1", 9096}));
  EXPECT_FALSE(config.insecure);
  EXPECT_EQ(config.memory_limit, limits::kGiB);
  EXPECT_EQ(config.disk_low, std::nullopt);
  EXPECT_EQ(config.topic_defaults, TopicConfig{});
}

TEST_F(BrokerConfigTest, ReadsEverySettingFromAFile) {
  File(R"(
data_dir = "/var/lib/weir"
listen = "[::1]:1"
http = "localhost:0"
insecure = false
open_files = 100
retention.check_interval = "10ms"
producer.id.expiration.ms = 3600000
grace_period = "1m30s"
[memory]
limit = "64MiB"
[disk]
low = 1000
ok = "2 KiB"
[journal]
file_bytes = "128MiB"
files = 5
[log]
level = "debug"
format = "json"
[topic]
partitions = 6
retention.ms = 1000
compression.type = "zstd"
durability = "written"
)");
  const BrokerConfig config = Config({"--config", "/weir.toml"});
  EXPECT_EQ(config.data_dir, "/var/lib/weir");
  EXPECT_EQ(config.listen, (Endpoint{"::1", 1}));
  EXPECT_EQ(config.http, (Endpoint{"localhost", 0}));
  EXPECT_EQ(config.open_files, 100u);
  EXPECT_EQ(config.retention_check_interval, absl::Milliseconds(10));
  EXPECT_EQ(config.producer_id_expiration_ms, 3'600'000);
  EXPECT_EQ(config.grace_period, absl::Seconds(90));
  EXPECT_EQ(config.memory_limit, 64 * limits::kMiB);
  EXPECT_EQ(config.disk_low, 1000);
  EXPECT_EQ(config.disk_ok, 2048);
  EXPECT_EQ(config.journal_file_bytes, 128 * limits::kMiB);
  EXPECT_EQ(config.journal_files, 5);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.topic_partitions, 6);
  EXPECT_EQ(config.topic_defaults, (TopicConfig{.retention_ms = 1000,
                                                .compression = Compression::kZstd,
                                                .durability = Durability::kWritten}));
}

TEST_F(BrokerConfigTest, VariablesThatAreNoSettingAreNamed) {
  const char* const environment[] = {
      "PATH=/bin",          "WEIR_OPEN_FILES=100", "WEIR_CONFIG=x", "WEIR_BROKER=host:1",
      "WEIR_OPEN_FILE=100", "WEIR_RETENTION_MS",   "WEIRD=1",       nullptr};
  EXPECT_THAT(UnknownVariables(environment),
              testing::ElementsAre("WEIR_OPEN_FILE", "WEIR_RETENTION_MS"));
}

TEST_F(BrokerConfigTest, FlagWinsOverEnvironmentWinsOverFile) {
  File("log.level = \"error\"\nopen_files = 100\njournal.files = 5\n");
  env_ = {{"WEIR_CONFIG", "/weir.toml"},
          {"WEIR_LOG_LEVEL", "warn"},
          {"WEIR_OPEN_FILES", "200"},
          {"WEIR_LISTEN", ""}};
  const BrokerConfig config = Config({"--log-level", "trace"});
  EXPECT_EQ(config.log_level, "trace");
  EXPECT_EQ(config.open_files, 200u);
  EXPECT_EQ(config.journal_files, 5);
  EXPECT_EQ(config.listen.port, 9095);
}

TEST_F(BrokerConfigTest, EverySettingCanComeFromEveryPlace) {
  for (const Setting& setting : Settings()) {
    const std::string value = setting.get(Config({}));
    const std::string flag = absl::StrCat(setting.FlagName(), "=", value);
    EXPECT_TRUE(Parse({flag.c_str()}).ok()) << flag;
    env_ = {{setting.EnvironmentName(), value}};
    EXPECT_THAT(Print({"--print-config"}), HasSubstr("# environment " + setting.EnvironmentName()))
        << setting.name;
    env_.clear();
    File(absl::StrCat(setting.name, " = '", value, "'"));
    EXPECT_THAT(Print({"--config", "/weir.toml", "--print-config"}),
                HasSubstr("# file /weir.toml line 1"))
        << setting.name;
  }
}

TEST_F(BrokerConfigTest, UnknownKeyIsRefusedWithItsLineAndTheValidOnes) {
  EXPECT_THAT(FileRefusal("\n[memory]\nlimits = '1GiB'\n"),
              AllOf(HasSubstr("/weir.toml line 3"), HasSubstr("'memory.limits'"),
                    HasSubstr("memory.limit, disk.low")));
}

TEST_F(BrokerConfigTest, UnknownFlagIsRefused) {
  EXPECT_THAT(Refusal({"--datadir", "x"}), AllOf(HasSubstr("--datadir"), HasSubstr("--help")));
  EXPECT_THAT(Refusal({"surplus"}), HasSubstr("surplus"));
  EXPECT_THAT(Refusal({"--listen"}), HasSubstr("--listen"));
}

TEST_F(BrokerConfigTest, BadValuesAreRefusedWithPlaceValueAndRange) {
  EXPECT_THAT(
      Refusal({"--memory-limit", "1MiB"}),
      AllOf(HasSubstr("flag --memory-limit"), HasSubstr("'1MiB'"), HasSubstr("at least 16MiB")));
  env_ = {{"WEIR_JOURNAL_FILES", "3"}};
  EXPECT_THAT(Refusal({}), AllOf(HasSubstr("environment WEIR_JOURNAL_FILES"), HasSubstr("'3'"),
                                 HasSubstr("from 4 to 64")));
  env_.clear();
  EXPECT_THAT(FileRefusal("listen = 'localhost'"),
              AllOf(HasSubstr("line 1"), HasSubstr("host:port")));
  EXPECT_THAT(FileRefusal("journal.file_bytes = 67108865"), HasSubstr("a multiple of 4KiB"));
  EXPECT_THAT(FileRefusal("insecure = 'yes'"), HasSubstr("true or false"));
  EXPECT_THAT(FileRefusal("log.level = 'loud'"),
              HasSubstr("one of trace, debug, info, warn, error"));
  EXPECT_THAT(FileRefusal("log.format = 'xml'"), HasSubstr("one of text, json"));
  EXPECT_THAT(FileRefusal("grace_period = '0.5s'"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(FileRefusal("retention.check_interval = '9ms'"), HasSubstr("from 10ms to 1h"));
  EXPECT_THAT(FileRefusal("producer.id.expiration.ms = 599999"), HasSubstr("from 600000 to"));
  EXPECT_THAT(FileRefusal("data_dir = ''"), HasSubstr("not empty"));
  EXPECT_THAT(FileRefusal("topic.segment.bytes = 1"), HasSubstr("1024 to 1073741824"));
  EXPECT_THAT(FileRefusal("open_files = 1.5"), HasSubstr("a whole number"));
  EXPECT_THAT(FileRefusal("listen = ['a:1']"), HasSubstr("must be a string"));
}

TEST_F(BrokerConfigTest, OkMarkBelowTheLowMarkIsRefused) {
  EXPECT_THAT(Refusal({"--disk-low", "2GiB", "--disk-ok", "1GiB"}),
              AllOf(HasSubstr("disk.ok is 1GiB"), HasSubstr("which is 2GiB")));
}

TEST_F(BrokerConfigTest, UnreadableFileIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal({"--config", "/none.toml"}), HasSubstr("/none.toml"));
  EXPECT_THAT(Refusal({"--config", "/proc"}), HasSubstr("is a directory"));
  EXPECT_THAT(FileRefusal("listen = \n"),
              AllOf(HasSubstr("/weir.toml line 1"), HasSubstr("not TOML")));
  EXPECT_THAT(FileRefusal(std::string(2'000'000, '\n')), HasSubstr("larger than 1MiB"));
}

TEST_F(BrokerConfigTest, ListeningBeyondLoopbackNeedsInsecure) {
  for (const char* exposed :
       {"0.0.0.0:1", "[::]:1", "example.org:1", "192.168.1.1:1", "127.0.0.1.example.org:1"}) {
    EXPECT_THAT(Refusal({"--listen", exposed}), AllOf(HasSubstr(exposed), HasSubstr("--insecure")))
        << exposed;
    EXPECT_THAT(Refusal({"--http", exposed}), HasSubstr("http is")) << exposed;
    EXPECT_TRUE(Parse({"--listen", exposed, "--insecure"}).ok()) << exposed;
  }
  for (const char* local : {"127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(Parse({"--listen", local, "--http", local}).ok()) << local;
  }
  EXPECT_THAT(Refusal({"--listen", "0.0.0.0:1", "--insecure=false"}), HasSubstr("--insecure"));
}

TEST_F(BrokerConfigTest, PrintedConfigSaysWhereEachValueCameFrom) {
  File("grace_period = \"60s\"\n");
  env_ = {{"WEIR_HTTP", "localhost:1"}};
  const std::string printed = Print({"--config", "/weir.toml", "--insecure", "--print-config"});
  EXPECT_THAT(printed, HasSubstr("grace_period = \"1m\"  # file /weir.toml line 1\n"));
  EXPECT_THAT(printed, HasSubstr("http = \"localhost:1\"  # environment WEIR_HTTP\n"));
  EXPECT_THAT(printed, HasSubstr("insecure = true  # flag --insecure\n"));
  EXPECT_THAT(printed, HasSubstr("memory.limit = \"1GiB\"  # default\n"));
  EXPECT_THAT(printed, HasSubstr("topic.retention.bytes = -1  # default\n"));
}

TEST_F(BrokerConfigTest, PrintedConfigReadsBackAsTheSame) {
  const std::string printed =
      Print({"--print-config", "--data-dir", "a'\"\\\n#'''b", "--listen", "[::1]:0", "--disk-low",
             "12345", "--topic-compression-type", "lz4", "--grace-period", "1h"});
  File(printed);
  const BrokerConfig config = Config({"--config", "/weir.toml"});
  EXPECT_EQ(config.data_dir, "a'\"\\\n#'''b");
  EXPECT_EQ(config.listen, (Endpoint{"::1", 0}));
  EXPECT_EQ(config.disk_low, 12345);
  EXPECT_EQ(config.topic_defaults.compression, Compression::kLz4);
  EXPECT_EQ(config.grace_period, absl::Hours(1));
}

TEST_F(BrokerConfigTest, PrintsEvenAConfigurationThatWouldNotStart) {
  EXPECT_THAT(Print({"--listen", "0.0.0.0:1", "--print-config"}), HasSubstr("0.0.0.0:1"));
}

TEST_F(BrokerConfigTest, HelpNamesEverySettingWithItsRange) {
  const std::string help = Print({"--help"});
  for (const Setting& setting : Settings()) EXPECT_THAT(help, HasSubstr(setting.FlagName()));
  EXPECT_THAT(help,
              AllOf(HasSubstr("--config"), HasSubstr("from 4 to 64"), HasSubstr("127.0.0.1:9095")));
  EXPECT_THAT(Print({"--version"}), ContainsRegex("weir-broker [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(ConfigValuesTest, SizesReadAsPeopleWriteThem) {
  EXPECT_EQ(ParseSize("0"), 0);
  EXPECT_EQ(ParseSize("123"), 123);
  EXPECT_EQ(ParseSize("7B"), 7);
  EXPECT_EQ(ParseSize("64MiB"), 64 * limits::kMiB);
  EXPECT_EQ(ParseSize("3 TiB"), int64_t{3} << 40);
  for (const absl::string_view bad :
       {"", "MiB", "-1", "1.5MiB", "1 mib", "1MB", "1K", "0x10", " 1", "8388608TiB", "1MiBB"}) {
    EXPECT_EQ(ParseSize(bad), std::nullopt) << bad;
  }
}

TEST(ConfigValuesTest, FormattedSizesReadBack) {
  for (const int64_t size :
       std::vector<int64_t>{0, 1, 1000, 1024, 1536, limits::kMiB, 5 * limits::kGiB, INT64_MAX}) {
    EXPECT_EQ(ParseSize(FormatSize(size)), size);
  }
  EXPECT_EQ(FormatSize(64 * limits::kMiB), "64MiB");
  EXPECT_EQ(FormatSize(1536), "1536B");
}

TEST(ConfigValuesTest, EndpointsReadBackAndNonsenseDoesNot) {
  for (const std::string good : {"127.0.0.1:9095", "localhost:0", "[::1]:65535", "a-b.example:1"}) {
    ASSERT_TRUE(ParseEndpoint(good).has_value()) << good;
    EXPECT_EQ(ParseEndpoint(good)->ToString(), good);
  }
  for (const absl::string_view bad : {"", ":1", "a", "a:", "a:x", "a:65536", "a:-1", "::1:5",
                                      "[::1:5", "::1]:5", "[]:5", "[a]:5"}) {
    EXPECT_FALSE(ParseEndpoint(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace weir
