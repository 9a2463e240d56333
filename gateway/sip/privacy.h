#ifndef LASTMILE_GATEWAY_SIP_PRIVACY_H_
#define LASTMILE_GATEWAY_SIP_PRIVACY_H_

#include <string_view>

#include "gateway/sip/message.h"

// A caller's wish not to be shown (RFC 3323, RFC 3325). Thread: any, pure.
namespace lastmile::sip {

inline constexpr std::string_view kAnonymousUser = "anonymous";
inline constexpr std::string_view kAnonymousHost = "anonymous.invalid";

// An address that names nobody (RFC 3323 section 4.1.1.3).
bool IsAnonymous(const Uri& uri);
// "Anonymous" <sip:anonymous@anonymous.invalid>, for From.
NameAddr AnonymousAddress();
// Whether the request asks that its sender is not shown: by Privacy (`id`, `user` or `header`), or
// by a From that names nobody.
bool AsksForPrivacy(const Message& request);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_PRIVACY_H_
