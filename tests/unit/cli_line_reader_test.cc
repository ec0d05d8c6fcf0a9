#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "storage/base/executor.h"
#include "tools/cli/line_reader.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

// A pipe that a thread fills, so that no amount of input blocks the test.
class Input {
 public:
  explicit Input(std::string text) : writer_("writer", 1) {
    EXPECT_EQ(pipe(ends_), 0);
    writer_.Post([this, text = std::move(text)] {
      for (size_t at = 0; at < text.size();) {
        const ssize_t n = write(ends_[1], text.data() + at, text.size() - at);
        ASSERT_GT(n, 0);
        at += static_cast<size_t>(n);
      }
      close(ends_[1]);
    });
  }
  ~Input() { close(ends_[0]); }
  int fd() const { return ends_[0]; }

 private:
  int ends_[2];
  ThreadExecutor writer_;
};

std::vector<std::string> Lines(const std::string& text, size_t longest = 1000) {
  Input input(text);
  LineReader reader(input.fd(), longest, [] { return true; });
  std::vector<std::string> lines;
  absl::string_view line;
  for (;;) {
    switch (reader.Next(&line)) {
      case LineReader::Result::kLine:
        lines.emplace_back(line);
        break;
      case LineReader::Result::kTooLong:
        lines.emplace_back("(too long)");
        break;
      default:
        EXPECT_TRUE(reader.status().ok());
        return lines;
    }
  }
}

TEST(LineReaderTest, EmptyLinesAreLines) {
  EXPECT_THAT(Lines("a\n\nb\n"), ElementsAre("a", "", "b"));
}

TEST(LineReaderTest, TheLastLineMayLackItsNewline) {
  EXPECT_THAT(Lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_THAT(Lines(""), ElementsAre());
  EXPECT_THAT(Lines("\n"), ElementsAre(""));
}

TEST(LineReaderTest, ALineThatIsTooLongIsPassedOver) {
  EXPECT_THAT(Lines("ab\nabcd\nabc\n", 3), ElementsAre("ab", "(too long)", "abc"));
  EXPECT_THAT(Lines(std::string(2'000'000, 'x') + "\nb\n" + std::string(700'000, 'y'), 100),
              ElementsAre("(too long)", "b", "(too long)"));
}

TEST(LineReaderTest, ALineMayBeLongerThanAnyBuffer) {
  const std::string large(3'000'000, 'x');
  EXPECT_THAT(Lines("a\n" + large + "\nb\n", large.size()), ElementsAre("a", large, "b"));
}

TEST(LineReaderTest, ManyLinesComeInOrder) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
  const std::vector<std::string> lines = Lines(text);
  ASSERT_EQ(lines.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(lines[static_cast<size_t>(i)], std::to_string(i));
}

TEST(LineReaderTest, StopsWhenToldInsteadOfReading) {
  Input input("a\n");
  int reads = 0;
  LineReader reader(input.fd(), 100, [&] { return ++reads == 1; });
  absl::string_view line;
  EXPECT_EQ(reader.Next(&line), LineReader::Result::kLine);
  EXPECT_EQ(reader.Next(&line), LineReader::Result::kStopped);
}

TEST(LineReaderTest, AReadThatFailsIsToldAtTheEnd) {
  LineReader reader(-1, 100, [] { return true; });
  absl::string_view line;
  EXPECT_EQ(reader.Next(&line), LineReader::Result::kEnd);
  EXPECT_FALSE(reader.status().ok());
}

}  // namespace
}  // namespace weir
