#include "gateway/sip/codec.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/su_alloc.h>
#include <sofia-sip/url.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "base/endpoint.h"
#include "gateway/sip/answerable.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/precheck.h"

// sofia-sip gets the values of single headers only, never a whole message and never a body: those
// parts of it that cut messages into headers and bodies into parts have had the crashes.
namespace lastmile::sip {
namespace {

using Home = CHandle<su_home_t, su_home_unref>;

Home NewHome() { return Home(static_cast<su_home_t*>(su_home_new(sizeof(su_home_t)))); }

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

// sofia copies what it is given up to the first NUL; the pre-check has refused NUL.
template <class T>
T* Make(const Home& home, T* (*make)(su_home_t*, const char*), const std::string& value) {
  return home == nullptr ? nullptr : make(home.get(), value.c_str());
}

// --- URIs ---

bool IsScheme(std::string_view scheme) {
  return !scheme.empty() && IsAlpha(scheme.front()) &&
         std::all_of(scheme.begin(), scheme.end(), [](char c) {
           return IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
         });
}

bool IsHost(std::string_view host) {
  if (host.starts_with('[')) {
    return host.ends_with(']') && host.find(':') != std::string_view::npos &&
           IpAddress::Parse(host).has_value();
  }
  // Underscores are no host name, but names of containers have them.
  return !host.empty() && host.size() <= 255 && host.front() != '.' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
         });
}

bool IsUser(std::string_view user) {
  return !user.empty() && std::all_of(user.begin(), user.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) ||
           std::string_view("-_.!~*'()&=+$,;?/%").find(c) != std::string_view::npos;
  });
}

// What parameters, headers and the opaque part of a URI are written with.
bool IsUriText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) ||
           std::string_view("-_.!~*'()[]/:&+$%=;?@,#").find(c) != std::string_view::npos;
  });
}

Result<Params> UriParams(std::string_view text) {
  Params params;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    const std::string_view param = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (param.empty()) continue;
    const size_t equals = std::min(param.find('='), param.size());
    if (equals == 0) return Fail("a parameter of the URI has no name");
    const std::string_view value = param.substr(std::min(equals + 1, param.size()));
    params.list.emplace_back(Unescape(param.substr(0, equals)), Unescape(value));
  }
  return params;
}

Result<Uri> SipUriOf(const url_t& url, std::string scheme) {
  Uri uri;
  uri.scheme = std::move(scheme);
  if (url.url_root || url.url_path != nullptr || url.url_fragment != nullptr) {
    return Fail("the URI has a path or a fragment");
  }
  if (url.url_user != nullptr && !IsUser(url.url_user)) return Fail("the user part is not valid");
  if (!IsHost(View(url.url_host))) return Fail("the host is not valid");
  if (url.url_port != nullptr) {
    const auto port = ParseNumber(url.url_port, 65535);
    if (!port || *port == 0) return Fail("the port is not valid");
    uri.port = static_cast<uint16_t>(*port);
  }
  if (!IsUriText(View(url.url_params)) || !IsUriText(View(url.url_headers))) {
    return Fail("a parameter of the URI is not valid");
  }
  auto params = UriParams(View(url.url_params));
  if (!params) return std::unexpected(params.error());
  uri.user = Unescape(View(url.url_user));
  uri.host = url.url_host;
  uri.params = std::move(*params);
  uri.headers = View(url.url_headers);
  return uri;
}

// What follows the scheme and its colon. sofia's own writer leaves out the slash before most paths.
std::string OpaqueOf(const url_t& url) {
  std::string text;
  const auto add = [&](std::string_view before, const char* part) {
    if (part != nullptr) text.append(before).append(part);
  };
  const bool authority = url.url_user != nullptr || url.url_host != nullptr;
  if (url.url_root && authority) text = "//";
  add("", url.url_user);
  add(":", url.url_password);
  add(url.url_user != nullptr ? "@" : "", url.url_host);
  add(":", url.url_port);
  add("/", url.url_path);
  add(";", url.url_params);
  add("?", url.url_headers);
  add("#", url.url_fragment);
  return text;
}

Result<Uri> UriOf(const url_t& url) {
  if (!IsScheme(View(url.url_scheme))) return Fail("the URI has no valid scheme");
  std::string scheme = LowerCase(url.url_scheme);
  if (scheme == "sip" || scheme == "sips") return SipUriOf(url, std::move(scheme));
  Uri uri;
  uri.scheme = std::move(scheme);
  uri.opaque = OpaqueOf(url);
  if (uri.opaque.empty() || !IsUriText(uri.opaque)) return Fail("the URI is not valid");
  return uri;
}

// --- parameters, Via, name-addr ---

Result<Params> HeaderParams(msg_param_t const* params) {
  Params result;
  for (; params != nullptr && *params != nullptr; ++params) {
    const std::string_view param = *params;
    const size_t equals = std::min(param.find('='), param.size());
    const std::string_view name = Trim(param.substr(0, equals));
    if (!IsToken(name)) return Fail("the name of a parameter is not a token");
    const std::string_view value = Trim(param.substr(std::min(equals + 1, param.size())));
    result.list.emplace_back(name, Unquote(value));
  }
  return result;
}

bool IsTwice(const Params& params, std::string_view name) {
  return std::count_if(params.list.begin(), params.list.end(),
                       [&](const auto& p) { return EqualNoCase(p.first, name); }) > 1;
}

Result<Via> ViaOf(const sip_via_t& from) {
  Via via;
  const std::string_view protocol = View(from.v_protocol);
  constexpr std::string_view kVersion = "SIP/2.0/";
  if (!EqualNoCase(protocol.substr(0, kVersion.size()), kVersion)) {
    return Fail("the protocol is not SIP/2.0");
  }
  via.transport = protocol.substr(kVersion.size());
  if (!IsToken(via.transport)) return Fail("the transport is not a token");
  if (!IsHost(View(from.v_host))) return Fail("the host is not valid");
  via.sent_by = from.v_host;
  if (from.v_port != nullptr) {
    const auto port = ParseNumber(from.v_port, 65535);
    if (!port || *port == 0) return Fail("the port is not valid");
    via.sent_by += ":" + std::to_string(*port);
  }
  auto params = HeaderParams(from.v_params);
  if (!params) return std::unexpected(params.error());
  via.params = std::move(*params);
  if (IsTwice(via.params, "branch")) return Fail("there are two branches");
  return via;
}

Result<NameAddr> NameAddrOf(const char* display, const url_t& url, msg_param_t const* params) {
  NameAddr address;
  address.display_name = Unquote(Trim(View(display)));
  auto uri = UriOf(url);
  if (!uri) return std::unexpected(uri.error());
  auto list = HeaderParams(params);
  if (!list) return std::unexpected(list.error());
  address.uri = std::move(*uri);
  address.params = std::move(*list);
  if (IsTwice(address.params, "tag")) return Fail("there are two tags");
  return address;
}

// RFC 4475 section 3.1.2.15: real peers send display names that should have been quoted, with
// commas or bytes beyond ASCII. Only where one address is expected, so that nothing is guessed.
std::string QuoteDisplayName(const std::string& value) {
  const size_t bracket = value.find('<');
  if (bracket == std::string::npos || value.find('"') < bracket) return value;
  const std::string_view display = Trim(std::string_view(value).substr(0, bracket));
  const bool tokens = std::all_of(display.begin(), display.end(),
                                  [](char c) { return IsTokenChar(c) || c == ' '; });
  return tokens ? value : Quote(display) + " " + value.substr(bracket);
}

Result<NameAddr> OneAddress(const Home& home, const std::string& value) {
  const sip_from_t* from = Make<sip_from_t>(home, sip_from_make, QuoteDisplayName(value));
  if (from == nullptr) return Fail("the value cannot be read");
  return NameAddrOf(from->a_display, *from->a_url, from->a_params);
}

// --- the headers of a message ---

// Reads the headers of one message. An error names the header; the first one ends the reading.
class Decoder {
 public:
  Decoder(const RawMessage& raw, Message& message)
      : raw_(raw), message_(message), home_(NewHome()) {}

  std::optional<ParseError> Run() {
    if (auto fault = StartLine()) return fault;
    for (const Header& header : raw_.headers) {
      if (const auto done = OneHeader(header); !done) {
        return ParseError{400, header.name + ": " + done.error().message + ".", std::nullopt};
      }
    }
    message_.call_id = *raw_.Find("Call-ID");
    message_.cseq = raw_.cseq;
    message_.body = raw_.body;
    return std::nullopt;
  }

 private:
  std::optional<ParseError> StartLine() {
    message_.method = raw_.method;
    message_.status = raw_.status;
    message_.reason_phrase = raw_.reason_phrase;
    if (!message_.is_request()) return std::nullopt;
    auto uri = ParseUri(raw_.request_uri);
    if (!uri) {
      return ParseError{400, "Request-URI: " + uri.error().message + ".", std::nullopt};
    }
    if (uri->scheme != "sip" && uri->scheme != "sips" && uri->scheme != "tel") {
      return ParseError{416, "The scheme of the Request-URI is not known here.", std::nullopt};
    }
    // RFC 3261 section 19.1.1: not allowed there, and never to become headers of ours.
    if (!uri->headers.empty()) {
      return ParseError{400, "Request-URI: the URI has headers.", std::nullopt};
    }
    message_.request_uri = std::move(*uri);
    return std::nullopt;
  }

  Result<void> OneHeader(const Header& header) {
    struct Reader {
      std::string_view name;
      Result<void> (Decoder::*read)(const std::string&);
    };
    static constexpr Reader kReaders[] = {
        {"Via", &Decoder::ReadVia},
        {"From", &Decoder::ReadFrom},
        {"To", &Decoder::ReadTo},
        {"Contact", &Decoder::ReadContact},
        {"Route", &Decoder::ReadRoute},
        {"Record-Route", &Decoder::ReadRecordRoute},
        {"Max-Forwards", &Decoder::ReadMaxForwards},
        {"Expires", &Decoder::ReadExpires},
        {"Authorization", &Decoder::ReadAuthorization},
        {"Proxy-Authorization", &Decoder::ReadProxyAuthorization},
        {"WWW-Authenticate", &Decoder::ReadWwwAuthenticate},
        {"Proxy-Authenticate", &Decoder::ReadProxyAuthenticate},
        {"Require", &Decoder::ReadRequire},
        {"Supported", &Decoder::ReadSupported},
        {"Allow", &Decoder::ReadAllow},
        {"Content-Type", &Decoder::ReadContentType},
        {"Date", &Decoder::ReadDate},
        {"Call-ID", &Decoder::Ignore},
        {"CSeq", &Decoder::Ignore},
        {"Content-Length", &Decoder::Ignore},
    };
    for (const Reader& reader : kReaders) {
      if (EqualNoCase(reader.name, header.name)) return (this->*reader.read)(header.value);
    }
    message_.extra.push_back(header);
    return {};
  }

  Result<void> Ignore(const std::string&) { return {}; }

  Result<void> ReadVia(const std::string& value) {
    const sip_via_t* next = Make<sip_via_t>(home_, sip_via_make, value);
    if (next == nullptr) return Fail("the value cannot be read");
    for (; next != nullptr; next = next->v_next) {
      auto via = ViaOf(*next);
      if (!via) return std::unexpected(via.error());
      message_.vias.push_back(std::move(*via));
    }
    return {};
  }

  Result<void> ReadAddress(const std::string& value, NameAddr& out) {
    auto address = OneAddress(home_, value);
    if (!address) return std::unexpected(address.error());
    out = std::move(*address);
    return {};
  }
  Result<void> ReadFrom(const std::string& value) { return ReadAddress(value, message_.from); }
  Result<void> ReadTo(const std::string& value) { return ReadAddress(value, message_.to); }

  Result<void> ReadContact(const std::string& value) {
    if (value.empty()) return {};
    if (message_.contact_star || (value == "*" && !message_.contacts.empty())) {
      return Fail("\"*\" is not alone");
    }
    if (value == "*") {
      message_.contact_star = true;
      return {};
    }
    const sip_contact_t* next = Make<sip_contact_t>(home_, sip_contact_make, value);
    if (next == nullptr) return Fail("the value cannot be read");
    for (; next != nullptr; next = next->m_next) {
      auto contact = NameAddrOf(next->m_display, *next->m_url, next->m_params);
      if (!contact) return std::unexpected(contact.error());
      message_.contacts.push_back(std::move(*contact));
    }
    return {};
  }

  Result<void> ReadRoutes(const sip_route_t* next, std::vector<NameAddr>& out) {
    if (next == nullptr) return Fail("the value cannot be read");
    for (; next != nullptr; next = next->r_next) {
      auto route = NameAddrOf(next->r_display, *next->r_url, next->r_params);
      if (!route) return std::unexpected(route.error());
      out.push_back(std::move(*route));
    }
    return {};
  }
  Result<void> ReadRoute(const std::string& value) {
    return ReadRoutes(Make<sip_route_t>(home_, sip_route_make, value), message_.routes);
  }
  Result<void> ReadRecordRoute(const std::string& value) {
    return ReadRoutes(Make<sip_record_route_t>(home_, sip_record_route_make, value),
                      message_.record_routes);
  }

  Result<void> ReadMaxForwards(const std::string& value) {
    const auto number = ParseNumber(value, UINT32_MAX);
    if (!number) return Fail("the value is not a number");
    message_.max_forwards = *number;
    return {};
  }

  // RFC 3261 section 10.2.1.1: a value that is no number is as good as none; one that is too large
  // means the largest.
  Result<void> ReadExpires(const std::string& value) {
    message_.expires = ParseNumber(value, UINT32_MAX);
    const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), IsDigit);
    if (!message_.expires && digits) message_.expires = UINT32_MAX;
    return {};
  }

  // Broken credentials are answered like none (401), not like a broken message: a value that cannot
  // be read stays as `token`.
  AuthHeader Auth(const std::string& value) {
    AuthHeader auth;
    const size_t blank = std::min(value.find(' '), value.size());
    auth.scheme = value.substr(0, blank);
    auth.token = Trim(std::string_view(value).substr(blank));
    if (!EqualNoCase(auth.scheme, "Digest")) return auth;
    const sip_authorization_t* read =
        Make<sip_authorization_t>(home_, sip_authorization_make, value);
    if (read == nullptr) return auth;
    auto params = HeaderParams(read->au_params);
    if (!params || params->list.empty()) return auth;
    auth.params = std::move(*params);
    auth.token.clear();
    return auth;
  }
  Result<void> ReadAuthorization(const std::string& value) {
    message_.authorizations.push_back(Auth(value));
    return {};
  }
  Result<void> ReadProxyAuthorization(const std::string& value) {
    message_.proxy_authorizations.push_back(Auth(value));
    return {};
  }
  Result<void> ReadWwwAuthenticate(const std::string& value) {
    message_.www_authenticates.push_back(Auth(value));
    return {};
  }
  Result<void> ReadProxyAuthenticate(const std::string& value) {
    message_.proxy_authenticates.push_back(Auth(value));
    return {};
  }

  Result<void> ReadTokens(std::string_view rest, std::vector<std::string>& out) {
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view token = Trim(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (token.empty()) continue;
      if (!IsToken(token)) return Fail("an element is not a token");
      out.emplace_back(token);
    }
    return {};
  }
  Result<void> ReadRequire(const std::string& value) { return ReadTokens(value, message_.require); }
  Result<void> ReadSupported(const std::string& value) {
    return ReadTokens(value, message_.supported);
  }
  Result<void> ReadAllow(const std::string& value) { return ReadTokens(value, message_.allow); }

  Result<void> ReadContentType(const std::string& value) {
    const size_t end = std::min(value.find(';'), value.size());
    const std::string_view type = Trim(std::string_view(value).substr(0, end));
    const size_t slash = type.find('/');
    if (slash == std::string_view::npos || !IsToken(Trim(type.substr(0, slash))) ||
        !IsToken(Trim(type.substr(slash + 1)))) {
      return Fail("the value is not a type and a subtype");
    }
    message_.content_type =
        LowerCase(Trim(type.substr(0, slash))) + "/" + LowerCase(Trim(type.substr(slash + 1)));
    message_.content_type_params = Trim(std::string_view(value).substr(end));
    return {};
  }

  // RFC 4475 section 3.1.2.12: a Date of another zone may be ignored; it is never passed on.
  Result<void> ReadDate(const std::string& value) {
    if (value.ends_with(" GMT")) message_.extra.push_back({"Date", value});
    return {};
  }

  const RawMessage& raw_;
  Message& message_;
  const Home home_;
};

}  // namespace

Result<Uri> ParseUri(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7F; })) {
    return Fail("the URI has a blank, a control byte or one beyond ASCII");
  }
  const Home home = NewHome();
  const url_t* url = Make<url_t>(home, url_make, std::string(text));
  if (url == nullptr) return Fail("the URI is not valid");
  return UriOf(*url);
}

Result<NameAddr> ParseNameAddr(const std::string& value) { return OneAddress(NewHome(), value); }

Result<Message, ParseError> Parse(std::string_view text) {
  RawMessage raw;
  Message message;
  std::optional<ParseError> error = Precheck(text, raw);
  if (!error) error = Decoder(raw, message).Run();
  if (!error) return message;
  error->answerable = ReadAnswerable(raw);
  return std::unexpected(std::move(*error));
}

}  // namespace lastmile::sip
