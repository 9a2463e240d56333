#include "gateway/trunk/header_map.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "gateway/sip/lexical.h"

namespace lastmile::trunk {
namespace {

constexpr std::string_view kUserToUser = "User-to-User";
constexpr std::string_view kIdentity = "Identity";

bool MayPass(const sip::Header& header, size_t most) {
  const std::string& value = header.value;
  if (!value.empty() && value.size() <= most && std::ranges::none_of(value, sip::IsControl)) {
    return true;
  }
  spdlog::info("header {} of {} bytes is not passed on: it is empty, too long or not printable",
               header.name, value.size());
  return false;
}

void AddFirst(const std::vector<sip::Header>& headers, std::string_view name,
              std::string_view becomes, std::vector<sip::Header>& out) {
  const auto found = std::ranges::find_if(
      headers, [&](const sip::Header& header) { return sip::EqualNoCase(header.name, name); });
  if (found == headers.end() || !MayPass(*found, kMaxHeaderValue)) return;
  out.push_back({std::string(becomes), found->value});
}

std::vector<sip::Header> Mapped(const std::vector<HeaderMapping>& mappings, bool user_to_user,
                                const std::vector<sip::Header>& headers) {
  std::vector<sip::Header> out;
  for (const auto& [name, becomes] : mappings) AddFirst(headers, name, becomes, out);
  if (user_to_user) AddFirst(headers, kUserToUser, kUserToUser, out);
  return out;
}

}  // namespace

std::vector<sip::Header> HeadersToTrunk(const HeaderPolicy& policy,
                                        const std::vector<sip::Header>& headers) {
  return Mapped(policy.to_trunk, policy.user_to_user, headers);
}

std::vector<sip::Header> HeadersToBrowser(const HeaderPolicy& policy,
                                          const std::vector<sip::Header>& headers) {
  std::vector<sip::Header> out = Mapped(policy.to_browser, policy.user_to_user, headers);
  if (!policy.stir) return out;
  size_t left = kMaxStirs;
  for (const sip::Header& header : headers) {
    if (left == 0) break;
    if (!sip::EqualNoCase(header.name, kIdentity) || !MayPass(header, kMaxStirValue)) continue;
    out.push_back({std::string(kIdentity), header.value});
    --left;
  }
  return out;
}

std::vector<std::string> NamesToTrunk(const HeaderPolicy& policy) {
  std::vector<std::string> names;
  std::ranges::transform(policy.to_trunk, std::back_inserter(names), &HeaderMapping::name);
  if (policy.user_to_user) names.emplace_back(kUserToUser);
  return names;
}

}  // namespace lastmile::trunk
