#ifndef LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_CARRIER_PROCESS_H_
#define LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_CARRIER_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"

namespace lastmile::demo_carrier {

// A running lastmile-demo-carrier and what it prints. Ends it when it goes.
class CarrierProcess {
 public:
  // `arguments` besides --listen 127.0.0.1:0 and a range of RTP ports. Waits for the ready line.
  explicit CarrierProcess(const std::vector<std::string>& arguments = {});
  ~CarrierProcess();
  CarrierProcess(const CarrierProcess&) = delete;
  CarrierProcess& operator=(const CarrierProcess&) = delete;

  const Endpoint& sip() const { return sip_; }
  // The first line from now on, or already there and not yet returned, that holds all of `words`.
  std::optional<std::string> WaitForLine(const std::vector<std::string>& words,
                                         Duration limit = 5s);
  void Signal(int signal);
  // Its exit status after SIGTERM; -1: it did not end by itself.
  int Terminate(Duration limit = 5s);
  size_t open_files() const;

 private:
  bool ReadMore(Duration limit);

  pid_t pid_ = -1;
  int output_ = -1;
  std::string unread_;
  std::vector<std::string> lines_;
  Endpoint sip_;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_CARRIER_PROCESS_H_
