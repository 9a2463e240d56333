#ifndef LASTMILE_GATEWAY_TRUNK_IDENTITY_H_
#define LASTMILE_GATEWAY_TRUNK_IDENTITY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/sip/message.h"

// Who is calling, as a trunk is told and as a trunk tells it. Towards a trunk everything is made
// from the account and the trunk's policy; of what the caller wrote only the wish to be anonymous
// counts. Thread: any, pure.
namespace lastmile::trunk {

// Where the trunk looks for the caller's number. From has it in any case, unless the caller is
// anonymous.
enum class IdentityHeader {
  kFrom,
  kPAssertedIdentity,  // RFC 3325 section 9.1
  kPPreferredIdentity,
  kRemotePartyId,  // never became an RFC
};

enum class NumberFormat {
  kAsIs,
  kE164,           // +442071234567
  kNational,       // 02071234567; numbers of other countries as kE164
  kInternational,  // 442071234567
};

// What tells a trunk that a call was sent on to it by somebody who was called first.
enum class DiversionHeader {
  kNone,
  kDiversion,    // RFC 5806
  kHistoryInfo,  // RFC 7044
};

struct CallerIdPolicy {
  IdentityHeader header = IdentityHeader::kFrom;
  NumberFormat format = NumberFormat::kAsIs;
  std::string country;         // calling code that national numbers belong to: "44"; "": not known
  std::string default_number;  // shown for users whose own number cannot be; "": none
  bool display = false;        // the user's name is shown too
  std::vector<std::string> allow;  // numbers that may be shown; empty: all
  DiversionHeader diversion = DiversionHeader::kNone;
};

// Whose call it is, as the gateway knows it.
struct CallerAccount {
  std::string number;  // or a name
  std::string user;
  std::string host;         // of From
  bool at_the_pbx = false;  // an account at the trunk itself: `number` is its address there
};

struct CallerWishes {
  bool anonymous = false;
  std::string diverted_by;  // number of who sent the call on; "" for nobody
  std::string target;       // whom the call is for
  std::string target_host;
};

struct CallerIdentity {
  sip::NameAddr from;
  std::vector<sip::Header> headers;
};

struct CallerRefused {
  int status = 403;  // 403: the number may not be shown; 433 (RFC 5079): anonymity is not to be had
  std::string reason;  // a sentence
};

Result<CallerIdentity, CallerRefused> BuildIdentity(const CallerIdPolicy& policy,
                                                    const CallerAccount& account,
                                                    const CallerWishes& wishes);

// The number as the policy wants it written. What is no number, or of no known country, stays.
std::string FormatNumber(const CallerIdPolicy& policy, std::string_view number);
// "+" and 5 to 15 digits (ITU-T E.164), from any usual way to write it; nothing: not to be told.
// `country`: as in CallerIdPolicy.
std::optional<std::string> ToE164(std::string_view number, std::string_view country);
bool IsCountry(std::string_view text);  // one to three digits that can begin an E.164 number

// Who calls, as a trunk's INVITE says.
struct ShownCaller {
  std::string number;  // or a name; "anonymous" if the caller is not to be shown
  std::string display_name;
};
// `trusted`: P-Asserted-Identity and Remote-Party-ID are believed before From (RFC 3325 section 5).
ShownCaller CallerOf(const sip::Message& invite, bool trusted);

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_IDENTITY_H_
