// What the machine of consumer groups writes, answers and tells, as short lines for people:
//   record member email/a on orders epoch=3 has orders:0@2,1@2!3
// Partition 0 since epoch 2; partition 1 too, asked back with epoch 3. Pure functions.
#ifndef WEIR_TESTS_SUPPORT_GROUP_TEXT_H_
#define WEIR_TESTS_SUPPORT_GROUP_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "broker/group/group_requests.h"
#include "broker/group/group_table.h"
#include "broker/runtime/internal_record.h"
#include "tests/support/group_world.h"

namespace weir {

std::string Text(const InternalRecord& record, const FakeTopics& topics);
std::string Text(const Notice& notice, const FakeTopics& topics);
// Where a share group that was published begins.
std::string Text(const ShareHead& head, const FakeTopics& topics);
// All that records say of these groups: the same for the same state, and for no other.
std::string TableText(const GroupTable& table);
// "ok", or the name of the reason.
std::string Text(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_TEXT_H_
