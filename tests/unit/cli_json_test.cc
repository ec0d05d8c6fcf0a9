#include <gtest/gtest.h>

#include <limits>

#include "tools/cli/json.h"

namespace weir {
namespace {

TEST(JsonWriterTest, MembersAndElementsAreSeparated) {
  JsonWriter json;
  json.BeginObject()
      .Key("a")
      .Int(1)
      .Key("b")
      .BeginArray()
      .Bool(true)
      .Null()
      .BeginObject()
      .EndObject()
      .EndArray();
  json.Key("c").String("x").EndObject();
  EXPECT_EQ(json.text(), R"({"a":1,"b":[true,null,{}],"c":"x"})");
}

TEST(JsonWriterTest, WhatJsonReservesIsEscaped) {
  EXPECT_EQ(JsonWriter().String("\"\\\n\t\x01").text(), "\"\\\"\\\\\\n\\t\\u0001\"");
}

TEST(JsonWriterTest, Utf8PassesAndOtherBytesAreReplaced) {
  EXPECT_EQ(JsonWriter().String("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x9f").text(),
            "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x9f\"");
  EXPECT_EQ(JsonWriter().String("a\xff z").text(), "\"a\xef\xbf\xbd z\"");
}

TEST(JsonWriterTest, BytesThatAreNoUtf8GoInBase64UnderAnotherName) {
  JsonWriter json;
  json.BeginObject()
      .Bytes("key", absl::string_view("ok"))
      .Bytes("value", absl::string_view("\xff\x00", 2))
      .EndObject();
  EXPECT_EQ(json.text(), R"({"key":"ok","value_base64":"/wA="})");
}

TEST(JsonWriterTest, AbsentBytesAreNullAndEmptyOnesAreNot) {
  JsonWriter json;
  json.BeginObject().Bytes("key", std::nullopt).Bytes("value", absl::string_view()).EndObject();
  EXPECT_EQ(json.text(), R"({"key":null,"value":""})");
}

TEST(JsonWriterTest, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(JsonWriter().Double(std::numeric_limits<double>::infinity()).text(), "null");
  EXPECT_EQ(JsonWriter().Double(0.25).text(), "0.25");
  EXPECT_EQ(JsonWriter().Int(INT64_MIN).text(), "-9223372036854775808");
}

}  // namespace
}  // namespace weir
