#include "media_anchor/core/ice_lite.h"

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include <algorithm>

namespace lastmile::media {
namespace {

// RFC 8489 section 5.
constexpr size_t kHeaderSize = 20;
constexpr uint16_t kBindingRequest = 0x0001;
constexpr uint32_t kMagicCookie = 0x2112a442;
constexpr size_t kMaxAttributes = 24;
constexpr size_t kMaxMessage = 1280;
constexpr size_t kMaxUsername = 513;

// The attributes of a Binding request we know; others with a type below 0x8000 are answered by 420.
constexpr uint16_t kKnownAttributes[] = {STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                         STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE, 0};

// The length an attribute must have; -1: its own matter.
int FixedSizeOf(uint16_t type) {
  switch (type) {
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY:
      return 20;
    case STUN_ATTRIBUTE_FINGERPRINT:
    case STUN_ATTRIBUTE_PRIORITY:
      return 4;
    case STUN_ATTRIBUTE_ICE_CONTROLLED:
    case STUN_ATTRIBUTE_ICE_CONTROLLING:
      return 8;
    case STUN_ATTRIBUTE_USE_CANDIDATE:
      return 0;
    default:
      return -1;
  }
}

struct Request {
  std::string_view username;
  bool use_candidate = false;
};

// Everything libnice relies on later is checked here first: lengths that add up, few attributes,
// USERNAME, MESSAGE-INTEGRITY and a FINGERPRINT that ends the message, each once (RFC 8445 7.1).
std::optional<Request> ParseRequest(ByteView m) {
  if (m.size() < kHeaderSize || m.size() > kMaxMessage || LoadBe16(&m[0]) != kBindingRequest ||
      LoadBe16(&m[2]) != m.size() - kHeaderSize || m.size() % 4 != 0 ||
      LoadBe32(&m[4]) != kMagicCookie) {
    return std::nullopt;
  }
  Request request;
  bool has_integrity = false;
  bool has_fingerprint = false;
  size_t count = 0;
  for (size_t at = kHeaderSize; at < m.size();) {
    if (m.size() - at < 4 || has_fingerprint || ++count > kMaxAttributes) return std::nullopt;
    const uint16_t type = LoadBe16(&m[at]);
    const size_t size = LoadBe16(&m[at + 2]);
    at += 4;
    if (size > m.size() - at) return std::nullopt;
    const int fixed = FixedSizeOf(type);
    if (fixed >= 0 && size != static_cast<size_t>(fixed)) return std::nullopt;
    // Only FINGERPRINT is covered by nothing behind MESSAGE-INTEGRITY (RFC 8489 section 14.5).
    if (has_integrity && type != STUN_ATTRIBUTE_FINGERPRINT) return std::nullopt;
    if (type == STUN_ATTRIBUTE_USERNAME) {
      if (!request.username.empty() || size == 0 || size > kMaxUsername) return std::nullopt;
      request.username = AsText(m.subspan(at, size));
    }
    has_integrity |= type == STUN_ATTRIBUTE_MESSAGE_INTEGRITY;
    has_fingerprint |= type == STUN_ATTRIBUTE_FINGERPRINT;
    request.use_candidate |= type == STUN_ATTRIBUTE_USE_CANDIDATE;
    at += (size + 3) & ~size_t{3};
  }
  if (!has_integrity || !has_fingerprint || request.username.empty()) return std::nullopt;
  return request;
}

bool GivePassword(StunAgent*, StunMessage*, uint8_t*, uint16_t, uint8_t** password,
                  size_t* password_size, void* user_data) noexcept {
  auto* pwd = static_cast<std::string*>(user_data);
  *password = reinterpret_cast<uint8_t*>(pwd->data());
  *password_size = pwd->size();
  return true;
}

}  // namespace

std::optional<std::string_view> LocalUfragOf(ByteView datagram) {
  const auto request = ParseRequest(datagram);
  if (!request) return std::nullopt;
  const size_t colon = request->username.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return request->username.substr(0, colon);
}

void IceLite::SetRemoteUfrag(const std::string& ufrag) {
  if (remote_ufrag_.empty()) {
    std::erase_if(pairs_, [&](const Pair& pair) { return pair.remote_ufrag != ufrag; });
    if (selected_ && !IsValidated(*selected_)) selected_.reset();
    if (latest_ && !IsValidated(*latest_)) latest_.reset();
  }
  remote_ufrag_ = ufrag;
}

bool IceLite::RemoteUfragFits(std::string_view ufrag) const {
  return remote_ufrag_.empty() ? !ufrag.empty() : ufrag == remote_ufrag_;
}

IceLite::Result IceLite::OnDatagram(ByteView datagram, const Path& path, TimePoint now,
                                    MutableByteView reply) {
  const auto request = ParseRequest(datagram);
  if (!request || reply.size() < kMaxReply) return {};
  const size_t colon = request->username.find(':');
  if (colon == std::string_view::npos || request->username.substr(0, colon) != local_.ufrag ||
      !RemoteUfragFits(request->username.substr(colon + 1))) {
    return {};
  }
  StunAgent agent;
  stun_agent_init(&agent, kKnownAttributes, STUN_COMPATIBILITY_RFC5389,
                  static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                                                   STUN_AGENT_USAGE_USE_FINGERPRINT));
  StunMessage message;
  StunMessage answer;
  std::string pwd = local_.pwd;  // the validator's out parameter is not const
  const StunValidationStatus status =
      stun_agent_validate(&agent, &message, datagram.data(), datagram.size(), GivePassword, &pwd);
  if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
    return {.reply_size = stun_agent_build_unknown_attributes_error(&agent, &answer, reply.data(),
                                                                    reply.size(), &message)};
  }
  if (status != STUN_VALIDATION_SUCCESS) return {};

  sockaddr_storage source{};
  const socklen_t source_size = path.remote.ToSockaddr(source);
  bool controlling = false;
  size_t size = reply.size();
  // Tie-breaker 0 is below every other: a browser that takes itself for the controlled side always
  // gets 487 and changes over, since a lite agent never can (RFC 8445 section 6.1.1).
  const StunUsageIceReturn made = stun_usage_ice_conncheck_create_reply(
      &agent, &message, &answer, reply.data(), &size, &source, source_size, &controlling, 0,
      STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  if (made != STUN_USAGE_ICE_RETURN_SUCCESS) return {.reply_size = size};
  Validate(path, request->username.substr(colon + 1), now);
  if (request->use_candidate) selected_ = path;
  return {.authenticated = true, .reply_size = size};
}

void IceLite::Validate(const Path& path, std::string_view remote_ufrag, TimePoint now) {
  latest_ = path;
  for (Pair& pair : pairs_) {
    if (pair.path != path) continue;
    pair.last_check = now;
    if (pair.remote_ufrag != remote_ufrag) pair.remote_ufrag = remote_ufrag;
    return;
  }
  if (pairs_.size() >= kMaxPairs) {
    auto oldest = pairs_.end();
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
      if (it->path == selected_) continue;
      if (oldest == pairs_.end() || it->last_check < oldest->last_check) oldest = it;
    }
    pairs_.erase(oldest);
  }
  pairs_.push_back({path, std::string(remote_ufrag), now});
}

bool IceLite::IsValidated(const Path& path) const {
  return std::ranges::any_of(pairs_, [&](const Pair& pair) { return pair.path == path; });
}

bool IceLite::HasRemote(const Endpoint& remote) const {
  return std::ranges::any_of(pairs_, [&](const Pair& pair) { return pair.path.remote == remote; });
}

}  // namespace lastmile::media
