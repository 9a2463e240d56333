#ifndef LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_
#define LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/endpoint.h"
#include "tests/component/net/hub_world.h"

namespace lastmile::net {

// A DNS server (RFC 1035) on 127.0.0.1 for A questions, on a thread of its own. Names it does not
// know do not exist; names below "silent." are never answered; "broken." gets bytes that are no
// answer.
class FakeDns {
 public:
  explicit FakeDns(std::map<std::string, std::vector<IpAddress>> names);
  ~FakeDns();

  std::string servers() const { return address_.ToString(); }

 private:
  void Serve();
  std::string Answer(const std::string& question) const;

  const std::map<std::string, std::vector<IpAddress>> names_;
  RawSocket socket_{SOCK_DGRAM};
  Endpoint address_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_
