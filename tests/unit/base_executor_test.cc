#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "storage/base/executor.h"
#include "tests/support/inline_executor.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

TEST(ThreadExecutorTest, OneThreadRunsTasksInTheirOrder) {
  std::vector<int> ran;
  {
    ThreadExecutor executor("test", 1);
    for (int i = 0; i < 1000; ++i) executor.Post([&ran, i] { ran.push_back(i); });
  }
  ASSERT_EQ(ran.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(ThreadExecutorTest, DestructorRunsWhatWasPosted) {
  int ran = 0;
  {
    absl::Notification go;
    ThreadExecutor executor("test", 1);
    executor.Post([&go] { go.WaitForNotification(); });
    for (int i = 0; i < 10; ++i) executor.Post([&ran] { ++ran; });
    go.Notify();
  }
  EXPECT_EQ(ran, 10);
}

TEST(ThreadExecutorTest, TasksMayPostTasks) {
  absl::Notification done;
  ThreadExecutor executor("test", 1);
  executor.Post([&] { executor.Post([&done] { done.Notify(); }); });
  done.WaitForNotification();
}

TEST(ThreadExecutorTest, SeveralThreadsRunAtOnce) {
  ThreadExecutor executor("test", 3);
  auto* together = new absl::Barrier(4);  // passes only when three tasks wait at the same time
  for (int i = 0; i < 3; ++i) {
    executor.Post([together] {
      if (together->Block()) delete together;
    });
  }
  if (together->Block()) delete together;
}

TEST(ThreadExecutorTest, TasksNeverRunOnThePostingThread) {
  std::thread::id ran_on;
  {
    ThreadExecutor executor("a name that is longer than the kernel allows", 1);
    executor.Post([&ran_on] { ran_on = std::this_thread::get_id(); });
  }
  EXPECT_NE(ran_on, std::thread::id());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(InlineExecutorTest, RunsOnlyWhenAskedAndInOrder) {
  InlineExecutor executor;
  std::vector<int> ran;
  executor.Post([&] {
    ran.push_back(1);
    executor.Post([&] { ran.push_back(3); });
  });
  executor.Post([&, owned = std::make_unique<int>(2)] { ran.push_back(*owned); });
  EXPECT_THAT(ran, ElementsAre());
  EXPECT_EQ(executor.waiting(), 2u);
  EXPECT_TRUE(executor.RunOne());
  EXPECT_THAT(ran, ElementsAre(1));
  EXPECT_EQ(executor.RunAll(), 2u);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
  EXPECT_FALSE(executor.RunOne());
}

}  // namespace
}  // namespace weir
