#include "tools/cli/log_dump.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"
#include "storage/log/partition_state.h"
#include "storage/log/recovery_point.h"
#include "storage/log/sparse_index.h"
#include "tools/cli/batch_text.h"
#include "tools/log_inspect/journal_dump.h"
#include "tools/log_inspect/segment_walker.h"
#include "tools/log_inspect/topic_names.h"

namespace weir {
namespace {

std::string Hex(const JournalUuid& uuid) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(uuid.data()), uuid.size()));
}

class Dump {
 public:
  Dump(FileSystem& fs, const DumpOptions& options, OutputFile* out)
      : fs_(fs),
        options_(options),
        out_(*out),
        json_output_(options.output == OutputFormat::kJson) {}

  absl::Status Segment();
  absl::Status Index(Offset base);
  absl::Status Journal();
  absl::Status RecoveryPointFile();

 private:
  std::string* text() { return out_.buffer(); }
  void EndJsonLine() { absl::StrAppend(text(), json_.EndObject().text(), "\n"); }
  void Batch(const SegmentWalker& walker);
  void Round(FilePosition position, const JournalRound& round, const TopicNames& names);
  void Entry(const JournalEntry& entry, const TopicNames& names);
  // Of a batch that is complete; what cannot be decoded is told in its place.
  void Records(absl::string_view batch, absl::string_view indent);

  FileSystem& fs_;
  const DumpOptions& options_;
  OutputFile& out_;
  const bool json_output_;
  JsonWriter json_;
};

void Dump::Records(absl::string_view batch, absl::string_view indent) {
  if (!json_output_) {
    const absl::Status read = AppendRecordLines(batch, indent, text());
    if (!read.ok()) absl::StrAppend(text(), indent, "cannot be decoded: ", read.message(), "\n");
    return;
  }
  json_.Key("records");
  const absl::Status read = WriteRecordArray(batch, &json_);
  if (!read.ok()) json_.Key("error").String(read.message());
}

void Dump::Batch(const SegmentWalker& walker) {
  if (json_output_) {
    json_.Clear();
    json_.BeginObject().Key("position").Int(walker.position().value());
    WriteBatchMembers(walker.header(), &json_);
    json_.Key("crc_ok").Bool(walker.crc_ok());
    if (options_.records) Records(walker.bytes(), "");
    return EndJsonLine();
  }
  absl::StrAppend(text(), "position ", walker.position().value(), "  ", BatchText(walker.header()),
                  walker.crc_ok() ? "" : "  CRC DOES NOT MATCH", "\n");
  if (options_.records) Records(walker.bytes(), "  ");
}

absl::Status Dump::Segment() {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs_.Open(options_.path, OpenMode::kRead));
  WEIR_ASSIGN_OR_RETURN(const int64_t size, file->Size());
  SegmentWalker walker(file.get(), FilePosition{0}, FilePosition{size});
  int64_t wrong = 0;
  for (int64_t left = options_.max; left != 0 && walker.Next(); --left) {
    if (!walker.crc_ok()) ++wrong;
    Batch(walker);
    if (!out_.MaybeFlush()) return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(walker.status());
  if (!walker.stopped_because().empty()) {
    return absl::DataLossError(absl::StrCat(
        options_.path, ": no batch at byte ", walker.position().value(), " of ", size, ": ",
        walker.stopped_because(),
        ". At the end of the newest segment this is no damage when a broker is writing or "
        "was killed: 'weir log verify' knows"));
  }
  if (wrong > 0)
    return absl::DataLossError(
        absl::StrCat(options_.path, ": ", wrong, " batches have a wrong CRC"));
  return absl::OkStatus();
}

absl::Status Dump::Index(Offset base) {
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(fs_, options_.path));
  const absl::StatusOr<FileInfo> segment =
      fs_.Stat(JoinPath(ParentPath(options_.path), SegmentName(base)));
  const FilePosition end{segment.ok() ? segment->size : INT64_MAX};
  const SparseIndex index = SparseIndex::Decode(base, bytes, end);
  const std::optional<SparseIndex::Seal>& seal = index.seal();
  Listing listing({"base_offset", "file_bytes", "entries", "last_position", "sealed",
                   "end_position", "next_offset", "max_timestamp_ms", "append_time_ms"});
  const auto of_seal = [&](int64_t value) { return seal ? Cell(value) : Cell(); };
  const SparseIndex::Seal values = seal.value_or(SparseIndex::Seal{});
  listing.AddRow({base.value(), static_cast<int64_t>(bytes.size()),
                  static_cast<int64_t>(index.entry_count()), index.last_place().position.value(),
                  seal.has_value(), of_seal(values.end.value()),
                  of_seal(values.next_offset.value()), of_seal(values.max_timestamp_ms),
                  of_seal(values.append_time_ms)});
  absl::StrAppend(text(), listing.Render(options_.output));
  return absl::OkStatus();
}

void Dump::Entry(const JournalEntry& entry, const TopicNames& names) {
  const EntryHead& head = entry.head;
  const absl::string_view kind = head.kind == EntryKind::kAppend     ? "append"
                                 : head.kind == EntryKind::kTruncate ? "truncate"
                                 : head.kind == EntryKind::kLogStart ? "log_start"
                                                                     : "unknown";
  const bool batch = head.kind == EntryKind::kAppend && entry.payload.size() >= kBatchHeaderBytes;
  const bool offset = head.kind != EntryKind::kAppend && entry.payload.size() == sizeof(int64_t);
  const std::string topic = names.NameOf(head.partition.topic);
  if (json_output_) {
    json_.BeginObject().Key("kind").String(kind).Key("topic").String(topic);
    if (head.with_next) json_.Key("with_next").Bool(true);
    json_.Key("partition")
        .Int(head.partition.partition.value())
        .Key("segment_base")
        .Int(head.segment_base.value());
    json_.Key("segment_position").Int(head.position.value());
    if (batch) WriteBatchMembers(DecodeBatchHeader(entry.payload.data()), &json_);
    if (offset) json_.Key("offset").Int(LoadLittle<int64_t>(entry.payload.data()));
    if (batch && options_.records) Records(entry.payload, "");
    json_.EndObject();
    return;
  }
  absl::StrAppend(text(), "  ", kind, "  ", topic, "/", head.partition.partition.value(),
                  "  segment ", head.segment_base.value(), " position ", head.position.value());
  if (batch) absl::StrAppend(text(), "  ", BatchText(DecodeBatchHeader(entry.payload.data())));
  if (offset) absl::StrAppend(text(), "  offset ", LoadLittle<int64_t>(entry.payload.data()));
  if (head.with_next) absl::StrAppend(text(), "  with next");
  text()->push_back('\n');
  if (batch && options_.records) Records(entry.payload, "    ");
}

void Dump::Round(FilePosition position, const JournalRound& round, const TopicNames& names) {
  if (json_output_) {
    json_.Clear();
    json_.BeginObject()
        .Key("position")
        .Int(position.value())
        .Key("round")
        .Int(static_cast<int64_t>(round.number.value()));
    json_.Key("size_bytes").Int(round.size).Key("entries").BeginArray();
  } else {
    absl::StrAppend(text(), "position ", position.value(), "  round ", round.number.value(),
                    "  bytes ", round.size, "  entries ", round.entries.size(), "\n");
  }
  for (const JournalEntry& entry : round.entries) Entry(entry, names);
  if (json_output_) {
    json_.EndArray();
    EndJsonLine();
  }
}

absl::Status Dump::Journal() {
  const TopicNames names = TopicNames::Load(fs_, ParentPath(ParentPath(options_.path)));
  int64_t left = options_.max;
  bool reading = true;
  const absl::StatusOr<JournalFileSummary> summary =
      DumpJournal(fs_, options_.path, [&](FilePosition position, const JournalRound& round) {
        if (left-- == 0) return false;
        Round(position, round, names);
        return reading = out_.MaybeFlush();
      });
  WEIR_RETURN_IF_ERROR(summary.status());
  if (!reading || json_output_) return absl::OkStatus();
  absl::StrAppend(text(), "journal ", Hex(summary->header.uuid), "  sequence ",
                  summary->header.sequence.value(), "  rounds ", summary->rounds, "  used ",
                  summary->used_bytes, " of ", summary->file_bytes, " bytes\n");
  return absl::OkStatus();
}

absl::Status Dump::RecoveryPointFile() {
  WEIR_ASSIGN_OR_RETURN(const RecoveryPoint point, RecoveryPoint::Load(fs_, options_.path));
  const TopicNames names = TopicNames::Load(fs_, ParentPath(options_.path));
  Listing listing({"topic", "partition", "log_start_offset", "log_end_offset", "segment_base",
                   "segment_position", "as_of_round", "leader_epoch", "producers"});
  std::vector<std::pair<TopicPartition, std::string>> states(point.states().begin(),
                                                             point.states().end());
  std::sort(states.begin(), states.end());
  for (const auto& [id, bytes] : states) {
    PartitionState state;
    ByteReader in(bytes);
    if (!state.DecodeFrom(&in))
      return absl::DataLossError(
          absl::StrCat("the state of ", id.topic.ToString(), " makes no sense"));
    listing.AddRow({names.NameOf(id.topic), int64_t{id.partition.value()}, state.log_start.value(),
                    state.log_end.value(), state.segment_base.value(), state.position.value(),
                    static_cast<int64_t>(state.as_of.value()),
                    int64_t{state.epochs.latest().value()},
                    static_cast<int64_t>(state.producers.size())});
  }
  const RecoveryPoint::Position& position = point.position();
  if (json_output_) {
    json_.BeginObject().Key("through_round").Int(static_cast<int64_t>(position.through.value()));
    json_.Key("oldest_live_journal").Int(static_cast<int64_t>(position.oldest_live.value()));
    json_.Key("clean")
        .Bool(position.clean)
        .Key("journal")
        .String(Hex(position.journal))
        .Key("partitions");
    listing.WriteTo(&json_);
    EndJsonLine();
  } else {
    absl::StrAppend(text(), "rounds up to ", position.through.value(),
                    " are in the segments  oldest live journal file ", position.oldest_live.value(),
                    "  journal ", Hex(position.journal), "  ",
                    position.clean ? "clean" : "not clean", "\n\n",
                    listing.Render(options_.output));
  }
  return absl::OkStatus();
}

absl::Status DumpByName(FileSystem& fs, const DumpOptions& options, OutputFile* out) {
  const std::string name = options.path.substr(options.path.rfind('/') + 1);
  Dump dump(fs, options, out);
  if (ParseSegmentName(name) || absl::EndsWith(name, ".log.damaged")) return dump.Segment();
  if (const auto base = ParseIndexName(name)) return dump.Index(*base);
  if (ParseJournalName(name)) return dump.Journal();
  if (RecoveryPointPath("") == absl::StrCat("/", name) || RecoveryPointPath("") == name)
    return dump.RecoveryPointFile();
  return absl::InvalidArgumentError(
      absl::StrCat("'", options.path,
                   "' is no file that can be dumped: give a segment (20 digits and .log), an index "
                   "(.index), a journal file "
                   "(.journal) or a recovery-point"));
}

}  // namespace

absl::Status DumpFile(FileSystem& fs, const DumpOptions& options, OutputFile* out) {
  const absl::Status dumped = DumpByName(fs, options, out);
  out->Flush();
  return dumped.ok() ? out->status() : dumped;
}

}  // namespace weir
