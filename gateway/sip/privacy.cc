#include "gateway/sip/privacy.h"

#include <algorithm>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

// Of RFC 3323 section 4.2 and RFC 3325 section 9.3; the others say nothing about who is shown.
bool HidesSender(std::string_view value) {
  return EqualNoCase(value, "id") || EqualNoCase(value, "user") || EqualNoCase(value, "header");
}

bool AnyHidesSender(std::string_view values) {
  while (!values.empty()) {
    const size_t end = std::min(values.find_first_of(";,"), values.size());
    if (HidesSender(Trim(values.substr(0, end)))) return true;
    values.remove_prefix(std::min(end + 1, values.size()));
  }
  return false;
}

}  // namespace

bool IsAnonymous(const Uri& uri) {
  return EqualNoCase(uri.host, kAnonymousHost) || EqualNoCase(uri.user, kAnonymousUser);
}

NameAddr AnonymousAddress() {
  NameAddr address;
  address.display_name = "Anonymous";
  address.uri.user = kAnonymousUser;
  address.uri.host = kAnonymousHost;
  return address;
}

bool AsksForPrivacy(const Message& request) {
  return IsAnonymous(request.from.uri) ||
         std::ranges::any_of(request.extra, [](const Header& header) {
           return EqualNoCase(header.name, "Privacy") && AnyHidesSender(header.value);
         });
}

}  // namespace lastmile::sip
