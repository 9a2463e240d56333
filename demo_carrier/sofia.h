#ifndef LASTMILE_DEMO_CARRIER_SOFIA_H_
#define LASTMILE_DEMO_CARRIER_SOFIA_H_

// sofia-sip with the types of our callbacks' contexts, which its headers want as macros before they
// are included: so carrier.cc and call.cc include it here and nowhere else. Only its SIP
// transaction and dialog layer (nta) is used; its SDP parser never sees a byte (it can be hung by
// one line).
namespace lastmile::demo_carrier {
class Call;
class CarrierCore;
class RequestHandler;
}  // namespace lastmile::demo_carrier

#define NTA_AGENT_MAGIC_T lastmile::demo_carrier::CarrierCore
#define NTA_LEG_MAGIC_T lastmile::demo_carrier::RequestHandler
#define NTA_INCOMING_MAGIC_T lastmile::demo_carrier::Call
#define NTA_OUTGOING_MAGIC_T lastmile::demo_carrier::Call
#define SU_ROOT_MAGIC_T lastmile::demo_carrier::CarrierCore
#define SU_WAKEUP_ARG_T lastmile::demo_carrier::CarrierCore

#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport_tag.h>

namespace lastmile::demo_carrier {

// Who answers the requests of a dialog, or those outside of any. The returned status is sent by nta
// if it was not sent already; 0: the answer comes later.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual int OnRequest(nta_incoming_t* request, const sip_t* sip) = 0;

  static int Thunk(RequestHandler* self, nta_leg_t*, nta_incoming_t* request,
                   const sip_t* sip) noexcept {
    return self->OnRequest(request, sip);
  }
};

inline constexpr char kAllow[] = "INVITE, ACK, CANCEL, BYE, OPTIONS";

// What every request gets that is not one of kAllow: 405 or, if nobody knows the method, 501.
int RefuseMethod(nta_incoming_t* request, const sip_t* sip);
// 200 with what we can.
int AnswerOptions(nta_incoming_t* request);

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_SOFIA_H_
