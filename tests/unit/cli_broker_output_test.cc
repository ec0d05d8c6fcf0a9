#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "storage/base/file_system.h"
#include "tools/bench/broker_output.h"

namespace weir {
namespace {

class BrokerOutputTest : public testing::Test {
 protected:
  BrokerOutputTest() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    output_ = *BrokerOutput::Start(ends_[0], log_path_);
  }
  ~BrokerOutputTest() override {
    CloseWriter();
    output_.reset();
    FileSystem::Posix().Remove(log_path_).IgnoreError();
  }
  void Say(const std::string& text) {
    ASSERT_EQ(write(ends_[1], text.data(), text.size()), ssize_t(text.size()));
  }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

  const std::string log_path_ =
      testing::TempDir() + "broker_output_test." + std::to_string(getpid());
  int ends_[2];
  std::unique_ptr<BrokerOutput> output_;
};

TEST_F(BrokerOutputTest, TheReadyLineIsFoundInPiecesAndAmongOthers) {
  Say("recovering\nweir-broker 0.1.0 rea");
  Say("dy on 127.0.0.1:41234 (gRPC) and 127.0.0.1:41235 (HTTP), data in /d\nmore");
  const auto addresses = output_->WaitUntilReady(absl::InfiniteDuration());
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_EQ(addresses->grpc, "127.0.0.1:41234");
  EXPECT_EQ(addresses->http, "127.0.0.1:41235");
}

TEST_F(BrokerOutputTest, ABrokerThatEndsIsAnErrorWithItsLastWords) {
  Say("weir-broker: port 9095 is in use\n");
  CloseWriter();
  const auto addresses = output_->WaitUntilReady(absl::InfiniteDuration());
  EXPECT_EQ(addresses.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(addresses.status().message().find("port 9095 is in use"), absl::string_view::npos);
}

TEST_F(BrokerOutputTest, WhatItSaysIsKeptInTheLog) {
  Say("weir-broker 0.1.0 ready on 127.0.0.1:1\n");
  ASSERT_TRUE(output_->WaitUntilReady(absl::InfiniteDuration()).ok());
  CloseWriter();
  output_.reset();
  EXPECT_EQ(*ReadFile(FileSystem::Posix(), log_path_), "weir-broker 0.1.0 ready on 127.0.0.1:1\n");
  CloseWriter();
}

TEST(ReadyLineTest, OtherLinesAreNone) {
  EXPECT_FALSE(ParseReadyLine("starting on 127.0.0.1:1"));
  EXPECT_FALSE(ParseReadyLine("weir-broker 0.1.0 ready on fire"));
}

TEST(ReadyLineTest, AddressesMayBeUrlsAndIpv6) {
  const auto addresses =
      ParseReadyLine("weir-broker 0.1.0 ready on [::1]:9095 (metrics: http://[::1]:9096/metrics)");
  ASSERT_TRUE(addresses);
  EXPECT_EQ(addresses->grpc, "[::1]:9095");
}

}  // namespace
}  // namespace weir
