// FaultPlan: which operations of the simulated disk fail, and how. It decides only; SimFileSystem
// carries it out. Not thread-safe (its owner's lock guards it).
#ifndef WEIR_TESTS_SUPPORT_FAULT_PLAN_H_
#define WEIR_TESTS_SUPPORT_FAULT_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

enum class OperationKind {
  // These change the disk, or the answer to what is on it; FileSystem counts them as operations.
  kCreate,  // Open that makes the file
  kWrite,
  kTruncate,
  kSync,
  kCreateDirectory,
  kRemove,
  kRename,
  kLink,
  kSyncDirectory,
  kSyncAll,
  kLock,
  // These do not; they are counted as reads.
  kOpen,
  kRead,
  kReadCached,
  kStat,  // also File::Size
  kList,
  kSpace,
};
bool IsRead(OperationKind kind);
absl::string_view NameOf(OperationKind kind);

struct Operation {
  OperationKind kind;
  std::string path;      // of Rename and Link: "<from> to <to>"
  int64_t position = 0;  // of reads, writes; of Truncate the size
  int64_t length = 0;
  int64_t number = 0;  // from 1, among the operations or among the reads; 0: not counted

  std::string ToString() const;
};

enum class Fault {
  kIo,  // EIO, no effect. A sync also loses what it was to bring to the disk (SimFile, SimTree)
  kNoSpace,  // ENOSPC, no effect; a sync loses as above. Reads, Remove and Truncate never fail with
             // it
  kShortWrite,  // a write stops anywhere before its end, then EIO; any other operation as kIo
};
absl::string_view NameOf(Fault fault);

enum class Repeat { kOnce, kForever };

class FaultPlan {
 public:
  // The operation of this number (of any kind that is no read), or all from it on.
  void FailOperation(int64_t number, Fault fault, Repeat repeat);
  // The same among the reads.
  void FailRead(int64_t number, Fault fault, Repeat repeat);
  // The next operation of this kind, or all from now on, whose path contains `path_part`.
  void FailNext(OperationKind kind, std::string path_part, Fault fault, Repeat repeat);
  void Clear() { rules_.clear(); }

  // How `operation` shall fail. Uses up a rule of kOnce.
  std::optional<Fault> Decide(const Operation& operation);

 private:
  struct Rule {
    bool reads = false;
    int64_t from = 0;                   // matches this number and, with kForever, all above
    std::optional<OperationKind> kind;  // nothing: any
    std::string path_part;
    Fault fault;
    Repeat repeat;
  };
  static bool Matches(const Rule& rule, const Operation& operation);

  std::vector<Rule> rules_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_FAULT_PLAN_H_
