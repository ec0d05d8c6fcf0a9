#include "storage/log/journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/file_names.h"

namespace weir {
namespace {
constexpr int64_t kZeroWrite = limits::kMiB / 2;
}  // namespace

Journal::~Journal() {
  const auto grown = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !growing_; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&grown));
}

absl::Status Journal::AdoptFiles() {
  FileSystem& fs = *options_.file_system;
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        fs.List(JournalDirectory(options_.data_directory)));
  absl::MutexLock lock(&mu_);
  for (const std::string& name : names) {
    absl::string_view finished = name;
    const bool half_made = absl::ConsumeSuffix(&finished, kTemporarySuffix);
    const auto number = ParseJournalName(finished);
    if (!number) continue;
    if (half_made) {
      WEIR_RETURN_IF_ERROR(fs.Remove(JoinPath(JournalDirectory(options_.data_directory), name)));
      continue;
    }
    next_number_ = std::max(next_number_, *number + 1);
    const std::string path = JournalPath(options_.data_directory, *number);
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<File> file, fs.Open(path, OpenMode::kReadWrite));
    std::string block(limits::kJournalBlock, '\0');
    WEIR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(FilePosition{0}, absl::MakeSpan(block)));
    const auto header = DecodeJournalFileHeader(absl::string_view(block).substr(0, n));
    Slot slot{.number = *number, .file = std::move(file)};
    if (header && header->uuid == options_.uuid && header->sequence >= options_.live_from)
      slot.sequence = header->sequence;
    WEIR_ASSIGN_OR_RETURN(const int64_t size, slot.file->Size());
    if (size != options_.file_bytes && slot.sequence.value() == 0) {  // the setting has changed
      WEIR_RETURN_IF_ERROR(fs.Remove(path));
      continue;
    }
    slots_.push_back(std::move(slot));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(JournalOptions options) {
  FileSystem& fs = *options.file_system;
  const std::string directory = JournalDirectory(options.data_directory);
  WEIR_RETURN_IF_ERROR(CreateDirectories(fs, directory));
  auto journal = std::unique_ptr<Journal>(new Journal(std::move(options)));
  WEIR_RETURN_IF_ERROR(journal->AdoptFiles());
  journal->header_ = {.uuid = journal->options_.uuid,
                      .sequence = journal->options_.first_sequence - 1,  // TakeNextFile counts up
                      .file_bytes = journal->options_.file_bytes};
  WEIR_ASSIGN_OR_RETURN(const bool taken, journal->TakeNextFile(Purpose::kControl));
  WEIR_CHECK(taken);
  // The header is on disk before a recovery point names the file.
  WEIR_RETURN_IF_ERROR(journal->file_->Write(FilePosition{0}, journal->header_block_));
  journal->header_block_.clear();
  absl::Status synced = journal->file_->Sync();
  if (synced.ok()) synced = fs.SyncDirectory(directory);
  if (!synced.ok()) return FlushFailed(synced);
  return journal;
}

absl::StatusOr<Journal::Slot> Journal::MakeFile(int number) {
  // Under its name it is whole, so that one which is shorter than its header says has been cut.
  const std::string path = JournalPath(options_.data_directory, number);
  const std::string temporary = absl::StrCat(path, kTemporarySuffix);
  FileSystem& fs = *options_.file_system;
  // Not tried in vain: what is left belongs to the segments.
  const auto space = fs.Space(JournalDirectory(options_.data_directory));
  if (space.ok() && space->free_bytes < options_.file_bytes)
    return absl::ResourceExhaustedError("the disk has no room for a journal file");
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(temporary, OpenMode::kCreateNew);
  absl::Status status = file.status();
  const std::string zeros(static_cast<size_t>(std::min(kZeroWrite, options_.file_bytes)), '\0');
  for (int64_t at = 0; status.ok() && at < options_.file_bytes;
       at += static_cast<int64_t>(zeros.size())) {
    status = (*file)->Write(FilePosition{at},
                            absl::string_view(zeros).substr(0, options_.file_bytes - at));
    // Flushed piece by piece: a round that is flushed meanwhile waits for one piece, not for all.
    if (status.ok()) {
      if (const absl::Status synced = (*file)->Sync(); !synced.ok()) status = FlushFailed(synced);
    }
  }
  const bool whole = status.ok();
  if (whole) status = fs.Rename(temporary, path);
  const bool renamed = whole && status.ok();
  if (renamed) {
    const absl::Status synced = fs.SyncDirectory(JournalDirectory(options_.data_directory));
    if (!synced.ok()) status = FlushFailed(synced);
  }
  if (!status.ok()) {
    fs.Remove(renamed ? path : temporary).IgnoreError();
    return status;
  }
  return Slot{.number = number, .file = *std::move(file)};
}

absl::StatusOr<bool> Journal::TakeNextFile(Purpose purpose) {
  absl::MutexLock lock(&mu_);
  const auto wait_for_growth = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !growing_; };
  mu_.Await(absl::Condition(&wait_for_growth));
  WEIR_RETURN_IF_ERROR(growth_error_);
  const auto free_slot = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) -> Slot* {
    Slot* found = nullptr;
    int free = 0;
    for (Slot& slot : slots_) {
      if (slot.sequence.value() != 0) continue;
      ++free;
      if (found == nullptr || slot.number < found->number) found = &slot;
    }
    const bool may_grow = static_cast<int>(slots_.size()) < options_.max_files && !cannot_grow_;
    return purpose == Purpose::kAppend && free == 1 && !may_grow ? nullptr : found;
  };
  Slot* next = free_slot();
  const bool starting = file_ == nullptr;
  if (next == nullptr &&
      (starting || (static_cast<int>(slots_.size()) < options_.max_files && !cannot_grow_))) {
    const bool last_one = static_cast<int>(slots_.size()) + 1 == options_.max_files;
    absl::StatusOr<Slot> made = MakeFile(next_number_);
    if (absl::IsResourceExhausted(made.status())) {
      cannot_grow_ = true;
    } else if (!made.ok()) {
      return made.status();
    } else {
      ++next_number_;
      slots_.push_back(*std::move(made));
      if (!last_one || purpose == Purpose::kControl) next = &slots_.back();
    }
  }
  if (next == nullptr) {
    if (file_ == nullptr)
      return absl::ResourceExhaustedError("no space for the first file of the commit journal");
    return false;
  }
  header_.sequence = header_.sequence + 1;
  next->sequence = header_.sequence;
  file_ = next->file;
  header_block_ = EncodeJournalFileHeader(header_);
  position_ = FilePosition{limits::kJournalBlock};
  return true;
}

void Journal::GrowAhead() {
  if (options_.background == nullptr) return;
  {
    absl::MutexLock lock(&mu_);
    const bool has_free = std::any_of(slots_.begin(), slots_.end(),
                                      [](const Slot& s) { return s.sequence.value() == 0; });
    if (has_free || growing_ || cannot_grow_ ||
        static_cast<int>(slots_.size()) >= options_.max_files)
      return;
    growing_ = true;
  }
  options_.background->Post([this] {
    int number;
    {
      absl::MutexLock lock(&mu_);
      number = next_number_;
    }
    absl::StatusOr<Slot> made = MakeFile(number);
    absl::MutexLock lock(&mu_);
    growing_ = false;
    if (made.ok()) {
      ++next_number_;
      slots_.push_back(*std::move(made));
    } else {
      cannot_grow_ = true;
      if (!absl::IsResourceExhausted(made.status())) growth_error_ = made.status();
    }
  });
}

absl::StatusOr<bool> Journal::Reserve(int64_t bytes, Purpose purpose) {
  const int64_t need = RoundUpToBlock(bytes);
  WEIR_CHECK(need <= most_round_bytes());
  if (position_.value() + need <= options_.file_bytes) {
    if (position_.value() > options_.file_bytes / 4) GrowAhead();
    return true;
  }
  return TakeNextFile(purpose);
}

absl::Status Journal::WriteRound(RoundNumber round, std::vector<absl::string_view> pieces) {
  static const std::string* const kZeros = new std::string(limits::kJournalBlock, '\0');
  const std::array<char, kRoundHeadBytes> head = EncodeRoundHead(header_, round, pieces);
  pieces.insert(pieces.begin(), absl::string_view(head.data(), head.size()));
  int64_t size = 0;
  for (const absl::string_view piece : pieces) size += static_cast<int64_t>(piece.size());
  const int64_t padded = RoundUpToBlock(size);
  // Whole pages: writing a part of one that has left memory would have to read it first.
  pieces.push_back(absl::string_view(*kZeros).substr(0, static_cast<size_t>(padded - size)));
  FilePosition at = position_;
  if (!header_block_.empty()) {
    pieces.insert(pieces.begin(), header_block_);
    at = FilePosition{0};
  }
  WEIR_CHECK(position_.value() + padded <= options_.file_bytes);
  WEIR_RETURN_IF_ERROR(file_->WriteAt(at, pieces));
  header_block_.clear();
  position_ += padded;
  return absl::OkStatus();
}

absl::Status Journal::Flush() {
  if (SeededBug("skip-journal-sync")) return absl::OkStatus();
  return file_->Sync();
}

void Journal::FreeBelow(JournalSequence sequence) {
  absl::MutexLock lock(&mu_);
  for (Slot& slot : slots_) {
    if (slot.sequence < sequence) {
      slot.sequence = JournalSequence{0};
      cannot_grow_ = false;
    }
  }
  // Files of another size, or one too many, served a recovery and go now.
  for (size_t i = 0; i < slots_.size();) {
    const auto size = slots_[i].file->Size();
    const bool odd = size.ok() && *size != options_.file_bytes;
    const bool surplus = static_cast<int>(slots_.size()) > options_.max_files;
    const std::string path = JournalPath(options_.data_directory, slots_[i].number);
    if (slots_[i].sequence.value() == 0 && (odd || surplus) &&
        options_.file_system->Remove(path).ok()) {
      slots_.erase(slots_.begin() + static_cast<int64_t>(i));
    } else {
      ++i;
    }
  }
}

void Journal::NoteSpace() {
  absl::MutexLock lock(&mu_);
  cannot_grow_ = false;
}

int64_t Journal::most_round_bytes() const { return options_.file_bytes - limits::kJournalBlock; }

int Journal::full_files() const {
  absl::MutexLock lock(&mu_);
  int live = 0;
  for (const Slot& slot : slots_) live += slot.sequence.value() != 0;
  return live - 1;  // the current one
}

int64_t Journal::disk_bytes() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int64_t>(slots_.size()) * options_.file_bytes;
}

}  // namespace weir
