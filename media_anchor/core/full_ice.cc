#include "media_anchor/core/full_ice.h"

#include <algorithm>
#include <utility>

namespace lastmile::media {
namespace {

enum class Reach { kPublic, kPrivate, kNever };

bool Within(uint32_t address, uint32_t network, int bits) {
  return (address ^ network) >> (32 - bits) == 0;
}

Reach ReachOfV4(uint32_t address) {
  if (Within(address, 0x7F000000, 8)) return Reach::kPrivate;  // loopback
  if (Within(address, 0x0A000000, 8) || Within(address, 0xAC100000, 12) ||
      Within(address, 0xC0A80000, 16) || Within(address, 0x64400000, 10)) {
    return Reach::kPrivate;  // RFC 1918, RFC 6598
  }
  const bool never = Within(address, 0, 8) || Within(address, 0xA9FE0000, 16) ||  // link-local
                     address >= 0xE0000000;  // multicast, reserved, broadcast
  return never ? Reach::kNever : Reach::kPublic;
}

Reach ReachOf(const IpAddress& address) {
  if (!address.is_v6()) return ReachOfV4(address.v4_host_order());
  const auto& bytes = address.bytes();
  if (address.is_loopback() || (bytes[0] & 0xFE) == 0xFC) return Reach::kPrivate;  // RFC 4193
  if (bytes[0] == 0xFF || (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80)) return Reach::kNever;
  // An IPv4 address in IPv6 clothes (RFC 4291, 6052, 3056) reaches what that address does not show.
  const bool all_zero =
      std::ranges::all_of(bytes.begin(), bytes.begin() + 8, [](uint8_t byte) { return byte == 0; });
  const bool translated = LoadBe32(bytes.data()) == 0x0064FF9B;
  const bool six_to_four = LoadBe16(bytes.data()) == 0x2002;
  return all_zero || translated || six_to_four ? Reach::kNever : Reach::kPublic;
}

}  // namespace

std::vector<IceCandidate> UsableCandidates(std::vector<IceCandidate> candidates, bool private_too) {
  std::erase_if(candidates, [&](const IceCandidate& candidate) {
    const Reach reach = ReachOf(candidate.at.address);
    // Of priority 0 is none (RFC 8445 section 5.1.2).
    return candidate.at.port == 0 || candidate.priority == 0 || reach == Reach::kNever ||
           (reach == Reach::kPrivate && !private_too);
  });
  std::ranges::stable_sort(candidates, std::greater<>(), &IceCandidate::priority);
  if (candidates.size() > kMaxRemoteCandidates) candidates.resize(kMaxRemoteCandidates);
  return candidates;
}

void FullIce::Restart(IceCredentials fresh) {
  if (!before_) before_ = std::move(local_);
  local_ = std::move(fresh);
}

void FullIce::SetRemote(const BrowserRemote& remote) {
  IceCredentials theirs{remote.ice_ufrag, remote.ice_pwd};
  if (remote_ == theirs && !before_) return;
  // Told and not taken yet, a restart stays one.
  const bool restarts = remote_.has_value() || before_.has_value();
  news_ = IceRemote{.restart = restarts ? std::optional(local_) : std::nullopt,
                    .credentials = theirs,
                    .candidates = UsableCandidates(remote.candidates, private_peers_)};
  remote_ = std::move(theirs);
  before_.reset();
}

void FullIce::OnConnected() {
  selected_ = Path::Agent();
  lost_ = false;
}

bool FullIce::AcceptsUfrag(std::string_view local_ufrag) const {
  return local_ufrag == local_.ufrag || (before_ && local_ufrag == before_->ufrag);
}

}  // namespace lastmile::media
