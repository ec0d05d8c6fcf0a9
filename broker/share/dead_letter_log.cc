#include "broker/share/dead_letter_log.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"

namespace weir {

bool LetterFilter::Matches(const DeadLetterView& letter) const {
  return (!reason.has_value() || letter.reason == *reason) &&
         (!key.has_value() || (letter.key.has_value() && *letter.key == *key)) &&
         (!from_ms.has_value() || letter.died_ms >= *from_ms) &&
         (!until_ms.has_value() || letter.died_ms < *until_ms);
}

absl::StatusOr<DeadLetterLog::Piece> DeadLetterLog::Read(LetterPosition from,
                                                         const LetterFilter& filter,
                                                         int64_t most) const {
  Piece piece;
  WEIR_ASSIGN_OR_RETURN(const std::optional<LetterPosition> at, Settle(from));
  if (!at.has_value()) return piece;
  piece.id = {.group = options_.group,
              .partition = {.topic = options_.topic->id, .partition = at->partition}};
  WEIR_RETURN_IF_ERROR(ReadBatches(*at, &piece));
  absl::string_view rest = piece.batches.view();
  while (!rest.empty()) {
    const auto size = static_cast<size_t>(DecodeBatchHeader(rest.data()).size_bytes());
    if (!AddLetters(rest.substr(0, size), *at, filter, most, &piece)) break;
    rest.remove_prefix(size);
  }
  WEIR_RETURN_IF_ERROR(FindMarked(&piece));
  if (!piece.next.has_value()) return piece;
  WEIR_ASSIGN_OR_RETURN(piece.next, Settle(*piece.next));
  return piece;
}

absl::StatusOr<std::optional<LetterPosition>> DeadLetterLog::Settle(LetterPosition from) const {
  for (; from.partition.value() < options_.topic->partitions;
       from = {.partition = from.partition + 1, .offset = Offset{0}}) {
    WEIR_ASSIGN_OR_RETURN(const PartitionManager::Found found,
                          options_.partitions->Find(options_.topic, from.partition));
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, found.partition->OpenLog());
    const LogBounds bounds = log->bounds();
    from.offset = std::max(from.offset, bounds.log_start);
    if (from.offset < bounds.high_watermark) return from;
  }
  return std::nullopt;
}

absl::Status DeadLetterLog::ReadBatches(LetterPosition from, Piece* piece) const {
  WEIR_ASSIGN_OR_RETURN(const PartitionManager::Found found,
                        options_.partitions->Find(options_.topic, from.partition));
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, found.partition->OpenLog());
  std::optional<Reservation> memory = options_.memory->TryReserve(limits::kLetterMemory);
  if (!memory.has_value()) return OverMemoryBudget(*options_.memory, limits::kLetterMemory);
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(LogRead read,
                          log->Read(from.offset, limits::kLetterReadBytes, ReadMode::kMayBlock,
                                    /*cursor=*/nullptr, memory->bytes()));
    if (read.needed == 0) {
      piece->bytes = static_cast<int64_t>(read.batches.size);
      piece->batches = std::move(read.batches);
      piece->memory = *std::move(memory);
      piece->next = {.partition = from.partition, .offset = read.next_offset};
      return absl::OkStatus();
    }
    if (!memory->TryGrow(read.needed)) return OverMemoryBudget(*options_.memory, read.needed);
  }
}

bool DeadLetterLog::AddLetters(absl::string_view batch, LetterPosition from,
                               const LetterFilter& filter, int64_t most, Piece* piece) const {
  if (BatchCrc(batch) != DecodeBatchHeader(batch.data()).crc) return true;
  const size_t before = piece->letters.size();
  RecordReader& reader = piece->readers.emplace_back(batch);
  RecordView record;
  bool room = true;
  while (reader.Next(&record)) {
    if (record.offset < from.offset || !room) continue;
    std::optional<DeadLetterView> letter = ReadDeadLetter(record);
    if (!letter.has_value() || letter->group != options_.group) continue;
    if (piece->looked_at == most) {
      room = false;
      piece->next = {.partition = from.partition, .offset = record.offset};
      continue;
    }
    ++piece->looked_at;
    if (filter.Matches(*letter)) piece->letters.push_back({.view = *std::move(letter)});
  }
  // A batch that ends badly is not to be trusted at all.
  if (!reader.status().ok()) piece->letters.resize(before);
  return room;
}

absl::Status DeadLetterLog::FindMarked(Piece* piece) const {
  if (piece->letters.empty()) return absl::OkStatus();
  std::vector<Offset> offsets;
  for (const Letter& letter : piece->letters) offsets.push_back(letter.view.offset);
  absl::StatusOr<std::vector<Offset>> marked = std::vector<Offset>();
  absl::Notification answered;
  options_.machines->Marked(piece->id, std::move(offsets),
                            [&](absl::StatusOr<std::vector<Offset>> answer) {
                              marked = std::move(answer);
                              answered.Notify();
                            });
  answered.WaitForNotification();
  WEIR_RETURN_IF_ERROR(marked.status());
  const absl::flat_hash_set<Offset> done(marked->begin(), marked->end());
  for (Letter& letter : piece->letters) letter.marked = done.contains(letter.view.offset);
  return absl::OkStatus();
}

}  // namespace weir
