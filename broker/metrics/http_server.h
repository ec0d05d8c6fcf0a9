// HttpServer: the broker's HTTP side port: GET /metrics, /healthz (the process answers) and /readyz
// (it serves). Nothing else goes through it. The only place with httplib. Start and Stop by one
// thread; requests run on two threads of its own.
#ifndef WEIR_BROKER_METRICS_HTTP_SERVER_H_
#define WEIR_BROKER_METRICS_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir {

struct HttpPages {
  std::function<std::string()> metrics;
  // What there is to say of a broker that serves ("ok"), or why it does not.
  std::function<absl::StatusOr<std::string>()> ready;
};

class HttpServer {
 public:
  // Listens on `host` and `port` (0: one that is free). An address in use, or one that is not this
  // machine's, is an error that names it.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& host, int port,
                                                           HttpPages pages);
  // Stops listening and waits for the requests under way.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_HTTP_SERVER_H_
