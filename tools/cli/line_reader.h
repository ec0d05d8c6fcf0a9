// LineReader: lines from a file descriptor, in large reads and constant memory, however long the
// input is. A line that is longer than allowed is passed over and reported. The last line may lack
// its newline. One thread.
#ifndef WEIR_TOOLS_CLI_LINE_READER_H_
#define WEIR_TOOLS_CLI_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

class LineReader {
 public:
  enum class Result {
    kLine,
    kTooLong,  // a line was passed over
    kEnd,      // of the input; or a read failed: see status()
    kStopped,  // `wait` said so; the unfinished line is lost
  };

  // `wait` blocks until `fd` can be read, or gives false to stop. Lines may have up to `longest`
  // bytes.
  LineReader(int fd, size_t longest, std::function<bool()> wait);

  // The next line, without its newline, borrowed until the next call.
  Result Next(absl::string_view* line) {
    const char* const newline = FindNewline(begin_);
    if (newline == nullptr) [[unlikely]]
      return NextSlowly(line);
    const auto end = static_cast<size_t>(newline - buffer_.get());
    *line = absl::string_view(buffer_.get() + begin_, end - begin_);
    begin_ = end + 1;
    return line->size() <= longest_ ? Result::kLine : Result::kTooLong;
  }

  const absl::Status& status() const { return status_; }
  // Nothing is left in memory: the next line waits for input.
  bool drained() const { return begin_ == end_; }

 private:
  // The first at or behind `from`; null when there is none.
  const char* FindNewline(size_t from) const;
  Result NextSlowly(absl::string_view* line);
  // Reads more behind end_. False when there is no more, or when stopped.
  bool Fill();

  const int fd_;
  const size_t longest_;
  const std::function<bool()> wait_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  bool stopped_ = false;
  absl::Status status_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_LINE_READER_H_
