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
  bool from_controlled = false;
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
    request.from_controlled |= type == STUN_ATTRIBUTE_ICE_CONTROLLED;
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

size_t BuildRoleConflict(StunAgent& agent, StunMessage& request, MutableByteView reply) {
  StunMessage answer;
  if (!stun_agent_init_error(&agent, &answer, reply.data(), reply.size(), &request,
                             STUN_ERROR_ROLE_CONFLICT)) {
    return 0;
  }
  return stun_agent_finish_message(&agent, &answer, nullptr, 0);
}

}  // namespace

std::optional<std::string_view> LocalUfragOf(ByteView datagram) {
  const auto request = ParseRequest(datagram);
  if (!request) return std::nullopt;
  const size_t colon = request->username.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return request->username.substr(0, colon);
}

void IceLite::Restart(IceCredentials fresh) {
  if (!previous_) previous_ = std::move(current_);
  current_ = Generation{std::move(fresh)};
}

void IceLite::SetRemoteUfrag(const std::string& ufrag) {
  if (current_.remote_ufrag.empty()) {
    std::erase_if(pairs_, [&](const Pair& pair) {
      return pair.local_ufrag == current_.local.ufrag && pair.remote_ufrag != ufrag;
    });
    if (selected_ && !IsValidated(*selected_)) selected_.reset();
    if (latest_ && !IsValidated(*latest_)) latest_.reset();
  }
  current_.remote_ufrag = ufrag;
}

bool IceLite::AcceptsUfrag(std::string_view local_ufrag) const {
  return local_ufrag == current_.local.ufrag ||
         (previous_ && local_ufrag == previous_->local.ufrag);
}

const IceLite::Generation* IceLite::FindGeneration(std::string_view username) const {
  const size_t colon = username.find(':');
  if (colon == std::string_view::npos) return nullptr;
  const std::string_view local = username.substr(0, colon);
  const Generation* const found = local == current_.local.ufrag                  ? &current_
                                  : previous_ && local == previous_->local.ufrag ? &*previous_
                                                                                 : nullptr;
  if (found == nullptr) return nullptr;
  const std::string_view remote = username.substr(colon + 1);
  const bool fits = found->remote_ufrag.empty() ? !remote.empty() : remote == found->remote_ufrag;
  return fits ? found : nullptr;
}

IceLite::Result IceLite::OnDatagram(ByteView datagram, const Path& path, TimePoint now,
                                    MutableByteView reply) {
  const auto request = ParseRequest(datagram);
  if (!request || reply.size() < kMaxReply) return {};
  const Generation* const generation = FindGeneration(request->username);
  if (generation == nullptr) return {};
  StunAgent agent;
  stun_agent_init(&agent, kKnownAttributes, STUN_COMPATIBILITY_RFC5389,
                  static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                                                   STUN_AGENT_USAGE_USE_FINGERPRINT));
  StunMessage message;
  StunMessage answer;
  std::string pwd = generation->local.pwd;  // the validator's out parameter is not const
  const StunValidationStatus status =
      stun_agent_validate(&agent, &message, datagram.data(), datagram.size(), GivePassword, &pwd);
  if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
    return {.reply_size = stun_agent_build_unknown_attributes_error(&agent, &answer, reply.data(),
                                                                    reply.size(), &message)};
  }
  if (status != STUN_VALIDATION_SUCCESS) return {};
  // A lite agent is always the controlled one: a browser that takes itself for that has to change
  // over, whatever its tie-breaker (RFC 8445 sections 6.1.1 and 7.3.1.1).
  if (request->from_controlled) return {.reply_size = BuildRoleConflict(agent, message, reply)};

  sockaddr_storage source{};
  const socklen_t source_size = path.remote.ToSockaddr(source);
  bool controlling = false;
  size_t size = reply.size();
  const StunUsageIceReturn made = stun_usage_ice_conncheck_create_reply(
      &agent, &message, &answer, reply.data(), &size, &source, source_size, &controlling, 0,
      STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  if (made != STUN_USAGE_ICE_RETURN_SUCCESS) return {.reply_size = size};
  Validate(path, request->username, now);
  if (request->use_candidate) {
    selected_ = path;
    if (generation == &current_) previous_.reset();
  }
  return {.authenticated = true, .reply_size = size};
}

void IceLite::Validate(const Path& path, std::string_view username, TimePoint now) {
  latest_ = path;
  const std::string_view local_ufrag = username.substr(0, username.find(':'));
  const std::string_view remote_ufrag = username.substr(username.find(':') + 1);
  for (Pair& pair : pairs_) {
    if (pair.path != path) continue;
    pair.last_check = now;
    if (pair.local_ufrag != local_ufrag) pair.local_ufrag = local_ufrag;
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
  pairs_.push_back({path, std::string(local_ufrag), std::string(remote_ufrag), now});
}

bool IceLite::IsValidated(const Path& path) const {
  return std::ranges::any_of(pairs_, [&](const Pair& pair) { return pair.path == path; });
}

bool IceLite::HasRemote(const Endpoint& remote) const {
  return std::ranges::any_of(
      pairs_, [&](const Pair& pair) { return pair.path.remote == remote && !pair.path.tcp; });
}

}  // namespace lastmile::media
