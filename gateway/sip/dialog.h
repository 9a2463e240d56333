#ifndef LASTMILE_GATEWAY_SIP_DIALOG_H_
#define LASTMILE_GATEWAY_SIP_DIALOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sip/message.h"

namespace lastmile::sip {

// Requests that tell the peer where to send its own from now on (RFC 3261 section 12.2.1.1,
// RFC 3311, RFC 6665, RFC 3515).
bool IsTargetRefresh(std::string_view method);

// The state of one dialog (RFC 3261 section 12), early or confirmed. Knows neither transactions nor
// flows. Thread: any, a plain value.
struct Dialog {
  std::string call_id;
  NameAddr local;                       // with our tag
  NameAddr remote;                      // with the peer's tag, if it has one
  uint32_t local_cseq = 0;              // of our last request
  std::optional<uint32_t> remote_cseq;  // of the peer's last request
  std::optional<uint32_t> remote_rseq;  // of the peer's last reliable 18x (RFC 3262)
  Uri remote_target;
  std::vector<NameAddr> route_set;  // in the order of our requests

  // Section 12.1.1: the peer's INVITE, and the tag of our answers to it.
  static Dialog OfServer(const Message& invite, std::string_view local_tag);
  // Section 12.1.2: our INVITE and a 101-299 to it.
  static Dialog OfClient(const Message& invite, const Message& response);

  // Section 13.2.2.4: the 2xx has the last word on the route set and the target.
  void Confirm(const Message& response);
  // RFC 6665 section 4.4.1: the peer's request (a NOTIFY) that makes the dialog before any 2xx did.
  void ConfirmByRequest(const Message& request);
  // A request of ours: start line, From, To, Call-ID, CSeq, Route, Max-Forwards (section 12.2.1.1).
  // The caller adds Via and Contact.
  Message NextRequest(std::string_view method);
  // The same for the ACK of a 2xx to our INVITE of that number.
  Message Ack(uint32_t invite_cseq) const;

  bool IsPeer(std::string_view request_call_id, std::string_view remote_tag) const;
  // Takes note of a request's CSeq. False: lower than one seen before (section 12.2.2). An equal
  // one counts: JsSIP tries again after a 491 with the CSeq it had.
  bool TakeCSeq(uint32_t number);
  // A target refresh by the peer: a request that IsTargetRefresh, or a 2xx to ours.
  void RefreshTarget(const Message& message);
  bool operator==(const Dialog&) const = default;

 private:
  Message Request(std::string_view method, uint32_t cseq) const;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_DIALOG_H_
