// The reader of weir-dlq-history: the little JSON that DeadLetterHeaders writes, and no more.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/share/dead_letter_view.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

constexpr size_t kHexDigits = 4;  // behind \u
constexpr uint32_t kHighSurrogates = 0xd800;
constexpr uint32_t kLowSurrogates = 0xdc00;
constexpr uint32_t kSurrogatesEnd = 0xe000;

void AppendUtf8(uint32_t point, std::string* to) {
  if (point < 0x80) {
    to->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    to->push_back(static_cast<char>(0xc0 | point >> 6));
    to->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    to->push_back(static_cast<char>(0xe0 | point >> 12));
    to->push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    to->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    to->push_back(static_cast<char>(0xf0 | point >> 18));
    to->push_back(static_cast<char>(0x80 | (point >> 12 & 0x3f)));
    to->push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    to->push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

// Takes what it expects off the front; every function is false when something else is there.
class HistoryReader {
 public:
  explicit HistoryReader(absl::string_view json) : rest_(json) {}

  bool Take(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool AtEnd() const { return rest_.empty(); }

  bool String(std::string* to) {
    to->clear();
    if (!Take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        to->push_back(c);
      } else if (!Escape(to)) {
        return false;
      }
    }
    return Take('"') && IsUtf8(*to);
  }

  // {"at":...,"worker":...,"ended":...,"error":...}
  bool Attempt(AttemptEnd* attempt) {
    std::string at;
    if (!Take('{') || !Member("at", &at) || !Take(',') || !Member("worker", &attempt->worker) ||
        !Take(',') || !Member("ended", &attempt->ending) || !Take(',') ||
        !Member("error", &attempt->error) || !Take('}')) {
      return false;
    }
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, at, &time, &error)) return false;
    attempt->ended_ms = absl::ToUnixMillis(time);
    return true;
  }

 private:
  bool Member(absl::string_view name, std::string* value) {
    std::string found;
    return String(&found) && found == name && Take(':') && String(value);
  }

  bool Hex(uint32_t* unit) {
    if (rest_.size() < kHexDigits) return false;
    const absl::string_view digits = rest_.substr(0, kHexDigits);
    rest_.remove_prefix(kHexDigits);
    return digits.find_first_not_of("0123456789abcdefABCDEF") == absl::string_view::npos &&
           absl::SimpleHexAtoi(digits, unit);
  }

  // Behind the backslash.
  bool Escape(std::string* to) {
    constexpr absl::string_view kLetters = "\"\\/bfnrt";
    constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    if (const size_t at = kLetters.find(letter); at != absl::string_view::npos) {
      to->push_back(kMeanings[at]);
      return true;
    }
    uint32_t unit = 0;
    if (letter != 'u' || !Hex(&unit)) return false;
    if (unit >= kLowSurrogates && unit < kSurrogatesEnd) return false;
    if (unit >= kHighSurrogates && unit < kLowSurrogates) {
      uint32_t low = 0;
      if (!Take('\\') || !Take('u') || !Hex(&low) || low < kLowSurrogates || low >= kSurrogatesEnd)
        return false;
      unit = 0x10000 + ((unit - kHighSurrogates) << 10) + (low - kLowSurrogates);
    }
    AppendUtf8(unit, to);
    return true;
  }

  absl::string_view rest_;
};

}  // namespace

std::optional<std::vector<AttemptEnd>> ReadAttemptHistory(absl::string_view json) {
  HistoryReader reader(json);
  std::vector<AttemptEnd> history;
  if (!reader.Take('[')) return std::nullopt;
  if (!reader.Take(']')) {
    do {
      if (!reader.Attempt(&history.emplace_back())) return std::nullopt;
      if (history.size() > static_cast<size_t>(limits::kAttemptHistory)) return std::nullopt;
    } while (reader.Take(','));
    if (!reader.Take(']')) return std::nullopt;
  }
  if (!reader.AtEnd()) return std::nullopt;
  return history;
}

}  // namespace weir
