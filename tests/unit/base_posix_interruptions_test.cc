// Interrupted and short system calls: the real disk finishes them inside. This program replaces the
// calls that posix_file_system.cc makes by its own, which do less than asked for until they are
// told otherwise.
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>

#include "storage/base/file_system.h"

namespace {

struct Calls {
  int failures = 0;                                  // so many calls fail first,
  int error = EINTR;                                 // with this
  size_t most = std::numeric_limits<size_t>::max();  // then each transfers so many bytes at most
  int made = 0;
};
Calls calls;

bool Fails() {
  ++calls.made;
  if (calls.failures == 0) return false;
  --calls.failures;
  errno = calls.error;
  return true;
}

// The first iovecs of `from`, so many as hold calls.most bytes, the last of them cut.
std::vector<iovec> Cut(const iovec* from, int n) {
  std::vector<iovec> cut(from, from + n);
  size_t left = calls.most;
  for (iovec& piece : cut) {
    piece.iov_len = std::min(piece.iov_len, left);
    left -= piece.iov_len;
  }
  return cut;
}

}  // namespace

extern "C" {
ssize_t pread(int fd, void* to, size_t n, off_t at) {
  return Fails() ? -1 : syscall(SYS_pread64, fd, to, std::min(n, calls.most), at);
}
ssize_t preadv2(int fd, const iovec* to, int n, off_t at, int flags) {
  return Fails() ? -1 : syscall(SYS_preadv2, fd, Cut(to, n).data(), n, at, 0, flags);
}
ssize_t pwritev(int fd, const iovec* from, int n, off_t at) {
  return Fails() ? -1 : syscall(SYS_pwritev, fd, Cut(from, n).data(), n, at, 0);
}
int fdatasync(int fd) { return Fails() ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd)); }
}

namespace weir {
namespace {

constexpr FilePosition kStart{0};

class PosixInterruptionsTest : public ::testing::Test {
 protected:
  PosixInterruptionsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    root_ = mkdtemp(name.data());
    content_.resize(10000);
    std::iota(content_.begin(), content_.end(), '\0');
    file_ = *FileSystem::Posix().Open(JoinPath(root_, "a"), OpenMode::kCreateNew);
    EXPECT_TRUE(file_->Write(kStart, content_).ok());
    calls = Calls();
  }
  ~PosixInterruptionsTest() override {
    calls = Calls();
    std::filesystem::remove_all(root_);
  }

  std::string root_, content_;
  std::unique_ptr<File> file_;
};

TEST_F(PosixInterruptionsTest, ShortWritesOfManyPartsGoOnWhereTheyStopped) {
  calls.most = 7;
  std::vector<absl::string_view> parts;
  for (size_t at = 0, n = 0; at < content_.size(); at += n, n = (n + 1) % 23) {
    parts.push_back(absl::string_view(content_).substr(at, n));  // empty ones too
  }
  const auto file = *FileSystem::Posix().Open(JoinPath(root_, "b"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->WriteAt(FilePosition{3}, parts).ok());
  EXPECT_GT(calls.made, 1000);
  EXPECT_EQ(*ReadFile(FileSystem::Posix(), JoinPath(root_, "b")), std::string(3, '\0') + content_);
}

TEST_F(PosixInterruptionsTest, InterruptedWritesAndSyncsAreMadeAgain) {
  calls.failures = 3;
  EXPECT_TRUE(file_->Write(kStart, "x").ok());
  EXPECT_EQ(calls.made, 4);
  calls.failures = 2;
  EXPECT_TRUE(file_->Sync().ok());
  EXPECT_EQ(calls.made, 7);
}

TEST_F(PosixInterruptionsTest, AFailedSyncIsNotMadeAgain) {
  calls.failures = 1;
  calls.error = EIO;
  EXPECT_FALSE(file_->Sync().ok());
  EXPECT_EQ(calls.made, 1);
}

TEST_F(PosixInterruptionsTest, AWriteThatFailsInTheMiddleIsAnError) {
  calls.failures = 1;
  calls.error = ENOSPC;
  EXPECT_EQ(file_->Write(kStart, content_).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(PosixInterruptionsTest, AWriteWithoutProgressEnds) {
  calls.most = 0;
  EXPECT_FALSE(file_->Write(kStart, "x").ok());
}

TEST_F(PosixInterruptionsTest, ShortAndInterruptedReadsGoOnUntilTheEnd) {
  std::string bytes(content_.size() + 100, '?');
  calls.most = 11;
  calls.failures = 2;
  EXPECT_EQ(*file_->ReadAt(kStart, absl::MakeSpan(bytes)), content_.size());
  EXPECT_EQ(bytes.substr(0, content_.size()), content_);
  bytes.assign(bytes.size(), '?');
  calls.failures = 2;
  EXPECT_EQ(*file_->ReadCachedAt(kStart, absl::MakeSpan(bytes)), content_.size());
  EXPECT_EQ(bytes.substr(0, content_.size()), content_);
}

TEST_F(PosixInterruptionsTest, WhatIsNotInMemoryIsUnavailable) {
  char byte;
  calls.failures = 1;
  calls.error = EAGAIN;
  EXPECT_EQ(file_->ReadCachedAt(kStart, absl::MakeSpan(&byte, 1)).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(PosixInterruptionsTest, AFileSystemThatCannotTellReadsPlainly) {
  std::string bytes(10, '?');
  calls.failures = 1;
  calls.error = EOPNOTSUPP;
  EXPECT_EQ(*file_->ReadCachedAt(FilePosition{5}, absl::MakeSpan(bytes)), 10u);
  EXPECT_EQ(bytes, content_.substr(5, 10));
}

}  // namespace
}  // namespace weir
