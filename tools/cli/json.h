// JsonWriter: writes one JSON value (RFC 8259) on one line, member by member. It trusts its caller
// to open and close things in turn. Text that is not UTF-8 cannot be in JSON: Bytes() writes such
// bytes in base64 under another name. One thread.
#ifndef WEIR_TOOLS_CLI_JSON_H_
#define WEIR_TOOLS_CLI_JSON_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  // Names the next value, inside an object.
  JsonWriter& Key(absl::string_view name);

  // `text` is UTF-8; what is not shows as U+FFFD.
  JsonWriter& String(absl::string_view text);
  JsonWriter& Int(int64_t value);
  // Ten significant digits; null for what is no finite number.
  JsonWriter& Double(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();

  // Key(name) and String, or Null when absent, or Key(name + "_base64") when the bytes are not
  // UTF-8.
  JsonWriter& Bytes(absl::string_view name, const std::optional<absl::string_view>& bytes);

  const std::string& text() const { return text_; }
  // Forgets what was written and keeps the memory.
  void Clear();

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_JSON_H_
