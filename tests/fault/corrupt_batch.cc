#include "tests/fault/corrupt_batch.h"

#include "absl/strings/str_cat.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr int16_t kTransactional = 0x10;
constexpr int16_t kControl = 0x20;

// With a header that says something else, and a CRC that is right.
template <typename Change>
std::string Resealed(std::string batch, Change change) {
  RecordBatchHeader header = DecodeBatchHeader(batch.data());
  change(&header);
  SealBatch(header, batch.data(), batch.size());
  return batch;
}

std::string Flipped(std::string batch, size_t begin, size_t size, SimRandom& random) {
  batch[begin + random.Below(size)] ^= static_cast<char>(1 << random.Below(8));
  return batch;
}

}  // namespace

CorruptBatch DrawCorruptBatch(std::string batch, SimRandom& random) {
  CorruptBatch corrupt{.reason = "CORRUPT_BATCH"};
  const size_t size = batch.size();
  switch (random.Below(11)) {
    case 0:
      corrupt.what = "a bit of a record flipped";
      corrupt.bytes = Flipped(batch, kBatchHeaderBytes, size - kBatchHeaderBytes, random);
      break;
    case 1:
      corrupt.what = "a bit of the CRC flipped";
      corrupt.bytes = Flipped(batch, kCrcAt, 4, random);
      break;
    case 2:
      corrupt.what = "cut off";
      corrupt.bytes = batch.substr(0, random.Below(size));
      break;
    case 3:
      corrupt.what = "with a byte too many";
      corrupt.bytes = batch + '\0';
      break;
    case 4:
      corrupt.what = "twice";
      corrupt.bytes = batch + batch;
      break;
    case 5:
      corrupt.what = "of another magic";
      batch[kMagicAt] = static_cast<char>(random.Below(2));
      corrupt.bytes = batch;
      break;
    case 6:
      corrupt.what = "of an unknown codec";
      corrupt.reason = "UNSUPPORTED_COMPRESSION";
      corrupt.bytes = Resealed(batch, [&](RecordBatchHeader* header) {
        header->set_compression(static_cast<Compression>(5 + random.Below(3)));
      });
      break;
    case 7:
      corrupt.what = "transactional or control";
      corrupt.bytes = Resealed(batch, [&](RecordBatchHeader* header) {
        header->attributes |= random.Chance(0.5) ? kTransactional : kControl;
      });
      break;
    case 8:
      corrupt.what = "with a record count that is not so";
      corrupt.bytes = Resealed(batch, [&](RecordBatchHeader* header) {
        header->record_count += random.Chance(0.5) ? 1 : -1;
      });
      break;
    case 9:
      corrupt.what = "of no records";
      corrupt.bytes = Resealed(batch, [](RecordBatchHeader* header) {
        header->record_count = 0;
        header->last_offset_delta = -1;
      });
      break;
    default:
      corrupt.what = "with a negative base offset";
      corrupt.bytes =
          Resealed(batch, [](RecordBatchHeader* header) { header->base_offset = Offset{-1}; });
  }
  return corrupt;
}

}  // namespace weir
