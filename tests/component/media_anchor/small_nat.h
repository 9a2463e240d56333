#ifndef LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_SMALL_NAT_H_
#define LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_SMALL_NAT_H_

#include <atomic>
#include <map>
#include <thread>

#include "base/endpoint.h"

namespace lastmile::test {

// A NAT for one socket behind it: what that one sends to `inside(X)` leaves from outside() for X,
// and what anybody sends to outside() comes in. Who is behind it is learned from its first
// datagram. On loopback, with a thread of its own. Thread: the test's.
class SmallNat {
 public:
  // The first far end, e.g. a STUN server.
  explicit SmallNat(const Endpoint& server);
  ~SmallNat();
  SmallNat(const SmallNat&) = delete;
  SmallNat& operator=(const SmallNat&) = delete;

  const Endpoint& outside() const { return outside_; }
  const Endpoint& inside_of_server() const { return inside_of_server_; }
  uint64_t passed() const { return passed_; }  // datagrams, both ways, but for the server's

 private:
  void Run();
  int InsideFor(const Endpoint& far);

  const Endpoint server_;
  Endpoint outside_;
  int outside_fd_;  // behind the address, which it fills in
  Endpoint inside_of_server_;
  Endpoint behind_;              // port 0: not known yet
  std::map<Endpoint, int> far_;  // the inside socket of each far end
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> passed_{0};
  std::thread thread_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_COMPONENT_MEDIA_ANCHOR_SMALL_NAT_H_
