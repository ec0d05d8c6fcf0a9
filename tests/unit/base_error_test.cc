#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

TEST(ErrorTableTest, EveryRowIsFoundByItsReason) {
  for (const ErrorInfo& row : AllErrors()) EXPECT_EQ(&InfoOf(row.reason), &row) << row.name;
}

TEST(ErrorTableTest, NamesAreUniqueAndUpperSnakeCase) {
  std::set<std::string> names;
  for (const ErrorInfo& row : AllErrors()) {
    EXPECT_TRUE(names.insert(std::string(row.name)).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), absl::string_view::npos)
        << row.name;
    EXPECT_FALSE(row.text.empty()) << row.name;
    EXPECT_NE(row.code, absl::StatusCode::kOk) << row.name;
  }
}

// Programs on other machines compare these; a change breaks them.
TEST(ErrorTableTest, NumbersAndCodesStay) {
  EXPECT_EQ(static_cast<int>(Reason::kInternal), 1);
  EXPECT_EQ(static_cast<int>(Reason::kOffsetOutOfRange), 12);
  EXPECT_EQ(InfoOf(Reason::kOffsetOutOfRange).code, absl::StatusCode::kOutOfRange);
  EXPECT_EQ(static_cast<int>(Reason::kCommitUncertain), 18);
  EXPECT_EQ(InfoOf(Reason::kCommitUncertain).effect, Effect::kUnknown);
  EXPECT_TRUE(InfoOf(Reason::kCommitUncertain).retryable);
  EXPECT_EQ(static_cast<int>(Reason::kLogDirFenced), 19);
  EXPECT_EQ(static_cast<int>(Reason::kTooManyRequests), 26);
}

TEST(MakeErrorTest, CarriesReasonMessageAndRetryTime) {
  const absl::Status status =
      MakeError(Reason::kDiskLow, "5 MiB free, 100 MiB needed", absl::Milliseconds(1500));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "5 MiB free, 100 MiB needed");
  EXPECT_EQ(ReasonOf(status), Reason::kDiskLow);
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(1500));
}

TEST(MakeErrorTest, EveryReasonComesBack) {
  for (const ErrorInfo& row : AllErrors()) {
    const absl::Status status = MakeError(row.reason, "x");
    EXPECT_EQ(ReasonOf(status), row.reason) << row.name;
    EXPECT_EQ(status.code(), row.code) << row.name;
    EXPECT_EQ(RetryAfterOf(status), absl::ZeroDuration()) << row.name;
  }
}

TEST(ReasonOfTest, OtherStatusesHaveNone) {
  EXPECT_FALSE(ReasonOf(absl::OkStatus()).has_value());
  EXPECT_FALSE(ReasonOf(absl::NotFoundError("x")).has_value());
  EXPECT_EQ(RetryAfterOf(absl::NotFoundError("x")), absl::ZeroDuration());
}

absl::StatusOr<int> HalfOf(absl::StatusOr<int> number) {
  WEIR_ASSIGN_OR_RETURN(const int n, number);
  WEIR_RETURN_IF_ERROR(n % 2 == 0 ? absl::OkStatus() : MakeError(Reason::kInvalidRequest, "odd"));
  return n / 2;
}

TEST(CheckMacrosTest, PassValuesAndReturnErrorsWithTheirReason) {
  EXPECT_EQ(*HalfOf(8), 4);
  EXPECT_EQ(ReasonOf(HalfOf(7).status()), Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOf(HalfOf(MakeError(Reason::kDiskLow, "x")).status()), Reason::kDiskLow);
}

TEST(CheckMacrosDeathTest, AbortsWithTheConditionThatFailed) {
  EXPECT_DEATH(WEIR_CHECK(1 + 1 == 3), "1 \\+ 1 == 3");
}

}  // namespace
}  // namespace weir
