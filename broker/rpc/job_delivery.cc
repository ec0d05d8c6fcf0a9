#include "broker/rpc/job_delivery.h"

#include <algorithm>
#include <utility>

namespace weir {

void UndeliveredJobs::Put(WorkPlacePtr place, std::vector<AcquiredJobs> jobs) {
  std::sort(jobs.begin(), jobs.end(),
            [](const AcquiredJobs& a, const AcquiredJobs& b) { return a.first < b.first; });
  jobs_.assign(jobs.begin(), jobs.end());
  place_ = std::move(place);
}

void UndeliveredJobs::Clear() {
  jobs_.clear();
  place_ = nullptr;
}

int64_t UndeliveredJobs::count() const {
  int64_t count = 0;
  for (const AcquiredJobs& jobs : jobs_) count += CountOf(jobs);
  return count;
}

JobDelivery UndeliveredJobs::Take(std::shared_ptr<const JobBuffer> buffer) {
  const Offset end = buffer->next;
  JobDelivery delivery{.topic = place_->topic,
                       .partition = place_->id.partition,
                       .jobs = {},
                       .buffer = std::move(buffer)};
  while (!jobs_.empty() && next() < end) {
    AcquiredJobs& front = jobs_.front();
    delivery.jobs.push_back(front);
    if (front.last < end) {
      jobs_.pop_front();
    } else {
      delivery.jobs.back().last = end - 1;
      front.first = end;
    }
  }
  delivery.last = empty();
  if (empty()) Clear();
  return delivery;
}

AcquiredJobs UndeliveredJobs::TakeFirst() {
  const AcquiredJobs first = jobs_.front();
  jobs_.pop_front();
  if (empty()) Clear();
  return first;
}

}  // namespace weir
