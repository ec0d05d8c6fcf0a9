#include "storage/meta/manifest_mark.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(ManifestMarkTest, IsReadAsItWasWrittenAndNothingElse) {
  const ManifestMark mark = {{"MANIFEST-000005", 1234}, {"MANIFEST-000009", 0}};
  const std::string bytes = EncodeManifestMark(mark);
  EXPECT_EQ(bytes, "MANIFEST-000005 1234\nMANIFEST-000009 0\ncrc de10e6da\n");
  EXPECT_EQ(DecodeManifestMark(bytes), mark);
  EXPECT_EQ(DecodeManifestMark(EncodeManifestMark({})), ManifestMark());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(DecodeManifestMark(bytes.substr(0, size)), std::nullopt) << size;
}

TEST(ManifestMarkTest, CurrentNamesAManifestOrNothing) {
  EXPECT_EQ(CurrentManifest("MANIFEST-000005\n"), "MANIFEST-000005");
  for (const char* const bad :
       {"", "\n", "MANIFEST-000005", "MANIFEST-\n", "MANIFEST-00x\n", "../MANIFEST-000005\n"})
    EXPECT_EQ(CurrentManifest(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace weir
