#include "tools/cli/output_file.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/string_view.h"

namespace weir {

bool OutputFile::Flush() {
  absl::string_view rest = buffer_;
  while (open_ && !rest.empty()) {
    const ssize_t n = write(fd_, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR) {
      open_ = false;
      if (errno != EPIPE) status_ = absl::ErrnoToStatus(errno, "cannot write the output");
    }
  }
  buffer_.clear();
  return open_;
}

}  // namespace weir
