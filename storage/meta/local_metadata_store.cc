#include "storage/meta/local_metadata_store.h"

#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr absl::string_view kRevisionKey = "r";
constexpr absl::string_view kDataPrefix = "k";

std::string DataKey(absl::string_view key) { return absl::StrCat(kDataPrefix, key); }

std::string EncodeRevision(Revision revision) {
  std::string bytes;
  AppendLittle(&bytes, revision.value());
  return bytes;
}

absl::StatusOr<MetadataEntry> Decode(absl::string_view key, absl::string_view stored) {
  ByteReader reader(stored);
  const Revision revision{reader.Read<int64_t>()};
  if (!reader.ok()) {
    return absl::DataLossError(absl::StrCat("the metadata value of '", absl::CEscape(key), "' is ",
                                            stored.size(),
                                            " bytes long, too short for a revision"));
  }
  return MetadataEntry{std::string(key), std::string(reader.rest()), revision};
}

// The least string above every string that begins with `prefix`; empty when there is none.
std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

absl::Status CheckKey(absl::string_view key) {
  if (!key.empty() && key.size() <= limits::kMetadataKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a metadata key has 1 to ", limits::kMetadataKeyBytes, " bytes, not ", key.size()));
}

absl::Status CheckShape(const MetadataTxn& txn) {
  const size_t operations = txn.compares.size() + txn.puts.size() + txn.deletes.size();
  if (operations > limits::kMetadataTxnOperations) {
    return absl::InvalidArgumentError(absl::StrCat("a metadata transaction has at most ",
                                                   limits::kMetadataTxnOperations,
                                                   " operations, not ", operations));
  }
  std::set<absl::string_view> changed;
  size_t bytes = 0;
  for (const MetadataTxn::Compare& compare : txn.compares)
    WEIR_RETURN_IF_ERROR(CheckKey(compare.key));
  for (const MetadataTxn::Put& put : txn.puts) {
    WEIR_RETURN_IF_ERROR(CheckKey(put.key));
    bytes += put.key.size() + put.value.size();
    changed.insert(put.key);
  }
  for (const std::string& key : txn.deletes) {
    WEIR_RETURN_IF_ERROR(CheckKey(key));
    changed.insert(key);
  }
  if (changed.size() != txn.puts.size() + txn.deletes.size()) {
    return absl::InvalidArgumentError("a metadata transaction changes a key twice");
  }
  if (bytes > limits::kMetadataTxnBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a metadata transaction has at most ", limits::kMetadataTxnBytes, " bytes, not ", bytes));
  }
  return absl::OkStatus();
}

}  // namespace

class LocalMetadataStore::LocalWatch : public MetadataWatch {
 public:
  LocalWatch(LocalMetadataStore* store, int64_t number) : store_(store), number_(number) {}
  ~LocalWatch() override {
    absl::MutexLock lock(&store_->mu_);
    store_->watchers_.erase(number_);
  }

 private:
  LocalMetadataStore* const store_;
  const int64_t number_;
};

absl::StatusOr<std::unique_ptr<LocalMetadataStore>> LocalMetadataStore::Open(
    std::unique_ptr<KvStore> store, std::function<void(const absl::Status&)> on_failure) {
  Revision revision;
  const absl::StatusOr<std::string> stored = store->Get(kRevisionKey);
  if (stored.ok()) {
    ByteReader reader(*stored);
    revision = Revision{reader.Read<int64_t>()};
    if (!reader.ok() || !reader.rest().empty())
      return absl::DataLossError("the metadata store's revision is malformed");
  } else if (!absl::IsNotFound(stored.status())) {
    return stored.status();
  } else {
    WEIR_ASSIGN_OR_RETURN(const std::vector<KvEntry> any, store->Range("", "", 1));
    if (!any.empty()) return absl::DataLossError("the metadata store has entries and no revision");
  }
  const KvChange change{std::string(kRevisionKey), EncodeRevision(revision)};
  WEIR_RETURN_IF_ERROR(store->Write(absl::MakeConstSpan(&change, 1), WriteSync::kSync));
  return std::unique_ptr<LocalMetadataStore>(
      new LocalMetadataStore(std::move(store), std::move(on_failure), revision));
}

void LocalMetadataStore::RefuseChanges(absl::Status reason) {
  absl::MutexLock lock(&mu_);
  refusal_ = std::move(reason);
}

absl::StatusOr<MetadataTxnResult> LocalMetadataStore::Txn(const MetadataTxn& txn) {
  WEIR_RETURN_IF_ERROR(CheckShape(txn));
  absl::Status failure;
  {
    absl::MutexLock lock(&mu_);
    WEIR_RETURN_IF_ERROR(refusal_);
    if (!failure_.ok()) {
      return MakeError(Reason::kLogDirFenced,
                       absl::StrCat("no metadata can be changed until the broker has restarted: ",
                                    failure_.message()));
    }
    absl::StatusOr<MetadataTxnResult> result = TxnLocked(txn);
    if (failure_.ok()) return result;
    failure = failure_;
  }
  if (on_failure_) on_failure_(failure);
  return MakeError(Reason::kCommitUncertain, failure.message());
}

absl::StatusOr<MetadataTxnResult> LocalMetadataStore::TxnLocked(const MetadataTxn& txn) {
  for (const MetadataTxn::Compare& compare : txn.compares) {
    WEIR_ASSIGN_OR_RETURN(const Revision found, ModRevision(compare.key));
    if (found != compare.mod_revision)
      return MetadataTxnResult{.succeeded = false, .revision = revision_};
  }
  const Revision next = revision_ + 1;
  std::vector<KvChange> batch;
  std::vector<MetadataEvent> events;
  for (const MetadataTxn::Put& put : txn.puts) {
    batch.push_back({DataKey(put.key), EncodeRevision(next) + put.value});
    events.push_back({put.key, put.value, next});
  }
  for (const std::string& key : txn.deletes) {
    WEIR_ASSIGN_OR_RETURN(const Revision found, ModRevision(key));
    if (found == Revision{0}) continue;
    batch.push_back({DataKey(key), std::nullopt});
    events.push_back({key, std::nullopt, next});
  }
  if (batch.empty()) return MetadataTxnResult{.succeeded = true, .revision = revision_};
  batch.push_back({std::string(kRevisionKey), EncodeRevision(next)});
  failure_ = store_->Write(batch, WriteSync::kSync);
  if (!failure_.ok()) return failure_;
  revision_ = next;
  Notify(events);
  return MetadataTxnResult{.succeeded = true, .revision = next};
}

absl::StatusOr<Revision> LocalMetadataStore::ModRevision(absl::string_view key) {
  const absl::StatusOr<MetadataEntry> entry = Get(key);
  if (absl::IsNotFound(entry.status())) return Revision{0};
  if (!entry.ok()) return entry.status();
  return entry->mod_revision;
}

void LocalMetadataStore::Notify(absl::Span<const MetadataEvent> events) {
  for (const auto& [number, watcher] : watchers_) {
    std::vector<MetadataEvent> covered;
    for (const MetadataEvent& event : events) {
      if (absl::StartsWith(event.key, watcher.prefix)) covered.push_back(event);
    }
    if (!covered.empty()) watcher.callback(covered);
  }
}

absl::StatusOr<MetadataEntry> LocalMetadataStore::Get(absl::string_view key) {
  WEIR_ASSIGN_OR_RETURN(const std::string stored, store_->Get(DataKey(key)));
  return Decode(key, stored);
}

absl::StatusOr<std::vector<MetadataEntry>> LocalMetadataStore::Range(absl::string_view prefix,
                                                                     size_t limit,
                                                                     absl::string_view start) {
  const std::string first = DataKey(prefix);
  WEIR_ASSIGN_OR_RETURN(const std::vector<KvEntry> stored,
                        store_->Range(std::max(first, DataKey(start)), PrefixEnd(first), limit));
  std::vector<MetadataEntry> entries;
  entries.reserve(stored.size());
  for (const KvEntry& entry : stored) {
    WEIR_ASSIGN_OR_RETURN(
        MetadataEntry decoded,
        Decode(absl::string_view(entry.key).substr(kDataPrefix.size()), entry.value));
    entries.push_back(std::move(decoded));
  }
  return entries;
}

std::unique_ptr<MetadataWatch> LocalMetadataStore::Watch(std::string prefix,
                                                         WatchCallback callback) {
  absl::MutexLock lock(&mu_);
  const int64_t number = next_watcher_++;
  watchers_.emplace(number, Watcher{std::move(prefix), std::move(callback)});
  return std::make_unique<LocalWatch>(this, number);
}

Revision LocalMetadataStore::revision() {
  absl::MutexLock lock(&mu_);
  return revision_;
}

}  // namespace weir
