// RocksDbOptions: where one of Weir's RocksDB databases lies and what its open may assume. A value.
#ifndef WEIR_STORAGE_META_ROCKSDB_OPTIONS_H_
#define WEIR_STORAGE_META_ROCKSDB_OPTIONS_H_

#include <string>

namespace rocksdb {
class Env;
}

namespace weir {

struct RocksDbOptions {
  std::string path;             // a directory of its own; made when missing, its parent must exist
  rocksdb::Env* env = nullptr;  // null: the machine's. Borrowed, must outlive the store
  // Refuse to open when there is no database in `path`: for a data directory that had one, its
  // absence is damage.
  bool must_exist = false;
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_OPTIONS_H_
