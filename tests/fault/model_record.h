// ModelRecord: one record as the reference model of the broker keeps it; SeenRecord: one as the
// broker showed it, in whatever form it came, borrowed. Plain values.
#ifndef WEIR_TESTS_FAULT_MODEL_RECORD_H_
#define WEIR_TESTS_FAULT_MODEL_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/record/record_view.h"
#include "weir/v1/common.pb.h"

namespace weir {

struct ModelHeader {
  std::string key;
  std::optional<std::string> value;
};

struct ModelRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<ModelHeader> headers;
  std::optional<int64_t> timestamp_ms;  // absent: the broker's time of arrival, not seen yet

  std::vector<HeaderView> HeaderViews() const;  // borrowed
  v1::Record ToProto() const;                   // without an offset
  // A batch that holds only this record takes at least and at most so many bytes, uncompressed.
  int64_t SmallestBatch() const;
  int64_t LargestBatch() const;
};

struct SeenRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  std::vector<HeaderView> headers;

  explicit SeenRecord(const RecordView& view);
  explicit SeenRecord(const v1::Record& record);
};

// What `seen` has that `model` has not; empty when they are the same. A time that the model does
// not know yet is no difference, the offset is somebody else's business.
std::string Difference(const ModelRecord& model, const SeenRecord& seen);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_RECORD_H_
