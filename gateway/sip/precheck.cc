#include "gateway/sip/precheck.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

using Fault = std::optional<ParseError>;

Fault Bad(std::string reason, int status = 400) {
  return ParseError{status, std::move(reason), std::nullopt};
}

constexpr std::pair<char, std::string_view> kCompactForms[] = {
    {'a', "Accept-Contact"},
    {'b', "Referred-By"},
    {'c', "Content-Type"},
    {'d', "Request-Disposition"},
    {'e', "Content-Encoding"},
    {'f', "From"},
    {'i', "Call-ID"},
    {'j', "Reject-Contact"},
    {'k', "Supported"},
    {'l', "Content-Length"},
    {'m', "Contact"},
    {'n', "Identity-Info"},
    {'o', "Event"},
    {'r', "Refer-To"},
    {'s', "Subject"},
    {'t', "To"},
    {'u', "Allow-Events"},
    {'v', "Via"},
    {'x', "Session-Expires"},
    {'y', "Identity"},
};

// A second one of these would let two readers of the message see two different messages.
constexpr std::string_view kSingleHeaders[] = {
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Expires",
    "Content-Type",
    "Date",
    "Event",
    "Identity",
    "Min-Expires",
    "Min-SE",
    "RAck",
    "RSeq",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Session-Expires",
    "Subscription-State",
};

// Headers whose elements and parameters become values of ours, and are therefore counted.
constexpr std::string_view kNameAddrHeaders[] = {"Via",     "From",  "To",
                                                 "Contact", "Route", "Record-Route"};
constexpr std::string_view kAuthHeaders[] = {"Authorization", "Proxy-Authorization",
                                             "WWW-Authenticate", "Proxy-Authenticate"};
constexpr std::string_view kTokenListHeaders[] = {"Require", "Supported", "Allow"};

template <class List>
size_t IndexOf(const List& list, std::string_view name) {
  const auto it = std::find_if(std::begin(list), std::end(list),
                               [&](std::string_view known) { return EqualNoCase(known, name); });
  return static_cast<size_t>(it - std::begin(list));
}

template <class List>
bool Contains(const List& list, std::string_view name) {
  return IndexOf(list, name) < std::size(list);
}

std::string LongName(std::string_view name) {
  if (name.size() != 1) return std::string(name);
  for (const auto& [letter, long_name] : kCompactForms) {
    if (letter == ToLower(name.front())) return std::string(long_name);
  }
  return std::string(name);
}

// Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 if there is none.
size_t Utf8Length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return !overlong && !surrogate && tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool too_high = first == 0xF4 && byte(1) > 0x8F;
    return !overlong && !too_high && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// False: a control byte that may not be there.
bool CleanText(std::string& text) {
  const auto plain = [](char c) { return c >= ' ' && c < 0x7F; };
  if (std::all_of(text.begin(), text.end(), plain)) return true;  // nearly every line
  bool quoted = false;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\t') {
      text[i++] = ' ';
    } else if (quoted && c == '\\' && i + 1 < text.size()) {
      const char escaped = text[i + 1];
      if (escaped == '\r' || escaped == '\n') return false;
      if (IsControl(escaped)) text[i] = text[i + 1] = ' ';
      // A backslash before the first byte of a longer character escapes nothing in particular.
      i += static_cast<unsigned char>(escaped) < 0x80 ? 2 : 1;
    } else if (IsControl(c)) {
      return false;
    } else if (const size_t length = Utf8Length(text, i); length > 0) {
      if (c == '"') quoted = !quoted;
      i += length;
    } else {
      text[i++] = '?';
    }
  }
  return true;
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

Fault ReadStatusLine(std::string_view line, RawMessage& raw) {
  line.remove_prefix(std::string_view("SIP/2.0 ").size());
  if (line.size() < 4 || !IsDigits(line.substr(0, 3)) || line[3] != ' ') {
    return Bad("The status line is not \"SIP/2.0\", three digits and a reason phrase.");
  }
  raw.status = static_cast<int>(*ParseNumber(line.substr(0, 3), 999));
  raw.reason_phrase = line.substr(4);
  if (raw.status < 100 || raw.status > 699) return Bad("The status code is not 100 to 699.");
  return std::nullopt;
}

Fault ReadStartLine(std::string_view line, RawMessage& raw) {
  std::string clean(line);
  if (!CleanText(clean) || line.find('\t') != std::string_view::npos) {
    return Bad("The start line has a control byte.");
  }
  const bool status_line = EqualNoCase(std::string_view(clean).substr(0, 4), "SIP/");
  // Also for a response that cannot be read: it must never look like a request to answer.
  if (status_line) raw.status = 999;
  if (line.size() > kMaxLine) return Bad("The start line is too long.");
  if (status_line && !clean.starts_with("SIP/2.0 ")) return Bad("The SIP version is not 2.0.", 505);
  if (status_line) return ReadStatusLine(clean, raw);

  const size_t first = clean.find(' ');
  const size_t last = clean.rfind(' ');
  raw.method = clean.substr(0, first);
  if (!IsToken(raw.method)) return Bad("The method is not a token.");
  if (first == last || first + 1 == last) {
    return Bad("The request line is not a method, a URI and a version with one space between.");
  }
  const std::string_view version = std::string_view(clean).substr(last + 1);
  raw.request_uri = clean.substr(first + 1, last - first - 1);
  if (raw.request_uri.find(' ') != std::string::npos || !version.starts_with("SIP/")) {
    return Bad("The request line is not a method, a URI and a version with one space between.");
  }
  if (version != "SIP/2.0") return Bad("The SIP version is not 2.0.", 505);
  if (std::count(raw.request_uri.begin(), raw.request_uri.end(), ';') >
      static_cast<std::ptrdiff_t>(kMaxParams)) {
    return Bad("The Request-URI has too many parameters.");
  }
  return std::nullopt;
}

// Reads every line even after a fault: the headers that a response needs may come later.
Fault ReadHeaders(HeadReader& reader, RawMessage& raw) {
  Fault fault;
  const auto note = [&](std::string reason) {
    if (!fault) fault = Bad(std::move(reason));
  };
  while (reader.Next()) {
    if (raw.headers.size() == kMaxHeaders) {
      note("There are too many headers.");
      break;
    }
    if (!IsToken(reader.name())) {
      note("A header line has no name, or one that is not a token.");
      continue;
    }
    std::string name = LongName(reader.name());
    if (reader.name().size() + reader.value().size() > kMaxLine) {
      note("The header " + name.substr(0, 32) + " is too long.");
      continue;
    }
    std::string value = reader.value();
    if (!CleanText(value)) {
      note("The header " + name + " has a control byte.");
      continue;
    }
    raw.headers.push_back({std::move(name), std::string(Trim(value))});
  }
  return fault;
}

Fault CheckSingles(const RawMessage& raw) {
  std::array<bool, std::size(kSingleHeaders)> seen{};
  for (const Header& header : raw.headers) {
    const size_t index = IndexOf(kSingleHeaders, header.name);
    if (index == seen.size()) continue;
    if (seen[index]) return Bad("There is more than one " + header.name + " header.");
    seen[index] = true;
  }
  for (std::string_view name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    if (raw.Find(name) == nullptr) return Bad("There is no " + std::string(name) + " header.");
  }
  return std::nullopt;
}

// Counts separators outside quoted strings. False: over a bound.
bool CountParts(std::string_view value, bool params, size_t& elements) {
  bool quoted = false;
  size_t in_element = 0;
  ++elements;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      ++elements;
      in_element = 0;
    } else if (!quoted && params && c == ';' && ++in_element > kMaxParams) {
      return false;
    }
  }
  return elements <= kMaxElements;
}

Fault CheckBounds(const RawMessage& raw) {
  std::array<size_t, std::size(kNameAddrHeaders)> name_addrs{};
  std::array<size_t, std::size(kTokenListHeaders)> token_lists{};
  for (const Header& header : raw.headers) {
    bool within = true;
    size_t auth_params = 0;
    if (const size_t i = IndexOf(kNameAddrHeaders, header.name); i < name_addrs.size()) {
      within = CountParts(header.value, true, name_addrs[i]);
    } else if (const size_t k = IndexOf(kTokenListHeaders, header.name); k < token_lists.size()) {
      within = CountParts(header.value, false, token_lists[k]);
    } else if (Contains(kAuthHeaders, header.name)) {
      within = CountParts(header.value, false, auth_params);
    }
    if (!within) return Bad("The header " + header.name + " has too many elements.");
  }
  return std::nullopt;
}

Fault CheckCSeq(RawMessage& raw) {
  const std::string_view value = *raw.Find("CSeq");
  const size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return Bad("CSeq is not a number and a method.");
  const std::string_view method = Trim(value.substr(blank));
  const std::optional<uint32_t> number = ParseNumber(value.substr(0, blank), kMaxCSeq);
  if (!IsToken(method)) return Bad("CSeq is not a number and a method.");
  if (raw.status == 0 && method != raw.method) return Bad("CSeq names another method.");
  if (!number) return Bad("The CSeq number is not a number below 2^31.");
  raw.cseq = {*number, std::string(method)};
  return std::nullopt;
}

// RFC 3261 section 18.3: over a message transport bytes after the Content-Length are dropped.
Fault CheckBody(std::string_view head, std::string_view body, RawMessage& raw) {
  const auto length = ReadContentLength(head);
  if (!length) return Bad(length.error().message);
  if (length->has_value() && **length > body.size()) {
    return Bad("The body is shorter than Content-Length.");
  }
  raw.body = body.substr(0, length->value_or(body.size()));
  return std::nullopt;
}

}  // namespace

HeadReader::HeadReader(std::string_view head) : rest_(head) { start_line_ = TakeLine(); }

std::string_view HeadReader::TakeLine() {
  const size_t end = rest_.find("\r\n");
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
  return line;
}

bool HeadReader::Next() {
  if (rest_.empty()) return false;
  const std::string_view line = TakeLine();
  const size_t colon = line.find(':');
  name_ = colon == std::string_view::npos ? std::string_view() : Trim(line.substr(0, colon));
  // A line that begins with a blank continues nothing here: it is the first one.
  if (!line.empty() && IsBlank(line.front())) name_ = {};
  value_ = colon == std::string_view::npos ? std::string_view() : Trim(line.substr(colon + 1));
  while (!rest_.empty() && IsBlank(rest_.front())) {
    const std::string_view more = Trim(TakeLine());
    if (!value_.empty() && !more.empty()) value_.push_back(' ');
    value_.append(more);
  }
  return true;
}

Result<std::optional<size_t>> ReadContentLength(std::string_view head) {
  std::optional<size_t> length;
  HeadReader reader(head);
  while (reader.Next()) {
    if (!EqualNoCase(reader.name(), "Content-Length") && !EqualNoCase(reader.name(), "l")) continue;
    if (!IsDigits(reader.value())) return Fail("Content-Length is not a number.");
    const auto value = ParseNumber(reader.value(), static_cast<uint32_t>(kMaxMessageSize));
    if (!value) return Fail("Content-Length is larger than any message may be.");
    if (length && *length != *value) return Fail("Content-Length is given twice.");
    length = *value;
  }
  return length;
}

bool IsCallId(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

const std::string* RawMessage::Find(std::string_view name) const {
  const auto it = std::find_if(headers.begin(), headers.end(),
                               [&](const Header& h) { return EqualNoCase(h.name, name); });
  return it == headers.end() ? nullptr : &it->value;
}

std::optional<ParseError> Precheck(std::string_view text, RawMessage& raw) {
  Fault size_fault;
  if (text.size() > kMaxMessageSize) {
    size_fault = Bad("The message is larger than 64 KiB.", 413);
    text = text.substr(0, kMaxMessageSize);
  }
  // RFC 3261 section 7.5: empty lines before the start line do not count.
  while (text.starts_with("\r\n")) text.remove_prefix(2);
  const size_t end = text.find("\r\n\r\n");
  const std::string_view head = text.substr(0, end);
  HeadReader reader(head);
  const Fault start_fault = ReadStartLine(reader.start_line(), raw);
  const Fault header_fault = ReadHeaders(reader, raw);
  if (size_fault) return size_fault;
  if (start_fault) return start_fault;
  if (end == std::string_view::npos) return Bad("The headers do not end.");
  if (header_fault) return header_fault;
  if (Fault fault = CheckSingles(raw)) return fault;
  if (Fault fault = CheckBounds(raw)) return fault;
  if (!IsCallId(*raw.Find("Call-ID"))) return Bad("Call-ID has a byte that may not be there.");
  if (Fault fault = CheckCSeq(raw)) return fault;
  return CheckBody(head, text.substr(end + 4), raw);
}

}  // namespace lastmile::sip
