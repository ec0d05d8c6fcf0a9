#include <gtest/gtest.h>

#include <string>

#include "storage/record/key_partitioner.h"

namespace weir {
namespace {

struct Known {
  std::string key;
  int32_t hash;  // as Java prints it
  int32_t of_12;
  int32_t of_1000;
};

std::string HighBytes() {
  std::string bytes;
  for (int byte = 128; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

// Computed with python3-kafka's DefaultPartitioner; the words from "21" to "abc" are also in the
// tests of Kafka's own client.
const Known kKnown[] = {
    {"", 275646681, 9, 681},
    {"a", -1563381124, 4, 524},
    {"ab", 316155434, 2, 434},
    {"abc", 479470107, 3, 107},
    {"abcd", -1323649548, 8, 100},
    {"21", -973932308, 0, 340},
    {"foobar", -790332482, 6, 166},
    {"a-little-bit-long-string", -985981536, 8, 112},
    {"a-little-bit-longer-string", -1486304829, 11, 819},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5, 677},
    {"\xff\xfe\x80", -160726397, 3, 251},
    {std::string(5, '\0'), 263274959, 11, 959},
    {HighBytes(), 872916902, 2, 902},
    {"libc6", -363145570, 10, 78},
    {"linux-image-amd64", 813029733, 9, 733},
};

TEST(KeyPartitionerTest, GivesTheHashesThatKafkaGives) {
  for (const Known& known : kKnown)
    EXPECT_EQ(static_cast<int32_t>(Murmur2(known.key)), known.hash) << known.key;
}

TEST(KeyPartitionerTest, GivesThePartitionsThatKafkaGives) {
  for (const Known& known : kKnown) {
    EXPECT_EQ(PartitionForKey(known.key, 1), PartitionIndex(0)) << known.key;
    EXPECT_EQ(PartitionForKey(known.key, 12), PartitionIndex(known.of_12)) << known.key;
    EXPECT_EQ(PartitionForKey(known.key, 1000), PartitionIndex(known.of_1000)) << known.key;
  }
}

TEST(KeyPartitionerTest, HashesAKeyAtAnUnalignedPlaceTheSame) {
  const std::string shifted = "-lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8";
  EXPECT_EQ(static_cast<int32_t>(Murmur2(absl::string_view(shifted).substr(1))), -58897971);
}

}  // namespace
}  // namespace weir
