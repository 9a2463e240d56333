#ifndef LASTMILE_TESTS_BENCH_LOAD_HANDSHAKES_H_
#define LASTMILE_TESTS_BENCH_LOAD_HANDSHAKES_H_

#include <cstddef>
#include <vector>

#include "base/time.h"
#include "tests/bench/load/client.h"

namespace lastmile::bench {

// Calls that come and go beside those that are measured: so many a second are dialled, evenly, and
// each is hung up once it has media, which means SIP, ICE and DTLS. Thread: main.
class Handshakes {
 public:
  // Begins now. The clients are registered, have no call, and outlive it.
  Handshakes(std::vector<Client*> clients, double rate);

  // Dials who is due, hangs up who has media and forgets what is over. A call that is due while no
  // client is free is dialled once one is.
  void OnTurn(TimePoint now);
  void Stop() { stopped_ = true; }  // none are dialled any more
  bool idle() const;                // no call is left

  // From INVITE to media, one a call that got there, in ms.
  const std::vector<double>& set_ups_ms() const { return set_ups_ms_; }
  // Calls that were refused or whose DTLS failed.
  size_t failed() const { return failed_; }

 private:
  struct Caller {
    Client* client;
    bool leaving = false;  // has hung up
  };
  void Advance(Caller& caller);

  std::vector<Caller> callers_;
  const Duration interval_;
  TimePoint next_;
  bool stopped_ = false;
  std::vector<double> set_ups_ms_;
  size_t failed_ = 0;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_HANDSHAKES_H_
