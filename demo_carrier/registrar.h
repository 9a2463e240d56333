#ifndef LASTMILE_DEMO_CARRIER_REGISTRAR_H_
#define LASTMILE_DEMO_CARRIER_REGISTRAR_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "demo_carrier/sofia.h"

struct auth_mod_t;

namespace lastmile::demo_carrier {

// The one customer of a carrier that wants registration: who it is, and where it is now. Passwords
// are judged by sofia-sip's digest module (MD5, qop auth). Thread: the carrier's.
class Registrar {
 public:
  // `realm`: of the challenges.
  static Result<std::unique_ptr<Registrar>> Make(su_root_t* root, const std::string& user,
                                                 const std::string& password,
                                                 const std::string& realm);
  ~Registrar();
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // The status that was sent: 200, a challenge, 423 or another refusal (RFC 3261 section 10.3).
  int OnRegister(nta_incoming_t* request, const sip_t* sip, TimePoint now);
  // 0: the INVITE carries the customer's credentials. Else the status that was sent.
  int CheckInvite(nta_incoming_t* request, const sip_t* sip);
  // Host, port and parameters of the customer's Contact; empty: it is not registered.
  std::string Whereabouts(TimePoint now) const { return now < bound_until_ ? bound_to_ : ""; }

  static constexpr int kMinExpires = 60;  // seconds
  static constexpr int kMaxExpires = 3600;

 private:
  Registrar() = default;
  int Check(nta_incoming_t* request, const sip_t* sip, bool as_proxy);
  void Accept(nta_incoming_t* request, const sip_t* sip, int expires);

  auth_mod_t* module_ = nullptr;
  std::string user_;
  std::string password_;  // the module keeps a pointer to it
  std::string bound_to_;
  TimePoint bound_until_ = TimePoint::min();
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_REGISTRAR_H_
