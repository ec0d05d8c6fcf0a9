// TempDir: a directory of the real disk for one test, removed with everything in it.
#ifndef WEIR_TESTS_UNIT_META_TEMP_DIR_H_
#define WEIR_TESTS_UNIT_META_TEMP_DIR_H_

#include <filesystem>
#include <string>

#include "storage/base/check.h"

namespace weir {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string()) {
    WEIR_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_META_TEMP_DIR_H_
