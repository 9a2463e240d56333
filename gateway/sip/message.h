#ifndef LASTMILE_GATEWAY_SIP_MESSAGE_H_
#define LASTMILE_GATEWAY_SIP_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A SIP message as values (RFC 3261). Made by Parse(), printed by Print() (codec.h), changed
// freely in between. Holds only what the gateway understands plus the headers it may carry on;
// nothing of the text it came from. Thread: any, a plain value.
namespace lastmile::sip {

// name[=value] in the order of the message. Names compare without case.
struct Params {
  std::vector<std::pair<std::string, std::string>> list;  // value without quotes, "" for a flag

  const std::string* Find(std::string_view name) const;  // nullptr: not there
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  void Set(std::string_view name, std::string_view value);  // replaces or appends
  // Of the end of a header's value: ";name=value;flag". Quoted values may not hold a ';'.
  static Params Read(std::string_view text);
  bool operator==(const Params&) const = default;
};

// sip:, sips: or another scheme; for others only `scheme` and `opaque` are set.
struct Uri {
  std::string scheme = "sip";
  std::string user;   // unescaped; a password part is dropped by Parse, never passed on
  std::string host;   // IPv6 with brackets
  uint16_t port = 0;  // 0: none given
  Params params;
  std::string headers;  // what follows '?', as it is
  std::string opaque;

  std::string ToString() const;  // escapes the user part
  bool operator==(const Uri&) const = default;
};

struct NameAddr {
  std::string display_name;  // without quotes
  Uri uri;
  Params params;  // tag, expires, +sip.instance ...

  std::string tag() const;  // "" if there is none
  std::string ToString() const;
  bool operator==(const NameAddr&) const = default;
};

struct Via {
  std::string transport;  // "TCP", "TLS", "WS", "WSS" ...
  std::string sent_by;    // host[:port]
  Params params;          // branch, received, rport ...

  std::string branch() const;
  std::string ToString() const;
  bool operator==(const Via&) const = default;
};

struct CSeq {
  uint32_t number = 0;
  std::string method;
  bool operator==(const CSeq&) const = default;
};

// Challenge or credentials: scheme and its parameters (RFC 3261 section 22, RFC 7616).
struct AuthHeader {
  std::string scheme;  // "Digest", "Bearer"
  Params params;       // Digest; quoting is the printer's business
  std::string token;   // any other scheme, or a Digest that cannot be read: the rest of the line

  // The header's value, quoted as RFC 7616 section 3.5 asks for.
  std::string ToString() const;
  bool operator==(const AuthHeader&) const = default;
};

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

inline constexpr uint32_t kMaxForwards = 70;  // of our requests, RFC 3261 section 8.1.1.6

struct Message {
  // Request: method and request_uri. Response: status (100-699) and reason_phrase.
  std::string method;
  Uri request_uri;
  int status = 0;
  std::string reason_phrase;

  std::vector<Via> vias;  // topmost first
  NameAddr from;
  NameAddr to;
  std::string call_id;
  CSeq cseq;
  std::optional<uint32_t> max_forwards;
  std::vector<NameAddr> contacts;
  bool contact_star = false;  // "Contact: *"
  std::vector<NameAddr> routes;
  std::vector<NameAddr> record_routes;
  std::vector<AuthHeader> authorizations;        // Authorization
  std::vector<AuthHeader> proxy_authorizations;  // Proxy-Authorization
  std::vector<AuthHeader> www_authenticates;
  std::vector<AuthHeader> proxy_authenticates;
  std::optional<uint32_t> expires;  // seconds
  std::vector<std::string> require;
  std::vector<std::string> supported;
  std::vector<std::string> allow;
  std::string content_type;         // "application/sdp", lower case, without parameters
  std::string content_type_params;  // what follows it, as it is: ";charset=utf-8"
  std::string body;
  // All others, in order, names in their long form: Session-Expires, Reason, Warning ...
  std::vector<Header> extra;

  bool is_request() const { return status == 0; }
  const std::string* FindExtra(std::string_view name) const;  // first of that name; without case
  void SetExtra(std::string_view name, std::string value);    // replaces all of that name
  bool operator==(const Message&) const = default;
};

// RFC 3261 section 8.2.6: Via, From, To, Call-ID, CSeq (and Record-Route) taken over; `to_tag` is
// added if the request's To has none and `to_tag` is not empty.
Message MakeResponse(const Message& request, int status, std::string_view reason_phrase,
                     std::string_view to_tag);

// The reason phrase of RFC 3261 section 21 and its extensions; "Unknown" for codes without one.
std::string_view DefaultReasonPhrase(int status);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_MESSAGE_H_
