#ifndef LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_TURN_SERVER_H_
#define LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_TURN_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/endpoint.h"

namespace lastmile::test {

// coturn on loopback, as STUN and as TURN server, for as long as the object lives. Its only account
// is kUser with kPassword. Thread: the test's.
class TurnServer {
 public:
  static constexpr const char* kUser = "gateway";
  static constexpr const char* kPassword = "turn-password";

  explicit TurnServer(const std::vector<std::string>& more_arguments = {});
  ~TurnServer();
  TurnServer(const TurnServer&) = delete;
  TurnServer& operator=(const TurnServer&) = delete;

  const Endpoint& address() const { return address_; }
  // Whether it relays at that address.
  bool IsRelay(const Endpoint& address) const;

 private:
  void Start(const std::vector<std::string>& more_arguments);
  bool Answers() const;

  std::filesystem::path folder_;
  Endpoint address_;
  uint16_t first_relay_;
  uint16_t last_relay_;
  pid_t pid_ = -1;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_TURN_SERVER_H_
