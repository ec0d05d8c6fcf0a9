// A signup service, and who reacts to it. The service publishes `user.signed_up` and is done; it
// knows none of the others:
//
//   signup service FIRST LAST   signs users FIRST to LAST up
//   signup email [--fixed]      sends each a greeting: a share group, any number of these
//   signup receipts             files a receipt for each: another share group
//   signup analytics            counts: a consumer group, which reads in order and keeps a position
//
// Each prints a line for what it has done and runs until SIGTERM or Ctrl-C. WEIR_BROKER says where
// the broker is. play.py tells the whole story.
#include <signal.h>

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/base/error.h"
#include "weir/client.h"
#include "weir/group_admin.h"
#include "weir/group_consumer.h"
#include "weir/producer.h"
#include "weir/worker.h"

namespace {

constexpr char kTopic[] = "user.signed_up";

// Stop signals, taken from every thread that is started later.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void Say(absl::string_view what, absl::string_view whom) {
  std::printf("%s\n", absl::StrCat(what, " ", whom).c_str());
  std::fflush(stdout);
}

int End(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "signup: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

// --- The service: publishes and returns. ---

// User 7 came through a form that adds the name to the address.
std::string AddressOf(int user) {
  const std::string address = absl::StrCat("user", user, "@example.com");
  return user == 7 ? absl::StrCat("User Seven <", address, ">") : address;
}

int Service(const weir::Client& client, int first, int last) {
  weir::Producer producer(client);
  for (int user = first; user <= last; ++user) {
    const std::string key = absl::StrCat("user", user);
    const std::string address = AddressOf(user);
    const absl::Status sent = producer.Send(
        {.topic = kTopic, .key = absl::string_view(key), .value = absl::string_view(address)});
    if (!sent.ok()) return End(sent);
  }
  const absl::Status written = producer.Flush();  // all of them are on disk
  if (written.ok()) Say("signed up", absl::StrCat("users ", first, " to ", last));
  return End(written);
}

// --- Email: fails at times, and cannot do everything. ---

// The mail server is busy when each third user is greeted for the first time.
absl::Status SendMail(absl::string_view address, const weir::Job& job) {
  if (job.record.offset.value() % 3 == 0 && job.delivery_count == 1)
    return absl::UnavailableError("450 the mail server is busy");
  Say("emailed", address);
  return absl::OkStatus();
}

weir::JobResult Email(const weir::Job& job, bool fixed) {
  absl::string_view address = job.record.value.value_or("");
  if (fixed && absl::EndsWith(address, ">")) {
    address.remove_suffix(1);
    address.remove_prefix(address.find('<') + 1);
  }
  // Trying again would not help: a dead letter, for people to look at.
  if (absl::StrContains(address, ' '))
    return weir::JobResult::Reject(absl::StrCat("'", address, "' is no address"));
  return SendMail(address, job);  // an error: again after the group's backoff
}

int Work(const weir::Client& client, const std::string& group, weir::Worker::Handler handler,
         const sigset_t& stop_signals) {
  // Whoever comes first makes the group. It begins with the first user there ever was.
  const absl::Status created =
      weir::GroupAdmin(client).CreateShare({.group = group,
                                            .start = weir::GroupStart::kEarliest,
                                            .reads = {.topics = {kTopic}},
                                            .config = {{"retry.backoff.initial.ms", "100"}}});
  if (!created.ok() && weir::ReasonOf(created) != weir::Reason::kGroupExists) return End(created);
  weir::Worker worker(client, {.group = group, .concurrency = 4}, std::move(handler));
  int signal = 0;
  sigwait(&stop_signals, &signal);
  return End(worker.Stop());  // finishes what it has begun with, gives the rest back
}

// --- Analytics: wants every signup once and in order, and keeps a position. ---

int Analytics(const weir::Client& client, const sigset_t& stop_signals) {
  weir::GroupConsumer consumer(
      client, {.group = "analytics", .topics = {kTopic}, .start = weir::GroupStart::kEarliest});
  int64_t users = 0;
  const timespec now{};
  while (sigtimedwait(&stop_signals, nullptr, &now) < 0) {
    auto records = consumer.Poll(absl::Milliseconds(200));
    if (!records.ok()) return End(records.status());
    weir::RecordView record;
    const int64_t before = users;
    while (records->Next(&record)) ++users;
    if (users > before) Say("counted", absl::StrCat(users, " users"));
  }
  return End(consumer.Close());  // commits how far it has come
}

int Usage() {
  std::fprintf(stderr,
               "usage: signup BROKER service FIRST LAST|email [--fixed]|receipts|analytics\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return Usage();
  const std::string role = argv[2];
  const sigset_t stop_signals = BlockStopSignals();
  const weir::Client client({.broker = argv[1]});
  if (role == "service") {
    int first = 0;
    int last = 0;
    if (argc != 5 || !absl::SimpleAtoi(argv[3], &first) || !absl::SimpleAtoi(argv[4], &last))
      return Usage();
    return Service(client, first, last);
  }
  if (role == "email") {
    const bool fixed = argc > 3 && std::string(argv[3]) == "--fixed";
    return Work(
        client, "email", [fixed](const weir::Job& job) { return Email(job, fixed); }, stop_signals);
  }
  if (role == "receipts") {
    const auto file = [](const weir::Job& job) {
      Say("filed", job.record.key.value_or("nobody"));
      return weir::JobResult::Accept();
    };
    return Work(client, "receipts", file, stop_signals);
  }
  return role == "analytics" ? Analytics(client, stop_signals) : Usage();
}
