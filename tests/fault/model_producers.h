// ModelProducers: long-lived producers of the client library, one a topic's name, that go on while
// their topic is changed, deleted and made again; what becomes of each record is compared with the
// model. A Status that is not OK says what differs. One thread.
#ifndef WEIR_TESTS_FAULT_MODEL_PRODUCERS_H_
#define WEIR_TESTS_FAULT_MODEL_PRODUCERS_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/fault/model_context.h"
#include "tests/fault/model_fetch_operations.h"
#include "weir/producer.h"

namespace weir {

class ModelProducers {
 public:
  ModelProducers(ModelContext* context, ModelFetchOperations* fetch)
      : context_(*context), fetch_(*fetch) {}

  absl::Status Send();

 private:
  // What a producer may believe of its topic: it looks again only now and then.
  struct Shape {
    std::string topic_id;
    int32_t partitions = 0;
    int64_t max_message_bytes = 0;

    auto operator<=>(const Shape&) const = default;
  };
  struct Sender {
    std::unique_ptr<Producer> producer;
    Compression compression = Compression::kNone;
    std::set<Shape> shapes;  // that the topic has had since
  };
  struct Sent {
    ModelRecord record;
    std::optional<int32_t> partition;  // asked for
    absl::StatusOr<RecordPosition> outcome = absl::UnknownError("no outcome was told");
  };

  Sender& SenderFor(const std::string& topic);
  void Draw(const std::string& topic, std::vector<Sent>* sent);
  absl::Status SendAll(Producer& producer, const std::string& topic, std::vector<Sent>* sent);
  absl::Status Take(const Sender& sender, ModelTopic* topic, Sent& sent);
  static std::vector<std::string> Reasons(const Sender& sender, const ModelTopic* topic,
                                          const Sent& sent);

  ModelContext& context_;
  ModelFetchOperations& fetch_;
  std::map<std::string, Sender> senders_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_PRODUCERS_H_
