// Journal: the ring of files that makes a commit round durable with one write and one flush. It
// writes; journal_reader.h reads. Files are written once with zeros when the ring grows and then
// recycled in place, because flushing a write into a pre-written file costs the disk half of what
// it costs into a new one. Threads: the committer's, except where a function says otherwise.
#ifndef WEIR_STORAGE_LOG_JOURNAL_H_
#define WEIR_STORAGE_LOG_JOURNAL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/journal_format.h"

namespace weir {

struct JournalOptions {
  FileSystem* file_system = nullptr;
  std::string data_directory;
  int64_t file_bytes = 0;
  int max_files = 0;               // at least 3; the last one is kept for control rounds
  Executor* background = nullptr;  // makes files ahead of need; null: they are made when needed
  JournalUuid uuid{};
  JournalSequence first_sequence;  // above every sequence ever used
  JournalSequence
      live_from;  // files of this journal from here on are not free before FreeBelow() says so
};

class Journal {
 public:
  // Appends may not take the last free file: a full disk must not keep retention from freeing
  // space.
  enum class Purpose { kAppend, kControl };

  // Takes the files of the directory into use and durably begins file `first_sequence`, in a file
  // that no recovery needs any more: one more than max_files is made if all are live.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(JournalOptions options);

  // Waits for a file that is being made in the background.
  ~Journal() ABSL_LOCKS_EXCLUDED(mu_);

  // Makes sure that a round of `bytes` fits the current file, moving to the next one if need be.
  // False: every file is live, a checkpoint must free one first. An error fences the directory.
  absl::StatusOr<bool> Reserve(int64_t bytes, Purpose purpose) ABSL_LOCKS_EXCLUDED(mu_);

  // Writes the round. Reserve() made room. `pieces`: entry heads and payloads in turn. Not durable
  // before Flush().
  absl::Status WriteRound(RoundNumber round, std::vector<absl::string_view> pieces);
  absl::Status Flush();

  // The newest file whose header is on disk: whatever was written before lies in it or below,
  // whatever comes next lies in it or above. (A file that was taken but not yet written to has no
  // header.)
  JournalSequence live_sequence() const {
    return header_block_.empty() ? header_.sequence : header_.sequence - 1;
  }
  // Files with a lower sequence are free from now on. Any thread.
  void FreeBelow(JournalSequence sequence) ABSL_LOCKS_EXCLUDED(mu_);

  // The disk may have space again for the ring to grow. Any thread.
  void NoteSpace() ABSL_LOCKS_EXCLUDED(mu_);

  // A round of more bytes than this fits no file.
  int64_t most_round_bytes() const;
  // Full files that are not free yet. Any thread.
  int full_files() const ABSL_LOCKS_EXCLUDED(mu_);
  // What the ring takes on disk. Any thread.
  int64_t disk_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Slot {
    int number = 0;
    std::shared_ptr<File> file;
    JournalSequence sequence;  // 0: free
  };

  explicit Journal(JournalOptions options) : options_(std::move(options)) {}
  absl::StatusOr<Slot> MakeFile(int number);
  absl::Status AdoptFiles() ABSL_LOCKS_EXCLUDED(mu_);
  // Makes one more file in the background when none is free.
  void GrowAhead() ABSL_LOCKS_EXCLUDED(mu_);
  // A free file other than the current one; makes one if the ring may grow.
  absl::StatusOr<bool> TakeNextFile(Purpose purpose) ABSL_LOCKS_EXCLUDED(mu_);

  const JournalOptions options_;

  // Of the current file.
  std::shared_ptr<File> file_;
  JournalFileHeader header_;
  std::string header_block_;  // written with the file's first round; empty once it is
  FilePosition position_;

  mutable absl::Mutex mu_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mu_);
  int next_number_ ABSL_GUARDED_BY(mu_) = 0;
  bool growing_ ABSL_GUARDED_BY(mu_) = false;
  // No space; until a file is freed, or NoteSpace().
  bool cannot_grow_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status growth_error_ ABSL_GUARDED_BY(mu_);  // of a background growth, other than no space
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_JOURNAL_H_
