#include "gateway/sip/refer.h"

#include <utility>

#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/precheck.h"

namespace lastmile::sip {
namespace {

// How long a subscription lasts at the most: longer than any call rings.
constexpr std::string_view kActive = "active;expires=300";

std::unexpected<ReferError> Refused(int status, std::string reason) {
  return std::unexpected(ReferError{status, std::move(reason)});
}

Result<Replaces, ReferError> ReplacesOf(std::string_view value) {
  Replaces replaces;
  const size_t end = std::min(value.find(';'), value.size());
  replaces.call_id = Trim(value.substr(0, end));
  value.remove_prefix(end);
  while (!value.empty()) {
    value.remove_prefix(1);  // the semicolon
    const std::string_view param = value.substr(0, value.find(';'));
    value.remove_prefix(param.size());
    const size_t equals = std::min(param.find('='), param.size());
    const std::string_view name = Trim(param.substr(0, equals));
    const std::string_view text = Trim(param.substr(std::min(equals + 1, param.size())));
    const bool to = EqualNoCase(name, "to-tag");
    if (to || EqualNoCase(name, "from-tag")) {
      std::string& tag = to ? replaces.to_tag : replaces.from_tag;
      if (!tag.empty()) return Refused(400, "Replaces names a tag twice");
      tag = text;
    } else if (EqualNoCase(name, "early-only")) {
      replaces.early_only = true;
    }
  }
  if (!IsCallId(replaces.call_id) || !IsToken(replaces.to_tag) || !IsToken(replaces.from_tag)) {
    return Refused(400, "Replaces must have a Call-ID, a to-tag and a from-tag");
  }
  return replaces;
}

// The Replaces among the headers of a URI; the others are none of ours (RFC 3261 section 19.1.5).
Result<std::optional<Replaces>, ReferError> ReplacesIn(std::string_view headers) {
  std::optional<Replaces> found;
  while (!headers.empty()) {
    const size_t end = std::min(headers.find('&'), headers.size());
    const std::string_view header = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    const size_t equals = std::min(header.find('='), header.size());
    if (!EqualNoCase(Unescape(header.substr(0, equals)), "Replaces")) continue;
    if (found) return Refused(400, "the URI of Refer-To has two Replaces");
    auto replaces = ReplacesOf(Unescape(header.substr(std::min(equals + 1, header.size()))));
    if (!replaces) return std::unexpected(replaces.error());
    found = *std::move(replaces);
  }
  return found;
}

}  // namespace

std::string Replaces::ToString() const {
  return call_id + ";to-tag=" + to_tag + ";from-tag=" + from_tag +
         (early_only ? ";early-only" : "");
}

Result<Refer, ReferError> ParseRefer(const Message& message) {
  const std::string* refer_to = message.FindExtra("Refer-To");
  if (!refer_to) return Refused(400, "a REFER must have a Refer-To");
  auto address = ParseNameAddr(*refer_to);
  if (!address) return Refused(400, "Refer-To cannot be read: " + address.error().message);
  Refer refer{.target = std::move(address->uri), .cseq = message.cseq.number};
  if (refer.target.scheme != "sip" && refer.target.scheme != "sips") {
    return Refused(416, "the scheme of Refer-To must be sip or sips");
  }
  const std::string* method = refer.target.params.Find("method");
  if (method && *method != "INVITE") {
    return Refused(501, "a REFER is followed by an INVITE only");
  }
  std::erase_if(refer.target.params.list,
                [](const auto& param) { return EqualNoCase(param.first, "method"); });
  auto replaces = ReplacesIn(std::exchange(refer.target.headers, {}));
  if (!replaces) return std::unexpected(replaces.error());
  refer.replaces = *std::move(replaces);
  if (const std::string* by = message.FindExtra("Referred-By")) refer.referred_by = *by;
  const std::string* sub = message.FindExtra("Refer-Sub");
  refer.subscribes = !sub || !EqualNoCase(Trim(sub->substr(0, sub->find(';'))), "false");
  return refer;
}

Result<std::optional<Replaces>, ReferError> ParseReplaces(const Message& invite) {
  const std::string* value = invite.FindExtra("Replaces");
  if (!value) return std::nullopt;
  auto replaces = ReplacesOf(*value);
  if (!replaces) return std::unexpected(replaces.error());
  return *std::move(replaces);
}

Extras AcceptRefer(const Refer& refer) {
  Extras extras;
  if (!refer.subscribes) extras.headers.push_back({"Refer-Sub", "false"});
  return extras;
}

Extras NotifyOfRefer(uint32_t refer_cseq, int status) {
  Extras extras;
  const bool last = status >= 200;
  extras.headers.push_back({"Event", "refer;id=" + std::to_string(refer_cseq)});
  extras.headers.push_back(
      {"Subscription-State", last ? "terminated;reason=noresource" : std::string(kActive)});
  extras.content_type = "message/sipfrag;version=2.0";
  extras.body =
      "SIP/2.0 " + std::to_string(status) + " " + std::string(DefaultReasonPhrase(status)) + "\r\n";
  return extras;
}

}  // namespace lastmile::sip
