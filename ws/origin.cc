#include "ws/origin.h"

#include <algorithm>
#include <charconv>

namespace lastmile::ws {
namespace {

constexpr size_t kMaxHostBytes = 255;

std::string Lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool IsIpv6Char(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool IsHost(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return false;
  if (host.front() == '[') {
    return host.size() > 2 && host.back() == ']' &&
           std::all_of(host.begin() + 1, host.end() - 1, IsIpv6Char);
  }
  return std::all_of(host.begin(), host.end(), IsNameChar);
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || port == 0 || text.front() == '0') return std::nullopt;
  return port;
}

// `scheme` and `authority` in lower case.
std::optional<Origin> Assemble(std::string_view scheme, std::string_view authority) {
  Origin origin;
  origin.scheme = scheme;
  origin.port = scheme == "https" ? 443 : 80;
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  origin.host = authority.substr(0, has_port ? colon : authority.size());
  if (!IsHost(origin.host)) return std::nullopt;
  if (has_port) {
    const auto port = ParsePort(authority.substr(colon + 1));
    if (!port) return std::nullopt;
    origin.port = *port;
  }
  return origin;
}

}  // namespace

std::optional<Origin> ParseOrigin(std::string_view text) {
  const std::string lowered = Lowered(text);
  const std::string_view view = lowered;
  for (const std::string_view scheme : {std::string_view("https"), std::string_view("http")}) {
    if (view.starts_with(scheme) && view.substr(scheme.size()).starts_with("://")) {
      return Assemble(scheme, view.substr(scheme.size() + 3));
    }
  }
  return std::nullopt;
}

std::optional<Origin> ParseHost(std::string_view host, std::string_view scheme) {
  return Assemble(scheme, Lowered(host));
}

OriginPolicy::OriginPolicy(const std::vector<std::string>& allowed, bool allow_no_origin,
                           std::vector<OwnPort> own_ports)
    : allow_no_origin_(allow_no_origin), own_ports_(std::move(own_ports)) {
  for (const std::string& text : allowed) {
    if (auto origin = ParseOrigin(text)) allowed_.push_back(std::move(*origin));
  }
}

bool OriginPolicy::Allows(std::optional<std::string_view> origin, std::string_view host,
                          bool tls) const {
  if (!origin) return allow_no_origin_;
  const auto asked = ParseOrigin(*origin);
  if (!asked) return false;
  if (std::find(allowed_.begin(), allowed_.end(), *asked) != allowed_.end()) return true;
  const auto own = ParseHost(host, tls ? "https" : "http");
  if (!own || own->host != asked->host) return false;
  if (*own == *asked) return true;
  return std::any_of(own_ports_.begin(), own_ports_.end(), [&](const OwnPort& own_port) {
    return asked->port == own_port.port && asked->scheme == (own_port.tls ? "https" : "http");
  });
}

}  // namespace lastmile::ws
