#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "tools/cli/record_printer.h"

namespace weir {
namespace {

std::string Printed(RecordFormat format, std::optional<absl::string_view> key,
                    std::optional<absl::string_view> value,
                    absl::Span<const HeaderView> headers = {}) {
  RecordBatchBuilder builder;
  builder.Append(1'763'805'600'250, key, value, headers);
  const std::string batch = builder.Finish({.base_offset = Offset(41)});
  RecordReader reader(batch);
  RecordView record;
  EXPECT_TRUE(reader.Next(&record));
  std::string out;
  RecordPrinter(std::move(format)).Append("orders", PartitionIndex(3), record, &out);
  return out;
}

TEST(RecordPrinterTest, TheValueAloneIsALine) { EXPECT_EQ(Printed({}, "k", "v"), "v\n"); }

TEST(RecordPrinterTest, OffsetTimeAndKeyComeFirstWhenAskedFor) {
  EXPECT_EQ(
      Printed({.print_key = true, .print_offset = true, .print_timestamp = true, .separator = "|"},
              "k", "v"),
      "3:41|2025-11-22T10:00:00.250Z|k|v\n");
}

TEST(RecordPrinterTest, WhatIsMissingIsNothingInText) {
  EXPECT_EQ(Printed({.print_key = true}, {}, {}), "\t\n");
}

TEST(RecordPrinterTest, JsonTellsMissingFromEmpty) {
  EXPECT_EQ(Printed({.output = OutputFormat::kJson}, {}, ""),
            "{\"topic\":\"orders\",\"partition\":3,\"offset\":41,\"timestamp_ms\":1763805600250,"
            "\"key\":null,\"value\":\"\","
            "\"headers\":[]}\n");
}

TEST(RecordPrinterTest, JsonHasHeadersAndBytes) {
  const HeaderView header{"h", absl::string_view("\xff", 1)};
  EXPECT_EQ(Printed({.output = OutputFormat::kJson}, "k", "v", absl::MakeConstSpan(&header, 1)),
            "{\"topic\":\"orders\",\"partition\":3,\"offset\":41,\"timestamp_ms\":1763805600250,"
            "\"key\":\"k\",\"value\":\"v\","
            "\"headers\":[{\"key\":\"h\",\"value_base64\":\"/w==\"}]}\n");
}

}  // namespace
}  // namespace weir
