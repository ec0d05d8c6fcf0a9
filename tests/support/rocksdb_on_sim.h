// RocksDbOnSim: the rocksdb::Env that puts RocksDB's files on a FileSystem, so that the real
// RocksDB runs on the simulated disk and meets its crashes and failing operations. Threads and
// clocks stay the machine's, but nobody sleeps: with background work the order of operations is not
// the same in every run. RocksDB's own log (LOG) is thrown away. Any thread.
#ifndef WEIR_TESTS_SUPPORT_ROCKSDB_ON_SIM_H_
#define WEIR_TESTS_SUPPORT_ROCKSDB_ON_SIM_H_

#include <memory>

#include "storage/base/file_system.h"

namespace rocksdb {
class Env;
}

namespace weir {

class RocksDbOnSim {
 public:
  // `file_system` outlives the object, and the object every database opened with env().
  explicit RocksDbOnSim(FileSystem* file_system);
  ~RocksDbOnSim();

  rocksdb::Env* env() const { return env_.get(); }

 private:
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_ROCKSDB_ON_SIM_H_
