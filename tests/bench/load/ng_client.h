#ifndef LASTMILE_TESTS_BENCH_LOAD_NG_CLIENT_H_
#define LASTMILE_TESTS_BENCH_LOAD_NG_CLIENT_H_

#include <map>
#include <string>

#include "base/endpoint.h"
#include "base/result.h"

namespace lastmile::bench {

// Controls an rtpengine by its ng protocol: a cookie and a bencoded dictionary in a UDP datagram,
// answered by one with the same cookie. Waits for each answer. Thread: main.
class NgClient {
 public:
  explicit NgClient(const Endpoint& server);
  ~NgClient();
  NgClient(const NgClient&) = delete;
  NgClient& operator=(const NgClient&) = delete;

  // The SDP of the answer. `command` is offer or answer; `more` are further keys with their values,
  // bencoded.
  Result<std::string> Describe(const std::string& command, const std::string& call_id,
                               const std::string& sdp, std::map<std::string, std::string> more);

  static std::string Text(const std::string& text);  // bencoded

 private:
  int fd_;
  int cookie_ = 0;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_NG_CLIENT_H_
