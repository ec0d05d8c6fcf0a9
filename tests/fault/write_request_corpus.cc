// Writes the corpus of fuzz_requests: a good request of every call. Usage: write_request_corpus
// DIRECTORY
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/check.h"
#include "storage/record/record_batch_builder.h"
#include "tests/fault/fuzz_requests.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/group.pb.h"
#include "weir/v1/log.pb.h"
#include "weir/v1/share.pb.h"

namespace weir {
namespace {

class Corpus {
 public:
  explicit Corpus(std::string directory) : directory_(std::move(directory)) {}

  void Add(const std::string& name, absl::string_view call,
           const google::protobuf::MessageLite& request) {
    size_t number = 0;
    while (number < std::size(kFuzzedCalls) && kFuzzedCalls[number] != call) ++number;
    WEIR_CHECK(number < std::size(kFuzzedCalls));
    std::ofstream file(directory_ + "/" + name, std::ios::binary);
    file << static_cast<char>(number) << request.SerializeAsString();
    WEIR_CHECK(file.good());
  }

 private:
  const std::string directory_;
};

v1::ProduceRequest Plain() {
  v1::ProduceRequest request;
  request.set_topic("t");
  v1::Record* record = request.mutable_records()->add_records();
  record->set_key("key");
  record->set_value("value");
  record->set_timestamp_ms(1'700'000'000'000);
  v1::Header* header = record->add_headers();
  header->set_key("header");
  header->set_value("of it");
  request.mutable_records()->add_records();
  return request;
}

v1::ProduceRequest Batch(ProducerId producer) {
  RecordBatchBuilder builder;
  builder.Append(1'700'000'000'000, "key", "value");
  builder.Append(1'700'000'000'001, std::nullopt, "another");
  v1::ProduceRequest request;
  request.set_topic("t");
  request.set_partition(1);
  request.set_client_tag(7);
  request.set_record_batch(builder.Finish(producer == kNoProducer
                                              ? BatchOptions{}
                                              : BatchOptions{.producer_id = producer,
                                                             .producer_epoch = ProducerEpoch{0},
                                                             .base_sequence = 0}));
  return request;
}

v1::FetchRequest Fetch(v1::FetchFormat format) {
  v1::FetchRequest request;
  request.set_format(format);
  request.set_max_bytes(100'000);
  request.set_min_bytes(1);
  request.set_max_wait_ms(1);
  for (int32_t partition = 0; partition < 3; ++partition) {
    v1::FetchPartition* const asked = request.add_partitions();
    asked->set_topic("t");
    asked->set_partition(partition);
    asked->set_offset(partition);
    asked->set_max_bytes(1000);
  }
  return request;
}

void WriteLog(Corpus corpus) {
  corpus.Add("produce", "/weir.v1.LogService/Produce", Plain());
  corpus.Add("produce_batch", "/weir.v1.LogService/Produce", Batch(kNoProducer));
  corpus.Add("produce_numbered", "/weir.v1.LogService/Produce", Batch(ProducerId{1}));
  corpus.Add("produce_stream", "/weir.v1.LogService/ProduceStream", Plain());
  corpus.Add("produce_stream_batch", "/weir.v1.LogService/ProduceStream", Batch(kNoProducer));
  corpus.Add("fetch", "/weir.v1.LogService/Fetch", Fetch(v1::RECORDS));
  corpus.Add("fetch_batches", "/weir.v1.LogService/Fetch", Fetch(v1::RECORD_BATCH));
  v1::FetchStreamRequest stream;
  stream.set_topic("t");
  stream.set_max_bytes(1000);
  stream.set_until_end(true);
  corpus.Add("fetch_stream", "/weir.v1.LogService/FetchStream", stream);
  v1::ListOffsetsRequest offsets;
  for (int i = 0; i < 3; ++i) offsets.add_queries()->set_topic("t");
  offsets.mutable_queries(0)->set_earliest(true);
  offsets.mutable_queries(1)->set_latest(true);
  offsets.mutable_queries(2)->set_timestamp_ms(1'700'000'000'000);
  corpus.Add("list_offsets", "/weir.v1.LogService/ListOffsets", offsets);
  v1::InitProducerRequest init;
  corpus.Add("init_producer", "/weir.v1.LogService/InitProducer", init);
  init.set_producer_id(1);
  init.set_producer_epoch(0);
  corpus.Add("init_producer_again", "/weir.v1.LogService/InitProducer", init);
}

void WriteAdmin(Corpus corpus) {
  v1::CreateTopicRequest create;
  create.set_name("t2");
  create.set_partitions(3);
  (*create.mutable_config())["retention.ms"] = "1000";
  corpus.Add("create_topic", "/weir.v1.AdminService/CreateTopic", create);
  v1::ListTopicsRequest list;
  list.set_prefix("t");
  list.set_page_size(10);
  corpus.Add("list_topics", "/weir.v1.AdminService/ListTopics", list);
  v1::DescribeTopicRequest describe;
  describe.set_name("t");
  corpus.Add("describe_topic", "/weir.v1.AdminService/DescribeTopic", describe);
  v1::AlterTopicConfigRequest alter;
  alter.set_name("t");
  (*alter.mutable_set())["segment.bytes"] = "1024";
  alter.add_remove("retention.ms");
  corpus.Add("alter_topic_config", "/weir.v1.AdminService/AlterTopicConfig", alter);
  v1::AddPartitionsRequest add;
  add.set_name("t");
  add.set_partitions(4);
  corpus.Add("add_partitions", "/weir.v1.AdminService/AddPartitions", add);
  v1::DeleteTopicRequest remove;
  remove.set_name("t");
  corpus.Add("delete_topic", "/weir.v1.AdminService/DeleteTopic", remove);
  v1::DeleteRecordsRequest records;
  records.set_topic("t");
  records.add_targets()->set_before_offset(1);
  records.add_targets()->set_before_offset(-1);
  corpus.Add("delete_records", "/weir.v1.AdminService/DeleteRecords", records);
  corpus.Add("describe_broker", "/weir.v1.AdminService/DescribeBroker",
             v1::DescribeBrokerRequest());
  v1::SetLogLevelRequest level;
  level.set_level("error");
  corpus.Add("set_log_level", "/weir.v1.AdminService/SetLogLevel", level);
}

v1::Membership MembershipOf(const std::string& group) {
  v1::Membership membership;
  membership.set_group(group);
  membership.mutable_subscription()->add_topics("t");
  membership.set_start(v1::EARLIEST);
  membership.set_client_id("fuzz");
  return membership;
}

void AddPosition(google::protobuf::RepeatedPtrField<v1::GroupOffset>* to) {
  v1::GroupOffset* const position = to->Add();
  position->set_topic("t");
  position->set_offset(1);
  position->set_metadata("m");
}

void WriteGroupAdmin(Corpus corpus) {
  v1::CreateGroupRequest create;
  create.set_group("g");
  create.set_type(v1::CONSUMER);
  create.set_start(v1::EARLIEST);
  (*create.mutable_config())["session.timeout.ms"] = "1000";
  corpus.Add("create_group", "/weir.v1.GroupService/CreateGroup", create);
  v1::AlterGroupRequest alter;
  alter.set_group("g");
  (*alter.mutable_set())["assignor"] = "range";
  alter.add_remove("session.timeout.ms");
  corpus.Add("alter_group", "/weir.v1.GroupService/AlterGroup", alter);
  v1::ListGroupsRequest list;
  list.set_prefix("g");
  list.set_page_size(10);
  corpus.Add("list_groups", "/weir.v1.GroupService/ListGroups", list);
  v1::DescribeGroupRequest describe;
  describe.set_group("g");
  corpus.Add("describe_group", "/weir.v1.GroupService/DescribeGroup", describe);
  v1::DeleteGroupRequest remove;
  remove.set_group("g");
  corpus.Add("delete_group", "/weir.v1.GroupService/DeleteGroup", remove);
  v1::PauseGroupRequest pause;
  pause.set_group("g");
  corpus.Add("pause_group", "/weir.v1.GroupService/PauseGroup", pause);
  v1::ResumeGroupRequest resume;
  resume.set_group("g");
  corpus.Add("resume_group", "/weir.v1.GroupService/ResumeGroup", resume);
  v1::ResetOffsetsRequest reset;
  reset.set_group("g");
  reset.set_topic("t");
  reset.set_timestamp_ms(1'700'000'000'000);
  corpus.Add("reset_offsets", "/weir.v1.GroupService/ResetOffsets", reset);
}

void WriteMembers(Corpus corpus) {
  v1::ConsumeRequest consume;
  *consume.mutable_join() = MembershipOf("g");
  consume.set_max_bytes(1000);
  AddPosition(consume.mutable_commit());
  corpus.Add("consume", "/weir.v1.GroupService/Consume", consume);
  v1::JoinRequest join;
  *join.mutable_join() = MembershipOf("g");
  join.mutable_subscribe()->set_topic_prefix("t");
  join.set_revoked_epoch(1);
  corpus.Add("join", "/weir.v1.GroupService/Join", join);
  v1::CommitOffsetsRequest commit;
  commit.set_group("h");
  commit.set_start(v1::EARLIEST);
  AddPosition(commit.mutable_offsets());
  corpus.Add("commit_offsets", "/weir.v1.GroupService/CommitOffsets", commit);
  v1::FetchOffsetsRequest fetch;
  fetch.set_group("h");
  fetch.add_partitions()->set_topic("t");
  corpus.Add("fetch_offsets", "/weir.v1.GroupService/FetchOffsets", fetch);
}

template <typename Item>
void NameJobs(Item* item) {
  item->set_topic("t");
  item->set_first_offset(0);
  item->set_last_offset(3);
  item->mutable_lock_token()->set_epoch(1);
  item->mutable_lock_token()->set_counter(1);
}

void WriteWorkers(Corpus corpus) {
  v1::WorkRequest work;
  work.mutable_join()->set_group("s");
  work.mutable_join()->set_worker("fuzz");
  work.mutable_join()->set_session_id(1);
  work.set_credits(10);
  v1::Acknowledgement* const accepted = work.add_acknowledge();
  NameJobs(accepted);
  accepted->set_type(v1::ACCEPT);
  NameJobs(work.add_renew());
  corpus.Add("work", "/weir.v1.ShareService/Work", work);
  v1::AcquireRequest acquire;
  acquire.set_group("s");
  acquire.set_worker("fuzz");
  acquire.set_max_jobs(10);
  acquire.set_format(v1::RECORD_BATCH);
  corpus.Add("acquire", "/weir.v1.ShareService/Acquire", acquire);
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_group("s");
  v1::Acknowledgement* const released = acknowledge.add_acknowledge();
  NameJobs(released);
  released->set_type(v1::RELEASE);
  released->set_delay_ms(1);
  released->set_error("why");
  corpus.Add("acknowledge", "/weir.v1.ShareService/Acknowledge", acknowledge);
}

void WriteJobs(Corpus corpus) {
  v1::ListJobsRequest list;
  list.set_group("s");
  list.set_state(v1::DELAYED);
  corpus.Add("list_jobs", "/weir.v1.ShareService/ListJobs", list);
  v1::JobsRequest jobs;
  jobs.set_group("s");
  jobs.set_topic("t");
  jobs.add_offsets(1);
  corpus.Add("release_jobs", "/weir.v1.ShareService/ReleaseJobs", jobs);
  corpus.Add("cancel_jobs", "/weir.v1.ShareService/CancelJobs", jobs);
  v1::ListDeadLettersRequest letters;
  letters.set_group("s");
  letters.mutable_filter()->set_reason("REJECTED");
  letters.mutable_filter()->set_key("k");
  corpus.Add("list_dead_letters", "/weir.v1.ShareService/ListDeadLetters", letters);
  v1::RedriveRequest redrive;
  redrive.set_group("s");
  redrive.set_max_redrives(2);
  corpus.Add("redrive", "/weir.v1.ShareService/Redrive", redrive);
  v1::PurgeDeadLettersRequest purge;
  purge.set_group("s");
  purge.set_limit(5);
  corpus.Add("purge_dead_letters", "/weir.v1.ShareService/PurgeDeadLetters", purge);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_request_corpus DIRECTORY\n";
    return 2;
  }
  weir::WriteLog(weir::Corpus(argv[1]));
  weir::WriteAdmin(weir::Corpus(argv[1]));
  weir::WriteGroupAdmin(weir::Corpus(argv[1]));
  weir::WriteMembers(weir::Corpus(argv[1]));
  weir::WriteWorkers(weir::Corpus(argv[1]));
  weir::WriteJobs(weir::Corpus(argv[1]));
  return 0;
}
