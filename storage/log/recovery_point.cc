#include "storage/log/recovery_point.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// frame := magic u32 | crc32c u32 | length u64 | number u64 | clean u8 | journal 16 |
//          through u64 | oldest live u64 | count u32 |
//          (topic 16 | partition i32 | size u32 | state)*
// `length` counts everything behind itself, the CRC covers everything behind itself; frames count
// from 0.
constexpr uint32_t kFrameMagic = 0x50524557;  // "WERP"
constexpr size_t kFrameHead = 16;
constexpr int64_t kSmallFile = 1 * limits::kMiB;

void AppendTopic(std::string* out, const TopicId& topic) {
  out->append(reinterpret_cast<const char*>(topic.bytes.data()), topic.bytes.size());
}

}  // namespace

std::string RecoveryPoint::EncodeFrame(
    uint64_t number, const Position& position,
    absl::Span<const std::pair<TopicPartition, std::string>> states) const {
  std::string frame;
  AppendLittle(&frame, kFrameMagic);
  AppendLittle<uint32_t>(&frame, 0);
  AppendLittle<uint64_t>(&frame, 0);
  AppendLittle(&frame, number);
  AppendLittle<uint8_t>(&frame, position.clean);
  frame.append(reinterpret_cast<const char*>(position.journal.data()), position.journal.size());
  AppendLittle(&frame, position.through.value());
  AppendLittle(&frame, position.oldest_live.value());
  AppendLittle(&frame, static_cast<uint32_t>(states.size()));
  for (const auto& [id, state] : states) {
    AppendTopic(&frame, id.topic);
    AppendLittle(&frame, id.partition.value());
    AppendLittle(&frame, static_cast<uint32_t>(state.size()));
    frame.append(state);
  }
  StoreLittle<uint64_t>(frame.data() + 8, frame.size() - kFrameHead);
  StoreLittle(frame.data() + 4, Crc32c(absl::string_view(frame).substr(8)));
  return frame;
}

std::optional<RecoveryPoint::Frame> RecoveryPoint::DecodeFrame(absl::string_view bytes) {
  if (bytes.size() < kFrameHead || LoadLittle<uint32_t>(bytes.data()) != kFrameMagic)
    return std::nullopt;
  const uint32_t crc = LoadLittle<uint32_t>(bytes.data() + 4);
  const uint64_t length = LoadLittle<uint64_t>(bytes.data() + 8);
  if (length > bytes.size() - kFrameHead) return std::nullopt;
  if (Crc32c(bytes.substr(8, 8 + length)) != crc) return std::nullopt;
  ByteReader in(bytes.substr(kFrameHead, length));
  Frame frame{.size = kFrameHead + length};
  frame.number = in.Read<uint64_t>();
  frame.position.clean = in.Read<uint8_t>() != 0;
  const absl::string_view journal = in.ReadBytes(frame.position.journal.size());
  if (!in.ok()) return std::nullopt;
  std::memcpy(frame.position.journal.data(), journal.data(), journal.size());
  frame.position.through = RoundNumber{in.Read<uint64_t>()};
  frame.position.oldest_live = JournalSequence{in.Read<uint64_t>()};
  const uint32_t count = in.Read<uint32_t>();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    TopicPartition id;
    const absl::string_view topic = in.ReadBytes(id.topic.bytes.size());
    if (!in.ok()) return std::nullopt;
    std::memcpy(id.topic.bytes.data(), topic.data(), topic.size());
    id.partition = PartitionIndex{in.Read<int32_t>()};
    const uint32_t size = in.Read<uint32_t>();
    frame.states.emplace_back(id, std::string(in.ReadBytes(size)));
  }
  if (!in.ok() || !in.rest().empty()) return std::nullopt;
  return frame;
}

void RecoveryPoint::Take(const Position& position,
                         std::vector<std::pair<TopicPartition, std::string>> changed) {
  position_ = position;
  for (auto& [id, state] : changed) {
    std::string& mine = states_[id];
    states_bytes_ += static_cast<int64_t>(state.size()) - static_cast<int64_t>(mine.size());
    mine = std::move(state);
    if (mine.empty()) states_.erase(id);
  }
}

absl::StatusOr<RecoveryPoint> RecoveryPoint::Load(FileSystem& fs, const std::string& path) {
  RecoveryPoint point(fs, path);
  WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, path));
  absl::string_view rest = content;
  for (;;) {
    std::optional<Frame> frame = DecodeFrame(rest);
    if (!frame || frame->number != point.frames_) break;
    rest.remove_prefix(frame->size);
    point.end_ += static_cast<int64_t>(frame->size);
    ++point.frames_;
    point.Take(frame->position, std::move(frame->states));
  }
  const auto corrupt = [&] {
    return absl::DataLossError(
        absl::StrCat(path, " does not verify at byte ", point.end_.value(), " of ", content.size(),
                     ". It says which data is complete; without it nothing can be trusted. Restore "
                     "the file or the data directory "
                     "from a backup; it was left as it is."));
  };
  // The first frame is only ever put in place whole.
  if (point.frames_ == 0) return corrupt();
  // Frames are written one at a time, each flushed before the next: only the last can be torn, and
  // no valid one follows it.
  for (; rest.size() >= kFrameHead; rest.remove_prefix(1)) {
    if (const auto later = DecodeFrame(rest); later && later->number >= point.frames_)
      return corrupt();
  }
  return point;
}

absl::Status RecoveryPoint::Save(const Position& position,
                                 std::vector<std::pair<TopicPartition, std::string>> changed,
                                 bool* sync_failed) {
  *sync_failed = false;
  const std::string frame = EncodeFrame(frames_, position, changed);
  const int64_t limit = std::max(kSmallFile, 2 * states_bytes_);
  if (file_ == nullptr || end_.value() + static_cast<int64_t>(frame.size()) > limit) {
    States states = states_;
    for (auto& [id, state] : changed) {
      if (state.empty()) {
        states.erase(id);
      } else {
        states[id] = std::move(state);
      }
    }
    return Replace(position, std::move(states));
  }
  WEIR_RETURN_IF_ERROR(file_->Write(end_, frame));
  if (absl::Status synced = file_->Sync(); !synced.ok()) {
    *sync_failed = true;
    return synced;
  }
  end_ += static_cast<int64_t>(frame.size());
  ++frames_;
  Take(position, std::move(changed));
  return absl::OkStatus();
}

absl::Status RecoveryPoint::Replace(const Position& position, States states) {
  std::vector<std::pair<TopicPartition, std::string>> all(states.begin(), states.end());
  std::sort(all.begin(), all.end());
  const std::string frame = EncodeFrame(0, position, all);
  file_.reset();
  WEIR_RETURN_IF_ERROR(ReplaceFile(*fs_, path_, frame));
  position_ = position;
  states_ = std::move(states);
  states_bytes_ = static_cast<int64_t>(frame.size());
  frames_ = 1;
  end_ = FilePosition{static_cast<int64_t>(frame.size())};
  WEIR_ASSIGN_OR_RETURN(file_, fs_->Open(path_, OpenMode::kReadWrite));
  return absl::OkStatus();
}

}  // namespace weir
