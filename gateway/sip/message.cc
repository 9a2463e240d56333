#include "gateway/sip/message.h"

#include <algorithm>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

// RFC 3261 section 25.1: user-unreserved, param-unreserved, and what "headers" and the opaque part
// of another scheme may hold ('%' stays: they are kept escaped).
constexpr std::string_view kUserUnreserved = "&=+$,;?/";
constexpr std::string_view kParamUnreserved = "[]/:&+$";
constexpr std::string_view kRawUri = "[]/?:+$&=%;@,#";
constexpr std::string_view kHostChars = "[]:%";

// Without quotes a parameter of a header may carry a token or an IPv6 reference; Via's "received"
// also an IPv6 address without brackets (RFC 5118 section 4.5 shows both).
bool NeedsQuotes(std::string_view name, std::string_view value) {
  // Feature tags (RFC 3840 section 9) are quoted strings even if they look like tokens.
  if (name.starts_with('+')) return true;
  const bool reference = value.size() > 2 && value.front() == '[' && value.back() == ']';
  const std::string_view address = reference ? value.substr(1, value.size() - 2) : value;
  if ((reference || EqualNoCase(name, "received")) &&
      address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos) {
    return false;
  }
  return !IsToken(value);
}

std::string HeaderParams(const Params& params) {
  std::string text;
  for (const auto& [name, value] : params.list) {
    if (!IsToken(name)) continue;
    text += ';';
    text += name;
    if (value.empty()) continue;
    text += '=';
    text += NeedsQuotes(name, value) ? Quote(value) : value;
  }
  return text;
}

// RFC 7616 section 3.5: parameters that must not be quoted. `qop` is a quoted list in a challenge
// and a bare word in credentials.
bool IsBareAuthParam(std::string_view name, bool credentials) {
  if (EqualNoCase(name, "qop")) return credentials;
  return EqualNoCase(name, "nc") || EqualNoCase(name, "algorithm") || EqualNoCase(name, "stale") ||
         EqualNoCase(name, "charset") || EqualNoCase(name, "userhash");
}

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {428, "Use Identity Header"},
    {429, "Provide Referrer Identity"},
    {430, "Flow Failed"},
    {433, "Anonymity Disallowed"},
    {436, "Bad Identity Info"},
    {437, "Unsupported Credential"},
    {438, "Invalid Identity Header"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {469, "Bad Info Package"},
    {470, "Consent Needed"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {555, "Push Notification Service Not Supported"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"},
    {608, "Rejected"},
};

}  // namespace

const std::string* Params::Find(std::string_view name) const {
  const auto it = std::find_if(list.begin(), list.end(),
                               [&](const auto& p) { return EqualNoCase(p.first, name); });
  return it == list.end() ? nullptr : &it->second;
}

Params Params::Read(std::string_view text) {
  Params params;
  while (!text.empty()) {
    text.remove_prefix(1);  // ';'
    const size_t end = std::min(text.find(';'), text.size());
    const std::string_view param = text.substr(0, end);
    text.remove_prefix(end);
    const size_t equals = std::min(param.find('='), param.size());
    const std::string_view value = param.substr(std::min(equals + 1, param.size()));
    params.list.emplace_back(Trim(param.substr(0, equals)), Unquote(Trim(value)));
  }
  return params;
}

void Params::Set(std::string_view name, std::string_view value) {
  for (auto& [known, old] : list) {
    if (!EqualNoCase(known, name)) continue;
    old = value;
    return;
  }
  list.emplace_back(name, value);
}

std::string Uri::dialled() const {
  if (EqualNoCase(scheme, "tel")) return Unescape(opaque);
  return EqualNoCase(scheme, "sip") || EqualNoCase(scheme, "sips") ? user : "";
}

std::string Uri::ToString() const {
  std::string text = scheme + ":";
  if (!EqualNoCase(scheme, "sip") && !EqualNoCase(scheme, "sips")) {
    return text + Escape(opaque, kRawUri);
  }
  if (!user.empty()) text += Escape(user, kUserUnreserved) + "@";
  text += Escape(host, kHostChars);
  if (port != 0) text += ":" + std::to_string(port);
  for (const auto& [name, value] : params.list) {
    text += ";" + Escape(name, kParamUnreserved);
    if (!value.empty()) text += "=" + Escape(value, kParamUnreserved);
  }
  if (!headers.empty()) text += "?" + Escape(headers, kRawUri);
  return text;
}

std::string NameAddr::tag() const {
  const std::string* value = params.Find("tag");
  return value == nullptr ? std::string() : *value;
}

std::string NameAddr::ToString() const {
  std::string text = display_name.empty() ? "" : Quote(display_name) + " ";
  return text + "<" + uri.ToString() + ">" + HeaderParams(params);
}

std::string Via::branch() const {
  const std::string* value = params.Find("branch");
  return value == nullptr ? std::string() : *value;
}

std::string Via::ToString() const {
  return "SIP/2.0/" + transport + " " + sent_by + HeaderParams(params);
}

std::string AuthHeader::ToString() const {
  if (params.list.empty()) return token.empty() ? scheme : scheme + " " + token;
  const bool credentials = params.Has("response");
  std::string text = scheme;
  std::string_view separator = " ";
  for (const auto& [name, value] : params.list) {
    if (!IsToken(name)) continue;
    text += separator;
    text += name + "=";
    text += IsBareAuthParam(name, credentials) && IsToken(value) ? value : Quote(value);
    separator = ", ";
  }
  return text;
}

const std::string* Message::FindExtra(std::string_view name) const {
  const auto it = std::find_if(extra.begin(), extra.end(),
                               [&](const Header& h) { return EqualNoCase(h.name, name); });
  return it == extra.end() ? nullptr : &it->value;
}

void Message::SetExtra(std::string_view name, std::string value) {
  std::erase_if(extra, [&](const Header& h) { return EqualNoCase(h.name, name); });
  extra.push_back({std::string(name), std::move(value)});
}

Message MakeResponse(const Message& request, int status, std::string_view reason_phrase,
                     std::string_view to_tag) {
  Message response;
  response.status = status;
  response.reason_phrase = reason_phrase.empty() ? DefaultReasonPhrase(status) : reason_phrase;
  response.vias = request.vias;
  response.from = request.from;
  response.to = request.to;
  if (!to_tag.empty() && response.to.tag().empty()) response.to.params.Set("tag", to_tag);
  response.call_id = request.call_id;
  response.cseq = request.cseq;
  response.record_routes = request.record_routes;
  return response;
}

std::string_view DefaultReasonPhrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Unknown";
}

}  // namespace lastmile::sip
