// CommittedOffsets: how far a group has come in every partition it has ever committed. Kept small,
// since there may be millions: forty bytes each, metadata apart. Not thread-safe.
#ifndef WEIR_BROKER_GROUP_COMMITTED_OFFSETS_H_
#define WEIR_BROKER_GROUP_COMMITTED_OFFSETS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "storage/base/types.h"

namespace weir {

struct CommittedOffset {
  Offset offset;                 // the next one to read
  LeaderEpoch leader_epoch{-1};  // of the last record that was read; -1: not known
  std::string metadata;          // the client's, at most limits::kOffsetMetadataBytes
  int64_t commit_ms = 0;

  bool operator==(const CommittedOffset&) const = default;
};

class CommittedOffsets {
 public:
  std::optional<CommittedOffset> Find(const TopicPartition& partition) const;
  void Set(const TopicPartition& partition, const CommittedOffset& committed);
  // Everything of the topic.
  void Forget(TopicId topic);

  // How many partitions a topic had when the group first subscribed to it; 0 when the topic came
  // later than the subscription. Nothing: that was not noted.
  std::optional<int32_t> StartedWith(TopicId topic) const;
  void NoteStart(TopicId topic, int32_t partitions);

  // In order, those at `from` and behind it, until `visit` returns false.
  void Visit(const TopicPartition& from,
             absl::FunctionRef<bool(const TopicPartition&, const CommittedOffset&)> visit) const;
  // Those of one topic, in order, from a partition on; without looking at metadata.
  void VisitOffsets(const TopicPartition& from,
                    absl::FunctionRef<bool(PartitionIndex, Offset)> visit) const;
  // The first topic with offsets that comes behind `after`; nothing: the first of all.
  std::optional<TopicId> TopicBehind(const std::optional<TopicId>& after) const;
  // Topics with offsets or a noted start; ascending.
  std::vector<TopicId> Topics() const;

  size_t size() const { return size_; }
  size_t metadata_bytes() const { return metadata_bytes_; }
  // 0 before the first.
  int64_t last_commit_ms() const { return last_commit_ms_; }

 private:
  struct Slot {
    Offset offset;
    int64_t commit_ms;
    LeaderEpoch leader_epoch;
    bool has_metadata;
  };
  struct TopicOffsets {
    absl::btree_map<PartitionIndex, Slot> slots;
    std::optional<int32_t> started_with;
  };

  CommittedOffset Full(const TopicPartition& partition, const Slot& slot) const;
  void DropMetadata(const TopicPartition& partition);

  absl::btree_map<TopicId, TopicOffsets> topics_;
  absl::flat_hash_map<TopicPartition, std::string> metadata_;
  size_t size_ = 0;
  size_t metadata_bytes_ = 0;
  int64_t last_commit_ms_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_COMMITTED_OFFSETS_H_
