// OutputFile: what a command writes by the gigabyte to a file descriptor, gathered into large
// writes. Knows when the reader has gone
// (`| head`), which is no error. One thread.
#ifndef WEIR_TOOLS_CLI_OUTPUT_FILE_H_
#define WEIR_TOOLS_CLI_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace weir {

class OutputFile {
 public:
  // SIGPIPE is ignored by the process.
  explicit OutputFile(int fd) : fd_(fd) {}

  // Append here, then call MaybeFlush().
  std::string* buffer() { return &buffer_; }
  // Writes the buffer when it is large. False when nothing more can be written: the reader has
  // gone, or status() says what is wrong.
  bool MaybeFlush() { return buffer_.size() < kLarge || Flush(); }
  bool Flush();

  const absl::Status& status() const { return status_; }

 private:
  static constexpr size_t kLarge = 256 * 1024;

  const int fd_;
  bool open_ = true;
  std::string buffer_;
  absl::Status status_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_OUTPUT_FILE_H_
