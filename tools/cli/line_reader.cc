#include "tools/cli/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/base/limits.h"

namespace weir {
namespace {
constexpr size_t kChunk = 256 * limits::kKiB;
}  // namespace

LineReader::LineReader(int fd, size_t longest, std::function<bool()> wait)
    : fd_(fd),
      longest_(longest),
      wait_(std::move(wait)),
      buffer_(new char[kChunk]),
      capacity_(kChunk) {
  // A pipe that holds more needs fewer turns of its two ends. What is no pipe refuses, which is
  // just as well.
  fcntl(fd, F_SETPIPE_SZ, static_cast<int>(limits::kMiB));
}

const char* LineReader::FindNewline(size_t from) const {
  return static_cast<const char*>(std::memchr(buffer_.get() + from, '\n', end_ - from));
}

bool LineReader::Fill() {
  if (at_end_ || stopped_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < kChunk / 2) {
    const size_t larger = capacity_ * 2;
    std::unique_ptr<char[]> grown(new char[larger]);
    std::memcpy(grown.get(), buffer_.get(), end_);
    buffer_ = std::move(grown);
    capacity_ = larger;
  }
  if (!wait_()) {
    stopped_ = true;
    return false;
  }
  ssize_t n = 0;
  do {
    n = read(fd_, buffer_.get() + end_, capacity_ - end_);
  } while (n < 0 && errno == EINTR);
  if (n < 0) status_ = absl::ErrnoToStatus(errno, "cannot read the input");
  if (n <= 0) at_end_ = true;
  end_ += static_cast<size_t>(std::max<ssize_t>(n, 0));
  return n > 0;
}

LineReader::Result LineReader::NextSlowly(absl::string_view* line) {
  bool too_long = false;
  for (;;) {
    const size_t searched = end_ - begin_;
    const bool more = Fill();
    if (stopped_) return Result::kStopped;
    const char* const newline = FindNewline(begin_ + searched);
    const size_t length =
        (newline == nullptr ? end_ : static_cast<size_t>(newline - buffer_.get())) - begin_;
    too_long = too_long || length > longest_;
    if (newline != nullptr || !more) {
      if (newline == nullptr && length == 0 && !too_long) return Result::kEnd;
      *line = absl::string_view(buffer_.get() + begin_, length);
      begin_ += length + (newline == nullptr ? 0 : 1);
      return too_long ? Result::kTooLong : Result::kLine;
    }
    if (too_long) begin_ = end_;
  }
}

}  // namespace weir
