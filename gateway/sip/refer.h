#ifndef LASTMILE_GATEWAY_SIP_REFER_H_
#define LASTMILE_GATEWAY_SIP_REFER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/sip/message.h"
#include "gateway/sip/user_agent.h"

// What a REFER asks for (RFC 3515) and what its sender is told, and which dialog a new one takes
// the place of (RFC 3891). Thread: any, pure.
namespace lastmile::sip {

// Why such a request cannot be followed: the status to answer it with, and a sentence for its
// Warning.
struct ReferError {
  int status = 400;
  std::string reason;
};

// The dialog that a new one replaces. The tags are those of the one who gets the INVITE (`to_tag`)
// and of its peer; real peers mix them up, so that UserAgent::FindDialog takes them either way.
struct Replaces {
  std::string call_id;
  std::string to_tag;
  std::string from_tag;
  bool early_only = false;

  std::string ToString() const;  // the header's value
  bool operator==(const Replaces&) const = default;
};

struct Refer {
  Uri target;  // whom to call, without "method" and headers
  std::optional<Replaces> replaces = {};
  std::string referred_by = {};  // value of the header, "" without one
  bool subscribes = true;        // false: it wants no NOTIFY (Refer-Sub, RFC 4488)
  uint32_t cseq = 0;             // names its subscription
};

// 400: no Refer-To, or one that cannot be read; 416: its scheme is neither sip nor sips; 501: it
// asks for another method than INVITE.
Result<Refer, ReferError> ParseRefer(const Message& refer);
// Of an INVITE; nothing: it has none. 400: it cannot be read.
Result<std::optional<Replaces>, ReferError> ParseReplaces(const Message& invite);

// What the 2xx to that REFER carries.
Extras AcceptRefer(const Refer& refer);
// The NOTIFY about a REFER: `status` (100-699) of the call that was asked for, "noresource" with
// the last one (section 2.4.7).
Extras NotifyOfRefer(uint32_t refer_cseq, int status);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_REFER_H_
