// JobDelivery: acquired jobs with their records, as a session hands them to its owner; and
// UndeliveredJobs, from which deliveries are cut. Not thread-safe.
#ifndef WEIR_BROKER_RPC_JOB_DELIVERY_H_
#define WEIR_BROKER_RPC_JOB_DELIVERY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/partition/partition_read.h"
#include "broker/rpc/work_places.h"
#include "broker/share/share_requests.h"
#include "storage/base/types.h"

namespace weir {

inline int64_t CountOf(const AcquiredJobs& jobs) { return jobs.last - jobs.first + 1; }

// What was read of one partition at once; shared by the deliveries that are cut from it.
struct JobBuffer {
  TopicPartition partition;
  PartitionRead read;
  Offset from;  // every record from here
  Offset next;  // to here, exclusive, is in it

  bool Has(const TopicPartition& id, Offset offset) const {
    return partition == id && from <= offset && offset < next;
  }
};

// Jobs of one partition, by offset, all of them in one buffer.
struct JobDelivery {
  std::string topic;
  TopicPartition partition;
  std::vector<AcquiredJobs> jobs;
  std::shared_ptr<const JobBuffer> buffer;
  bool last = false;  // nothing more follows of what was acquired at once
};

// Jobs of one place at a time, acquired at once.
class UndeliveredJobs {
 public:
  // Some, in any order; none are left of those before.
  void Put(WorkPlacePtr place, std::vector<AcquiredJobs> jobs);
  void Clear();

  bool empty() const { return jobs_.empty(); }
  int64_t count() const;
  // Of those there are.
  const WorkPlacePtr& place() const { return place_; }
  Offset next() const { return jobs_.front().first; }

  // Takes those that the buffer has; it has the next.
  JobDelivery Take(std::shared_ptr<const JobBuffer> buffer);
  // Takes the first of those that were handed out together.
  AcquiredJobs TakeFirst();

 private:
  WorkPlacePtr place_;             // null: there are none
  std::deque<AcquiredJobs> jobs_;  // by offset
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_JOB_DELIVERY_H_
