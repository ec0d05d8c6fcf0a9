// The public API against tests/golden/api.txt: every call, field and enumerator with its number and
// type, as clients out there have compiled them. An addition is added to the page; nothing that is
// on it may change or go. A failure prints the line, so that the page can be brought up to date.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/group.pb.h"
#include "weir/v1/log.pb.h"
#include "weir/v1/share.pb.h"

namespace weir {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::MethodDescriptor;

std::string TypeOf(const FieldDescriptor& field) {
  if (const Descriptor* const message = field.message_type()) return message->full_name();
  if (const EnumDescriptor* const kind = field.enum_type()) return kind->full_name();
  return field.type_name();
}

std::string LineOf(const FieldDescriptor& field) {
  const absl::string_view label = field.is_repeated()    ? "repeated "
                                  : field.has_presence() ? "present or not: "
                                                         : "";
  return absl::StrCat(field.full_name(), " = ", field.number(), " ", label, TypeOf(field));
}

std::string LineOf(const MethodDescriptor& method) {
  return absl::StrCat(method.full_name(), " (", method.client_streaming() ? "stream " : "",
                      method.input_type()->full_name(), ") ",
                      method.server_streaming() ? "stream " : "",
                      method.output_type()->full_name());
}

void AddLines(const EnumDescriptor& kind, std::set<std::string>* lines) {
  for (int i = 0; i < kind.value_count(); ++i) {
    lines->insert(
        absl::StrCat(kind.full_name(), ".", kind.value(i)->name(), " = ", kind.value(i)->number()));
  }
}

void AddLines(const Descriptor& message, std::set<std::string>* lines) {
  lines->insert(message.full_name());
  for (int i = 0; i < message.field_count(); ++i) lines->insert(LineOf(*message.field(i)));
  for (int i = 0; i < message.enum_type_count(); ++i) AddLines(*message.enum_type(i), lines);
  for (int i = 0; i < message.nested_type_count(); ++i) AddLines(*message.nested_type(i), lines);
}

// Of every file in proto/weir/v1.
std::set<std::string> Api() {
  // What is linked in is what is asked for.
  google::protobuf::LinkMessageReflection<v1::ProduceRequest>();
  google::protobuf::LinkMessageReflection<v1::CreateTopicRequest>();
  google::protobuf::LinkMessageReflection<v1::CreateGroupRequest>();
  google::protobuf::LinkMessageReflection<v1::WorkRequest>();
  std::set<std::string> lines;
  for (const absl::string_view name : absl::StrSplit(WEIR_API_FILES, ',')) {
    const FileDescriptor* const file =
        DescriptorPool::generated_pool()->FindFileByName(absl::StrCat("weir/v1/", name));
    EXPECT_NE(file, nullptr) << name << " is not linked in";
    if (file == nullptr) continue;
    for (int i = 0; i < file->message_type_count(); ++i) AddLines(*file->message_type(i), &lines);
    for (int i = 0; i < file->enum_type_count(); ++i) AddLines(*file->enum_type(i), &lines);
    for (int i = 0; i < file->service_count(); ++i) {
      for (int m = 0; m < file->service(i)->method_count(); ++m)
        lines.insert(LineOf(*file->service(i)->method(m)));
    }
  }
  return lines;
}

std::set<std::string> Page() {
  std::ifstream in(WEIR_GOLDEN_DIR "/api.txt");
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

std::set<std::string> Without(const std::set<std::string>& from,
                              const std::set<std::string>& what) {
  std::set<std::string> left;
  for (const std::string& line : from) {
    if (!what.contains(line)) left.insert(line);
  }
  return left;
}

TEST(ApiSnapshotTest, WhatClientsHaveCompiledIsStillThere) {
  EXPECT_GT(Page().size(), 200u);
  EXPECT_EQ(absl::StrJoin(Without(Page(), Api()), "\n"), "");
}

TEST(ApiSnapshotTest, EveryAdditionIsOnThePage) {
  EXPECT_EQ(absl::StrJoin(Without(Api(), Page()), "\n"), "");
}

}  // namespace
}  // namespace weir
