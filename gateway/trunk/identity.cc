#include "gateway/trunk/identity.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/privacy.h"

namespace lastmile::trunk {
namespace {

constexpr size_t kFewestDigits = 5;
constexpr size_t kMostDigits = 15;

bool AllDigits(std::string_view text) { return std::ranges::all_of(text, sip::IsDigit); }

// Without what people put between digits; nothing: other characters are in it.
std::optional<std::string> DigitsOf(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (sip::IsDigit(c) || (c == '+' && digits.empty())) {
      digits.push_back(c);
    } else if (std::string_view(" -.()/").find(c) == std::string_view::npos) {
      return std::nullopt;
    }
  }
  if (digits.empty() || digits == "+") return std::nullopt;
  return digits;
}

std::optional<std::string> Checked(std::string_view digits) {
  if (digits.size() < kFewestDigits || digits.size() > kMostDigits || digits.front() == '0') {
    return std::nullopt;
  }
  return "+" + std::string(digits);
}

// What is dialled before a number of one's own country (ITU-T E.164 calls it the national prefix):
// 0 in most; here are those that differ.
std::string_view NationalPrefix(std::string_view country) {
  constexpr std::string_view kNone[] = {"1",  "30", "34",  "39",  "45",  "47",
                                        "48", "65", "351", "352", "420", "852"};
  if (std::ranges::find(kNone, country) != std::end(kNone)) return "";
  return country == "7" ? "8" : "0";
}

std::optional<std::string> NorthAmerican(std::string_view digits) {
  constexpr size_t kNumber = 10;
  if (digits.starts_with("011")) return Checked(digits.substr(3));
  if (digits.size() == kNumber + 1 && digits.front() == '1') return Checked(digits);
  if (digits.size() == kNumber) return Checked("1" + std::string(digits));
  return std::nullopt;
}

std::optional<std::string> OfCountry(std::string_view digits, std::string_view country) {
  constexpr size_t kShortest = 8;  // shorter ones may be extensions
  const std::string_view prefix = NationalPrefix(country);
  const bool has_prefix = digits.starts_with(prefix);
  if (!has_prefix || (prefix.empty() && digits.size() < kShortest)) return std::nullopt;
  return Checked(std::string(country) + std::string(digits.substr(prefix.size())));
}

bool IsNumber(std::string_view text) { return DigitsOf(text).has_value(); }

bool IsAllowed(const CallerIdPolicy& policy, const std::string& number) {
  if (policy.allow.empty()) return true;
  const auto own = ToE164(number, policy.country).value_or(number);
  return std::ranges::any_of(policy.allow, [&](const std::string& allowed) {
    return ToE164(allowed, policy.country).value_or(allowed) == own;
  });
}

Result<std::string, CallerRefused> NumberFor(const CallerIdPolicy& policy,
                                             const CallerAccount& account) {
  if (account.at_the_pbx) return account.number;
  const bool has_default = !policy.default_number.empty();
  const bool allowed = IsAllowed(policy, account.number);
  if (has_default && (!allowed || !IsNumber(account.number))) {
    return FormatNumber(policy, policy.default_number);
  }
  if (!allowed) {
    return std::unexpected(CallerRefused{403, "the user's number may not be shown to the trunk"});
  }
  return FormatNumber(policy, account.number);
}

sip::NameAddr AddressOf(std::string_view number, std::string_view host) {
  sip::NameAddr address;
  address.uri.user = number;
  address.uri.host = host;
  return address;
}

void AddIdentity(const CallerIdPolicy& policy, sip::NameAddr address, bool anonymous,
                 std::vector<sip::Header>& headers) {
  switch (policy.header) {
    case IdentityHeader::kFrom:
      return;
    case IdentityHeader::kPAssertedIdentity:
      headers.push_back({"P-Asserted-Identity", address.ToString()});
      break;
    case IdentityHeader::kPPreferredIdentity:
      headers.push_back({"P-Preferred-Identity", address.ToString()});
      break;
    case IdentityHeader::kRemotePartyId:
      address.params.Set("party", "calling");
      address.params.Set("screen", "yes");
      address.params.Set("privacy", anonymous ? "full" : "off");
      headers.push_back({"Remote-Party-ID", address.ToString()});
      break;
  }
  if (anonymous) headers.push_back({"Privacy", "id"});
}

// The number that sent the call on is the account's own, or the one that the user dialled.
void AddDiversion(const CallerIdPolicy& policy, const CallerAccount& account,
                  const CallerWishes& wishes, std::vector<sip::Header>& headers) {
  if (wishes.diverted_by.empty()) return;
  sip::NameAddr by = AddressOf(FormatNumber(policy, wishes.diverted_by), account.host);
  if (policy.diversion == DiversionHeader::kDiversion) {
    by.params.Set("reason", "deflection");
    if (wishes.anonymous) by.params.Set("privacy", "full");
    headers.push_back({"Diversion", by.ToString()});
  } else if (policy.diversion == DiversionHeader::kHistoryInfo) {
    if (wishes.anonymous) by.uri.headers = "Privacy=history";
    by.params.Set("index", "1");
    sip::NameAddr target = AddressOf(wishes.target, wishes.target_host);
    target.params.Set("index", "1.1");
    target.params.Set("mp", "1");
    headers.push_back({"History-Info", by.ToString() + ", " + target.ToString()});
  }
}

// --- of a trunk ---

std::string NumberIn(const sip::Uri& uri) {
  if (!sip::EqualNoCase(uri.scheme, "tel")) return uri.user;
  return uri.opaque.substr(0, uri.opaque.find(';'));
}

// A list of addresses (RFC 3325 section 9.1: two at the most) up to the end of its first.
std::string FirstOf(const std::string& list) {
  bool quoted = false;
  bool bracketed = false;
  for (size_t i = 0; i < list.size(); ++i) {
    if (quoted && list[i] == '\\') {
      ++i;
    } else if (list[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && (list[i] == '<' || list[i] == '>')) {
      bracketed = list[i] == '<';
    } else if (!quoted && !bracketed && list[i] == ',') {
      return list.substr(0, i);
    }
  }
  return list;
}

std::optional<sip::NameAddr> AddressIn(const sip::Message& invite, std::string_view name) {
  const std::string* value = invite.FindExtra(name);
  if (!value) return std::nullopt;
  auto address = sip::ParseNameAddr(FirstOf(*value));
  if (!address || NumberIn(address->uri).empty()) return std::nullopt;
  return *std::move(address);
}

bool IsRestricted(const sip::NameAddr& remote_party) {
  const std::string* privacy = remote_party.params.Find("privacy");
  return privacy && !sip::EqualNoCase(*privacy, "off");
}

}  // namespace

bool IsCountry(std::string_view text) {
  return !text.empty() && text.size() <= 3 && text.front() != '0' && AllDigits(text);
}

std::optional<std::string> ToE164(std::string_view number, std::string_view country) {
  const auto written = DigitsOf(number);
  if (!written) return std::nullopt;
  const std::string_view digits = *written;
  if (digits.front() == '+') return Checked(digits.substr(1));
  if (country == "1") return NorthAmerican(digits);
  if (digits.starts_with("00")) return Checked(digits.substr(2));
  return country.empty() ? std::nullopt : OfCountry(digits, country);
}

std::string FormatNumber(const CallerIdPolicy& policy, std::string_view number) {
  if (policy.format == NumberFormat::kAsIs) return std::string(number);
  const auto e164 = ToE164(number, policy.country);
  if (!e164) return std::string(number);
  const std::string_view digits = std::string_view(*e164).substr(1);
  if (policy.format == NumberFormat::kInternational) return std::string(digits);
  const bool is_ours = !policy.country.empty() && digits.starts_with(policy.country);
  if (policy.format == NumberFormat::kE164 || !is_ours) return *e164;
  return std::string(NationalPrefix(policy.country)) +
         std::string(digits.substr(policy.country.size()));
}

Result<CallerIdentity, CallerRefused> BuildIdentity(const CallerIdPolicy& policy,
                                                    const CallerAccount& account,
                                                    const CallerWishes& wishes) {
  auto number = NumberFor(policy, account);
  if (!number) return std::unexpected(std::move(number.error()));
  if (wishes.anonymous && policy.header == IdentityHeader::kFrom) {
    // Without a number the trunk does not know whose call it is, and with it the caller is shown.
    return std::unexpected(CallerRefused{433, "the trunk takes no anonymous calls"});
  }
  CallerIdentity identity{.from = AddressOf(*number, account.host), .headers = {}};
  if (policy.display) identity.from.display_name = account.user;
  AddIdentity(policy, identity.from, wishes.anonymous, identity.headers);
  AddDiversion(policy, account, wishes, identity.headers);
  if (wishes.anonymous) identity.from = sip::AnonymousAddress();
  return identity;
}

ShownCaller CallerOf(const sip::Message& invite, bool trusted) {
  const auto remote_party = AddressIn(invite, "Remote-Party-ID");
  if (sip::AsksForPrivacy(invite) || (remote_party && IsRestricted(*remote_party))) {
    const sip::NameAddr nobody = sip::AnonymousAddress();
    return {nobody.uri.user, nobody.display_name};
  }
  sip::NameAddr shown = invite.from;
  if (trusted) {
    auto asserted = AddressIn(invite, "P-Asserted-Identity");
    if (!asserted) asserted = remote_party;
    if (asserted) shown = *std::move(asserted);
  }
  return {NumberIn(shown.uri), shown.display_name};
}

}  // namespace lastmile::trunk
