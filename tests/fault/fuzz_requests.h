// Which calls fuzz_requests makes: an input is the number of one, then the bytes of its request.
#ifndef WEIR_TESTS_FAULT_FUZZ_REQUESTS_H_
#define WEIR_TESTS_FAULT_FUZZ_REQUESTS_H_

namespace weir {

// In an order that does not change: the corpus counts on it.
inline constexpr const char* kFuzzedCalls[] = {
    "/weir.v1.LogService/Produce",         "/weir.v1.LogService/ProduceStream",
    "/weir.v1.LogService/Fetch",           "/weir.v1.LogService/FetchStream",
    "/weir.v1.LogService/ListOffsets",     "/weir.v1.LogService/InitProducer",
    "/weir.v1.AdminService/CreateTopic",   "/weir.v1.AdminService/ListTopics",
    "/weir.v1.AdminService/DescribeTopic", "/weir.v1.AdminService/AlterTopicConfig",
    "/weir.v1.AdminService/AddPartitions", "/weir.v1.AdminService/DeleteTopic",
    "/weir.v1.AdminService/DeleteRecords", "/weir.v1.AdminService/DescribeBroker",
    "/weir.v1.AdminService/SetLogLevel",   "/weir.v1.GroupService/CreateGroup",
    "/weir.v1.GroupService/AlterGroup",    "/weir.v1.GroupService/ListGroups",
    "/weir.v1.GroupService/DescribeGroup", "/weir.v1.GroupService/DeleteGroup",
    "/weir.v1.GroupService/PauseGroup",    "/weir.v1.GroupService/ResumeGroup",
    "/weir.v1.GroupService/Consume",       "/weir.v1.GroupService/Join",
    "/weir.v1.GroupService/CommitOffsets", "/weir.v1.GroupService/FetchOffsets",
    "/weir.v1.GroupService/ResetOffsets",  "/weir.v1.ShareService/Work",
    "/weir.v1.ShareService/Acquire",       "/weir.v1.ShareService/Acknowledge",
    "/weir.v1.ShareService/ListJobs",      "/weir.v1.ShareService/ReleaseJobs",
    "/weir.v1.ShareService/CancelJobs",    "/weir.v1.ShareService/ListDeadLetters",
    "/weir.v1.ShareService/Redrive",       "/weir.v1.ShareService/PurgeDeadLetters"};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_FUZZ_REQUESTS_H_
