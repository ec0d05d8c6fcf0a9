#include "storage/log/read_only_log_manager.h"

#include <utility>

namespace weir {

ReadOnlyLogManager::ReadOnlyLogManager(const LogManagerOptions& options, RecoveredLog recovered,
                                       absl::Status reason)
    : logs_(options.file_system, options.listener, options.directory, options.open_files,
            &recovered),
      completions_(options.completions),
      reason_(std::move(reason)) {}

}  // namespace weir
