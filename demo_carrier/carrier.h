#ifndef LASTMILE_DEMO_CARRIER_CARRIER_H_
#define LASTMILE_DEMO_CARRIER_CARRIER_H_

#include <memory>
#include <string>

#include "base/endpoint.h"
#include "base/result.h"
#include "demo_carrier/rtp_session.h"

namespace lastmile::demo_carrier {

struct CarrierOptions {
  Endpoint listen;          // SIP over TCP, or over TLS; port 0: any
  std::string tls_folder;   // with agent.pem, its certificate and key; empty: plain TCP
  IpAddress media_address;  // where RTP is bound, and what our SDP says
  PortRange rtp_ports;
  std::string gateway;    // "host:port", for calls to who is not registered
  std::string user;       // the customer, who has to register and to sign its calls in; empty:
  std::string password;   // nobody has to
  std::string call_user;  // called at start and at every SIGUSR1; empty: nobody
  double tone_hz = 880;
  bool quiet = false;  // prints the ready line only
};

class CarrierCore;

// The program: one thread, sofia-sip's loop. SIGTERM and SIGINT end every call and then Run().
class Carrier {
 public:
  // The error is a sentence for the user.
  static Result<Carrier> Start(const CarrierOptions& options);
  Carrier(Carrier&&) noexcept;
  Carrier& operator=(Carrier&&) noexcept;
  ~Carrier();

  void Run();

 private:
  explicit Carrier(std::unique_ptr<CarrierCore> core);

  std::unique_ptr<CarrierCore> core_;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_CARRIER_H_
