// Every limit of Weir in one place, with the relations between them asserted. Sizes in bytes unless
// the name says otherwise.
#ifndef WEIR_STORAGE_BASE_LIMITS_H_
#define WEIR_STORAGE_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace weir::limits {

inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;
inline constexpr int64_t kGiB = 1024 * kMiB;

// Names and topics.
inline constexpr size_t kTopicNameLength = 249;  // Kafka's limit
inline constexpr int32_t kPartitionsPerTopic = 100'000;
inline constexpr int32_t kPartitionsPerBroker = 200'000;
inline constexpr size_t kTopicsPerBroker = 100'000;

// The metadata store: what one transaction may hold (etcd's default; its requests end at 1.5 MiB).
inline constexpr size_t kMetadataTxnOperations = 128;
inline constexpr size_t kMetadataKeyBytes = 512;
inline constexpr size_t kMetadataTxnBytes = 1 * kMiB;

// Records and batches.
inline constexpr int64_t kMaxMessageBytesDefault = 1 * kMiB;  // max.message.bytes
inline constexpr int64_t kMaxMessageBytesLargest = 32 * kMiB;
inline constexpr int32_t kRecordsPerBatch = 1'000'000;
inline constexpr int64_t kDecompressedBatch = 128 * kMiB;  // a record section may grow to this ...
inline constexpr int64_t kDecompressionRatio =
    1024;  // ... and to so many times its compressed size, whichever is less
inline constexpr int64_t kDecompressedAlways =
    4 * kMiB;  // this much is no bomb at any ratio (zstd: 30,000 for zeros)
inline constexpr size_t kCodecContextKept =
    8 * kMiB;  // a thread keeps a codec's context up to this size
inline constexpr int32_t kHeadersPerRecord = 1'000;
inline constexpr int32_t kHeadersOfWeir = 32;  // that the broker adds to those

// Requests.
inline constexpr int64_t kRequestBytes = 36 * kMiB;      // gRPC's largest accepted message
inline constexpr int64_t kListRequestBytes = 4 * kMiB;   // of a call that names many partitions
inline constexpr int64_t kSmallRequestBytes = 1 * kMiB;  // of any other but a produce
inline constexpr int64_t kDecodedProduceBytes =
    96 * kMiB;  // what a produce may take when decoded, ...
inline constexpr int64_t kDecodedRequestBytes = 16 * kMiB;  // ... and any other request
inline constexpr int64_t kPlainFetchBytes =
    3 * kMiB;  // below the 4 MiB that Go and Python clients accept
inline constexpr int64_t kFetchBytesDefault = 1 * kMiB;
inline constexpr int64_t kFetchBytesLargest = 32 * kMiB;
inline constexpr int64_t kFetchWaitLargestMs = 60'000;
inline constexpr int32_t kFetchPartitions = 10'000;
inline constexpr int32_t kPageSizeLargest = 1'000;
inline constexpr int32_t kRecordsPerPlainProduce = 100'000;

// Calls, connections and what waits.
inline constexpr size_t kWaits = 50'000;       // long polls and streams that wait for records
inline constexpr int kStreamRequests = 1'000;  // unanswered requests of one ProduceStream
// Of a stream: with so many bytes of answers that its client has not taken it reads no more.
inline constexpr int64_t kUnwrittenAnswerBytes = kMiB;
inline constexpr int kWaitingAdminCalls = 1'000;     // and other rare calls that wait for a disk
inline constexpr int kStreamsPerConnection = 1'000;  // HTTP/2 streams
inline constexpr int kMetadataBytes = 16 * 1024;     // of one call's headers
inline constexpr int64_t kPingIntervalMs = 5'000;    // clients may ping this often
inline constexpr int64_t kDeadlineMarginMs =
    100;  // a waiting fetch answers this long before its caller's deadline
inline constexpr size_t kMetricPartitions = 10'000;  // with series of their own in /metrics
inline constexpr size_t kMetricTopics = 10'000;
inline constexpr size_t kMetricGroups = 2'000;        // consumer groups with series of their own,
                                                      // and as many share groups,
inline constexpr size_t kMetricShareTopics = 4'000;   // topics that these read,
inline constexpr size_t kMetricGroupTopics = 10'000;  // topics that the others read, and partitions
inline constexpr size_t kMetricGroupPartitions = 2'000'000;  // of them that one page adds up
inline constexpr int64_t kMetricGroupsMs = 1'000;  // for which a page waits for what groups say
inline constexpr int64_t kMetricRecordTimesMs =
    200;  // and in which it reads records for their age;
inline constexpr size_t kMetricRecordTimes = 100'000;  // so many are kept for the next page

// What a refused caller is told to wait.
inline constexpr int64_t kOverBudgetRetryMs = 100;
inline constexpr int64_t kDiskLowRetryMs = 1'000;
inline constexpr int64_t kTooManyProducersRetryMs = 5'000;

// The memory budget of requests (memory.limit).
inline constexpr int64_t kMemoryLimitSmallest = 16 * kMiB;

// Free disk space below which produces are refused, unless configured: a tenth of the disk or this,
// whichever is less.
inline constexpr int64_t kDiskLowLargestDefault = 5 * kGiB;

// The commit journal and rounds.
inline constexpr int64_t kJournalBlock = 4 * kKiB;
inline constexpr int64_t kJournalFileBytes = 64 * kMiB;
inline constexpr int kJournalFiles = 8;
inline constexpr int64_t kJournalFileBytesSmallest = 40 * kMiB;  // that can be configured
inline constexpr int64_t kJournalFileBytesLargest = 1 * kGiB;
inline constexpr int kJournalFilesFewest = 4;
inline constexpr int kJournalFilesMost = 64;
inline constexpr int64_t kRoundBytes = 8 * kMiB;     // or one larger request
inline constexpr int64_t kRoundOverhead = 1 * kMiB;  // entry heads and padding
inline constexpr int64_t kCommitQueueRequests = 100'000;
inline constexpr size_t kAtomicAppendParts = 1'024;  // batches and log starts of one atomic append
inline constexpr int64_t kAtomicAppendBytes = 16 * kMiB;
inline constexpr size_t kLogStartsPerRound = 256;  // that move in one round of the journal
inline constexpr size_t kWaitingLogStarts = 2 * size_t{kPartitionsPerBroker};

// Checkpoints.
inline constexpr int kCheckpointJournalFiles =
    2;  // a checkpoint begins when this many files are full,
inline constexpr size_t kCheckpointDirtySegments = 2'048;  // or so many segments are dirty,
inline constexpr int64_t kCheckpointIdleSeconds = 5;       // or after so long without one
inline constexpr int64_t kWritebackBytes =
    4 * kMiB;  // of one segment begin their way to the disk at once
inline constexpr size_t kSingleSyncSegments = 64;  // more than this are flushed by one syncfs

// Segments and their indexes.
inline constexpr int64_t kSegmentBytesDefault = 128 * kMiB;
inline constexpr int64_t kSegmentBytesSmallest = 1 * kKiB;
inline constexpr int64_t kSegmentBytesLargest = 1 * kGiB;
inline constexpr int64_t kIndexInterval = 4 * kKiB;
inline constexpr size_t kIndexChunkEntries =
    64;  // saved together; a start walks what the last, unsaved ones cover
inline constexpr size_t kIndexCacheBytes = 32 * kMiB;  // indexes of sealed segments kept in memory
inline constexpr size_t kOpenFiles = 4'096;
inline constexpr int64_t kOpenFilesFewest = 64;  // that can be configured
inline constexpr int64_t kOpenFilesMost = 1'000'000;

// Idempotent producers.
inline constexpr int64_t kLingerMostMs = 1'000;  // of a producer's batches
inline constexpr int kProducerBatches =
    5;  // remembered per producer and partition (Kafka's number)
inline constexpr size_t kProducersPerPartition = 10'000;
inline constexpr int64_t kProducerExpirationMs = 7LL * 24 * 3600 * 1000;
inline constexpr int64_t kProducerExpirationMostMs = 365LL * 24 * 3600 * 1000;
// A producer that was heard of is remembered for so long, whatever comes: what it sends again
// after an answer was lost is recognised.
inline constexpr int64_t kProducerKeptMs = 10LL * 60 * 1000;
inline constexpr int64_t kProducerIdBlock = 1'000;
inline constexpr size_t kRaisedProducerEpochs =
    1'000'000;  // ids whose epoch was raised, remembered by the broker

inline constexpr size_t kEpochsPerPartition = 1'024;

// State machines over internal partitions.
inline constexpr int64_t kInternalRoundBytes = 1 * kMiB;  // records that gather for one append
inline constexpr int64_t kInternalRecordOverhead = 32;  // bytes of one beside its payload, at most
// What one decision may append to other partitions, and with its records.
inline constexpr size_t kDecisionAppendParts = 1'000;
inline constexpr int64_t kDecisionAppendBytes = 10 * kMiB;
inline constexpr size_t kUnwrittenStateChanges =
    100'000;  // before the state store is written at once
inline constexpr int64_t kStateSnapshotBytes =
    64 * kMiB;  // of new log, after which a snapshot of the state is made
inline constexpr size_t kStateSnapshots = 2;  // kept; the log reaches back to the oldest

// Consumer groups. A shard holds the groups of one internal partition.
inline constexpr int32_t kGroupPartitions = 16;  // of a new broker's internal topic
inline constexpr size_t kGroupIdLength = 249;    // as topic names
inline constexpr size_t kMemberIdLength = 64;    // a uuid has 36
inline constexpr size_t kInstanceIdLength = 249;
inline constexpr size_t kClientIdLength = 249;
inline constexpr size_t kHostLength = 255;
inline constexpr size_t kGroupsPerShard = 10'000;
inline constexpr size_t kMembersPerShard = 20'000;
inline constexpr size_t kMembersPerGroup = 5'000;
inline constexpr size_t kSubscribedTopics = 1'000;       // that one member names,
inline constexpr size_t kSubscriptionBytes = 16 * kKiB;  // and their names together
inline constexpr size_t kOffsetsPerRequest = 10'000;  // partitions of a commit, a fetch or a reset
inline constexpr size_t kOffsetsPerRecord = 10'000;   // partitions of one internal record
inline constexpr size_t kOffsetMetadataBytes = 4 * kKiB;   // of one committed offset
inline constexpr int64_t kCommitRequestBytes = 16 * kMiB;  // offsets, names and metadata together
inline constexpr int64_t kOffsetMetadataBytesPerRequest = 8 * kMiB;
inline constexpr size_t kOffsetsPerShard = 2'000'000;
inline constexpr size_t kSurveyOffsets = 10'000;  // that a shard tells the metrics in one go
inline constexpr size_t kOffsetMetadataBytesPerShard = 64 * kMiB;
inline constexpr int64_t kSessionTimeoutDefaultMs = 45'000;  // session.timeout.ms
inline constexpr int64_t kSessionTimeoutShortestMs = 1'000;
inline constexpr int64_t kSessionTimeoutLongestMs = 30LL * 60 * 1000;
inline constexpr int64_t kRebalanceTimeoutDefaultMs = 60'000;  // rebalance.timeout.ms
inline constexpr int64_t kRebalanceTimeoutShortestMs = 1'000;
inline constexpr int64_t kRebalanceTimeoutLongestMs = 60LL * 60 * 1000;
inline constexpr int64_t kOffsetsRetentionDefaultMs =
    7LL * 24 * 3600 * 1000;  // offsets.retention.ms
inline constexpr int64_t kOffsetsRetentionShortestMs = 60'000;
inline constexpr int64_t kOffsetsRetentionLongestMs = 10LL * 365 * 24 * 3600 * 1000;
inline constexpr int64_t kAssignPauseMs = 50;      // between two assignments of one group, and
inline constexpr int64_t kAssignUnitsPerMs = 100;  // a millisecond more for so many members,
                                                   // partitions and subscriptions
inline constexpr int64_t kAssignBytes = 1 * kMiB;  // of records of one assignment; then the next
inline constexpr int64_t kTopicsPauseMs = 1'000;   // in which changes of topics gather
inline constexpr int64_t kConfirmAfterResumeMs = 5'000;  // a member that comes back has this long
                                                         // to give up what it was asked before
inline constexpr int64_t kInstanceInUseRetryMs = 5'000;  // the refused holder of an instance id

// Share groups. A share-partition is what one group has to do with one partition.
inline constexpr size_t kSharePartitionsPerShard = 20'000;
inline constexpr size_t kSurveyShares = 1'000;        // that a shard tells the metrics in one go;
inline constexpr size_t kSurveyStoreReadShares = 10;  // a read of the store counts as so many there
inline constexpr int64_t kAckTimeoutDefaultMs = 30'000;  // ack.timeout.ms
inline constexpr int64_t kAckTimeoutShortestMs = 1'000;
inline constexpr int64_t kAckTimeoutLongestMs = 12LL * 3600 * 1000;
inline constexpr int64_t kLockLongestMs = 12LL * 3600 * 1000;  // over all renewals
inline constexpr int32_t kDeliveryAttemptsDefault = 5;         // max.delivery.attempts
inline constexpr int32_t kDeliveryAttemptsMost = 1'000;
inline constexpr int64_t kRetryBackoffInitialDefaultMs = 1'000;  // retry.backoff.initial.ms
inline constexpr int64_t kRetryBackoffMaxDefaultMs = 600'000;    // retry.backoff.max.ms
inline constexpr int64_t kRetryBackoffShortestMs = 10;
inline constexpr int64_t kRetryBackoffLongestMs = 24LL * 3600 * 1000;
inline constexpr int32_t kUncountedReleases = 100;  // of one job; the next ones count
inline constexpr int64_t kReleaseDelayLongestMs = 7LL * 24 * 3600 * 1000;
inline constexpr int64_t kShareInFlightDefault = 2'000;  // max.in.flight
inline constexpr int64_t kShareInFlightMost = 10'000;
inline constexpr int64_t kShareParkedDefault = 10'000'000;  // max.parked
inline constexpr int64_t kShareParkedMost = 100'000'000;
inline constexpr int64_t kBreakerCountDefault = 100;  // dlq.breaker.count
inline constexpr int64_t kBreakerCountMost = 1'000'000;
inline constexpr int64_t kBreakerWindowDefaultMs = 60'000;  // dlq.breaker.window.ms
inline constexpr int64_t kBreakerWindowShortestMs = 1'000;
inline constexpr int64_t kBreakerWindowLongestMs = 24LL * 3600 * 1000;
inline constexpr int kBreakerPercent = 20;                                  // of all outcomes
inline constexpr int64_t kDeadLetterRetentionMs = 30LL * 24 * 3600 * 1000;  // of a new topic
inline constexpr int64_t kDeadLetterOverhead = 64 * kKiB;  // what a letter may be larger
inline constexpr size_t kRedriveTopics = 1'000;            // of one share group
inline constexpr int64_t kSessionResumeMs = 5'000;  // a worker that comes back keeps its locks
inline constexpr size_t kWorkerNameBytes = 249;
inline constexpr size_t kWorkerSessions = 100'000;
inline constexpr int64_t kCreditsMost = 100'000;          // of one worker, open at a time
inline constexpr int64_t kAcquireWaitLongestMs = 60'000;  // of one Acquire
inline constexpr int64_t kJobReadBytes = 512 * kKiB;      // read of a log at once
inline constexpr size_t kJobErrorBytes = 4 * kKiB;        // of an acknowledgement
inline constexpr int64_t kAckErrorBytes = 4 * kMiB;       // of one call's items together,
inline constexpr int64_t kAckKeptErrorBytes = 16 * kMiB;  // and when each job keeps its own
inline constexpr size_t kHistoryErrorBytes = 256;         // of one attempt in a dead letter
inline constexpr int32_t kAttemptHistory = 10;            // attempts that are remembered
inline constexpr size_t kAckItems = 10'000;               // of one acknowledgement,
inline constexpr int64_t kAckJobs = 100'000;              // and the jobs that it names
inline constexpr int kAckTurns = 4;                       // times that it may name a job
inline constexpr int64_t kAcquireJobsMost = 10'000;       // of one acquisition
inline constexpr int64_t kScanAheadJobs = 1'000;          // available ones that are enough
inline constexpr size_t kScannedRecords = 100'000;        // of one scan
inline constexpr size_t kLinedUpJobs = 50'000;            // in memory, of one share-partition
inline constexpr size_t kParkedInMemory = 4'096;          // the soonest, of one share-partition
inline constexpr size_t kParkedPerDecision = 10'000;
inline constexpr size_t kJobsByCommand = 10'000;  // that one command names, or is told of
inline constexpr size_t kExpireJobs = 1'000;      // that die in one call
inline constexpr int64_t kExpirePauseMs = 100;    // then their letters are written
inline constexpr size_t kHeldKeysExact = 32'768;  // of one share-partition; then a filter
inline constexpr size_t kHeldKeysFilter = size_t{1} << 22;
inline constexpr int64_t kParkLimitLookMs = 1'000;  // how often room is looked for at PARK_LIMIT
inline constexpr int64_t kParkedLookMs = 60'000;    // how long a clock set forward goes unnoticed

// Dead letters, on their way to their topic and back.
inline constexpr int kLetterRuns = 4;         // share-partitions whose letters are written at once
inline constexpr size_t kLettersTaken = 100;  // dying jobs of one of them in memory
inline constexpr int64_t kLetterReadBytes = 256 * kKiB;  // of a log at once, or one larger batch
inline constexpr int64_t kLetterBatchBytes = 1 * kMiB;   // of one batch, and of one append; or one
inline constexpr int64_t kLetterBytesMost = 8 * kMiB;    // larger record, of at most so many
inline constexpr int64_t kLetterMemory = 4 * kMiB;  // of one share-partition's run, or one call
inline constexpr int64_t kLettersPerCall = 1'000;   // looked at by one call, unless it says,
inline constexpr int64_t kLettersPerCallMost = 10'000;
inline constexpr int64_t kLetterBytesPerCall = 16 * kMiB;  // and what is read of their topic
inline constexpr int64_t kLettersPageDefault = 100;
inline constexpr int32_t kRedrivesDefault = 3;
inline constexpr int32_t kRedrivesMost = 1'000;

static_assert(kAckTimeoutShortestMs <= kAckTimeoutDefaultMs &&
              kAckTimeoutDefaultMs <= kAckTimeoutLongestMs &&
              kAckTimeoutLongestMs <= kLockLongestMs);
static_assert(kRetryBackoffShortestMs <= kRetryBackoffInitialDefaultMs &&
              kRetryBackoffInitialDefaultMs <= kRetryBackoffMaxDefaultMs &&
              kRetryBackoffMaxDefaultMs <= kRetryBackoffLongestMs);
static_assert(kShareInFlightDefault <= kShareInFlightMost &&
                  kShareInFlightMost <= static_cast<int64_t>(kParkedPerDecision),
              "all that a session holds of a share-partition goes back in one decision");
static_assert(kShareParkedDefault <= kShareParkedMost);
static_assert(kBreakerCountDefault <= kBreakerCountMost &&
              kBreakerWindowShortestMs <= kBreakerWindowDefaultMs &&
              kBreakerWindowDefaultMs <= kBreakerWindowLongestMs);

static_assert(kMaxMessageBytesLargest < kRequestBytes, "the largest batch fits a request");
static_assert(kMembersPerGroup <= kMembersPerShard);
static_assert(kOffsetsPerRequest <= kOffsetsPerRecord && kOffsetsPerRecord <= kOffsetsPerShard);
static_assert(kOffsetMetadataBytes <= kOffsetMetadataBytesPerShard);
static_assert(kSessionTimeoutShortestMs <= kSessionTimeoutDefaultMs &&
              kSessionTimeoutDefaultMs <= kSessionTimeoutLongestMs);
static_assert(kRebalanceTimeoutShortestMs <= kRebalanceTimeoutDefaultMs &&
              kRebalanceTimeoutDefaultMs <= kRebalanceTimeoutLongestMs);
static_assert(kOffsetsRetentionShortestMs <= kOffsetsRetentionDefaultMs &&
              kOffsetsRetentionDefaultMs <= kOffsetsRetentionLongestMs);
static_assert(kRequestBytes + int64_t{kRecordsPerPlainProduce} * 256 < kDecodedProduceBytes,
              "as many records as are allowed can be decoded, together as large as is allowed");
static_assert(kFetchPartitions * static_cast<int64_t>(kTopicNameLength + 64) <= kListRequestBytes,
              "as many partitions as are allowed can be named");
static_assert(kRequestBytes + kRoundOverhead < kJournalFileBytesSmallest,
              "one request fits one journal file");
static_assert(kRoundBytes + kRoundOverhead < kJournalFileBytesSmallest,
              "a full round fits one journal file");
static_assert(kAtomicAppendBytes + kRoundOverhead < kJournalFileBytesSmallest,
              "an atomic append fits one round of an empty journal file");
static_assert(kAtomicAppendParts * 64 <= kRoundOverhead);
static_assert(kLetterBytesMost + kLetterBatchBytes <= kDecisionAppendBytes &&
                  kLettersPerCall <= int64_t{kDecisionAppendParts} &&
                  kLettersTaken <= kDecisionAppendParts && kDecisionAppendParts <= kJobsByCommand,
              "letters, a batch for each at most, and what becomes of them are one decision");
static_assert(2 * kLetterReadBytes + 2 * kLetterBatchBytes <= kLetterMemory);
static_assert(kDecisionAppendParts < kAtomicAppendParts &&
                  kDecisionAppendBytes + kInternalRoundBytes < kAtomicAppendBytes,
              "a decision and what gathers with it are one atomic append");
static_assert(kJournalFileBytesSmallest <= kJournalFileBytes &&
              kJournalFileBytes <= kJournalFileBytesLargest);
static_assert(kLogStartsPerRound * 64 <= kRoundOverhead, "a round of log starts is a small one");
static_assert(kCheckpointJournalFiles + 2 <= kJournalFilesFewest,
              "rounds go on while a checkpoint runs");
static_assert(kJournalFilesFewest <= kJournalFiles && kJournalFiles <= kJournalFilesMost);
static_assert(kStateSnapshots >= 2,
              "one may be damaged, and the log still reaches back to another");
static_assert(kMaxMessageBytesDefault <= kFetchBytesLargest, "a default batch fits a fetch");
static_assert(kSegmentBytesLargest < int64_t{1} << 31, "positions in an index are 32 bits");

}  // namespace weir::limits

#endif  // WEIR_STORAGE_BASE_LIMITS_H_
