#include "ws/http_request.h"

#include <algorithm>

namespace lastmile::ws {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool IsTokenChar(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }

// field-content of RFC 9110 section 5.5: no control characters but the tab.
bool IsValueChar(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

HeadResult Refuse(int status, std::string_view reason) {
  HeadResult result;
  result.kind = HeadResult::Kind::kRefused;
  result.status = status;
  result.reason = reason;
  return result;
}

// Empty if the line is good, else why not.
std::string_view ParseRequestLine(std::string_view line, Request& request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return "The request line has no three parts.";
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!IsToken(request.method)) return "The method is not a token.";
  if (request.target.empty() || request.target.front() != '/' ||
      !std::all_of(request.target.begin(), request.target.end(), IsVisible)) {
    return "The request target must be an absolute path.";
  }
  return {};
}

std::string_view ParseHeaderLine(std::string_view line, Request& request) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "A header line has no colon.";
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 1));
  if (!IsToken(name)) return "A header name is not a token.";
  if (!std::all_of(value.begin(), value.end(), IsValueChar)) {
    return "A header value has control characters.";
  }
  request.headers.push_back({name, value});
  return {};
}

HeadResult CheckMeaning(HeadResult result) {
  const Request& request = result.request;
  if (request.Count("Host") > 1 || (request.http_1_1 && request.Count("Host") != 1)) {
    return Refuse(400, "Exactly one Host header is needed.");
  }
  const auto length = request.Find("Content-Length");
  if (request.Count("Transfer-Encoding") > 0 || request.Count("Content-Length") > 1 ||
      (length && *length != "0")) {
    return Refuse(413, "This server takes no request bodies.");
  }
  return result;
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

size_t Request::Count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(headers.begin(), headers.end(),
                    [&](const Header& header) { return EqualsIgnoringCase(header.name, name); }));
}

std::optional<std::string_view> Request::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

bool Request::HasToken(std::string_view name, std::string_view token) const {
  for (const Header& header : headers) {
    if (!EqualsIgnoringCase(header.name, name)) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (EqualsIgnoringCase(Trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

bool Request::keep_alive() const { return http_1_1 && !HasToken("Connection", "close"); }

HeadResult ParseHead(std::string_view bytes) {
  // A TLS hello or other noise on this port is told at its first byte, not at a timeout.
  if (!bytes.empty() && !IsTokenChar(bytes.front())) {
    return Refuse(400, "This is not an HTTP request; was TLS sent to a plain port?");
  }
  const size_t end = bytes.substr(0, kMaxHeadBytes).find(kHeadEnd);
  if (end == std::string_view::npos) {
    if (bytes.size() >= kMaxHeadBytes) return Refuse(431, "The request head is longer than 8 KiB.");
    return {};
  }
  HeadResult result;
  result.kind = HeadResult::Kind::kComplete;
  result.consumed = end + kHeadEnd.size();
  std::string_view rest = bytes.substr(0, end + kLineEnd.size());

  std::string_view line = rest.substr(0, rest.find(kLineEnd));
  rest.remove_prefix(line.size() + kLineEnd.size());
  if (const auto wrong = ParseRequestLine(line, result.request); !wrong.empty()) {
    return Refuse(400, wrong);
  }
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  result.request.http_1_1 = version == "HTTP/1.1";
  if (!result.request.http_1_1 && version != "HTTP/1.0") {
    return Refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  }
  while (!rest.empty()) {
    line = rest.substr(0, rest.find(kLineEnd));
    rest.remove_prefix(line.size() + kLineEnd.size());
    if (result.request.headers.size() == kMaxHeaders) {
      return Refuse(431, "The request has more than 64 headers.");
    }
    if (const auto wrong = ParseHeaderLine(line, result.request); !wrong.empty()) {
      return Refuse(400, wrong);
    }
  }
  return CheckMeaning(std::move(result));
}

}  // namespace lastmile::ws
