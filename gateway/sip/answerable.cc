#include "gateway/sip/answerable.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

// Up to the first of `stops`, which is taken away too.
std::string_view Cut(std::string_view& rest, std::string_view stops) {
  const size_t end = std::min(rest.find_first_of(stops), rest.size());
  const std::string_view part = Trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// Parameters with readable names; quoted strings with separators inside fall apart, and that is
// good enough for a tag, a branch and a port.
Params ReadParams(std::string_view rest, size_t most) {
  Params params;
  while (!rest.empty() && params.list.size() < most) {
    std::string_view value = Cut(rest, ";");
    const std::string_view name = Cut(value, "=");
    if (IsToken(name)) params.list.emplace_back(name, Unquote(Trim(value)));
  }
  return params;
}

std::optional<Via> ReadVia(std::string_view value) {
  std::string_view head = Cut(value, ";");
  Cut(head, "/");
  Cut(head, "/");
  Via via;
  via.transport = Cut(head, " ");
  via.sent_by = Trim(head);
  via.params = ReadParams(value, kMaxParams);
  const bool plain = std::all_of(via.sent_by.begin(), via.sent_by.end(), [](char c) {
    return IsTokenChar(c) || c == ':' || c == '[' || c == ']';
  });
  if (!IsToken(via.transport) || via.sent_by.empty() || !plain) return std::nullopt;
  return via;
}

// From the topmost to the first that cannot be read.
std::vector<Via> ReadVias(const RawMessage& raw) {
  std::vector<Via> vias;
  for (const Header& header : raw.headers) {
    if (!EqualNoCase(header.name, "Via")) continue;
    std::string_view rest = header.value;
    do {
      auto via = ReadVia(Cut(rest, ","));
      if (!via || vias.size() == kMaxElements) return vias;
      vias.push_back(std::move(*via));
    } while (!rest.empty());
  }
  return vias;
}

NameAddr ReadAddress(std::string_view value) {
  NameAddr address;
  address.uri.host = "anonymous.invalid";
  std::string_view uri = value.substr(0, value.find(';'));
  std::string_view params = value.substr(uri.size());
  if (const size_t open = value.find('<'); open != std::string_view::npos) {
    const size_t close = value.find('>', open);
    uri = value.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
    params = close == std::string_view::npos ? std::string_view() : value.substr(close + 1);
  }
  // What the URI holds counts for the bounds of Precheck, which the answer has to keep as well; one
  // parameter is left for the tag that the answer may add.
  size_t most = kMaxParams - 1;
  const auto in_uri = static_cast<size_t>(std::ranges::count(uri, ';'));
  auto read = ParseUri(Trim(uri));
  if (read && in_uri <= most && std::ranges::count(uri, ',') < std::ptrdiff_t{kMaxElements}) {
    address.uri = std::move(*read);
    most -= in_uri;
  }
  address.params = ReadParams(params, most);
  return address;
}

}  // namespace

std::optional<Message> ReadAnswerable(const RawMessage& raw) {
  const std::string* from = raw.Find("From");
  const std::string* to = raw.Find("To");
  const std::string* call_id = raw.Find("Call-ID");
  const std::string* cseq = raw.Find("CSeq");
  if (raw.status != 0 || !IsToken(raw.method) || from == nullptr || to == nullptr ||
      call_id == nullptr || !IsCallId(*call_id) || cseq == nullptr) {
    return std::nullopt;
  }
  Message message;
  message.method = raw.method;
  message.vias = ReadVias(raw);
  message.from = ReadAddress(*from);
  message.to = ReadAddress(*to);
  message.call_id = *call_id;
  std::string_view method = *cseq;
  message.cseq.number = ParseNumber(Cut(method, " "), kMaxCSeq).value_or(0);
  message.cseq.method = Trim(method);
  const bool ack = message.method == "ACK" || message.cseq.method == "ACK";
  if (message.vias.empty() || ack || !IsToken(message.cseq.method)) return std::nullopt;
  return message;
}

}  // namespace lastmile::sip
