#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

// Every byte of a head goes through here: whatever a value holds, a line stays one line.
class HeadWriter {
 public:
  HeadWriter() { text_.reserve(1024); }

  void Line(std::string_view line) {
    Put(line);
    text_ += "\r\n";
  }
  void Header(std::string_view name, std::string_view value) {
    Put(name);
    text_ += ": ";
    Line(value);
  }
  template <class Values>
  void Each(std::string_view name, const Values& values) {
    for (const auto& value : values) Header(name, value.ToString());
  }
  void Tokens(std::string_view name, const std::vector<std::string>& tokens) {
    if (tokens.empty()) return;
    std::string list;
    for (const std::string& token : tokens) list += (list.empty() ? "" : ", ") + token;
    Header(name, list);
  }
  std::string Take() { return std::move(text_); }

 private:
  void Put(std::string_view text) {
    const size_t from = text_.size();
    text_ += text;
    std::replace_if(text_.begin() + static_cast<std::ptrdiff_t>(from), text_.end(), IsControl, ' ');
  }

  std::string text_;
};

// Headers that Print makes from the message's own fields; a second one would contradict the first.
bool IsOwnHeader(std::string_view name) {
  static constexpr std::string_view kOwn[] = {
      "Via",  "v", "From",           "f", "To",           "t",           "Call-ID", "i",
      "CSeq", "l", "Content-Length", "c", "Content-Type", "Max-Forwards"};
  return std::any_of(std::begin(kOwn), std::end(kOwn),
                     [&](std::string_view own) { return EqualNoCase(own, name); });
}

void WriteStartAndMandatory(const Message& message, HeadWriter& out) {
  if (message.is_request()) {
    out.Line(message.method + " " + message.request_uri.ToString() + " SIP/2.0");
  } else {
    out.Line("SIP/2.0 " + std::to_string(message.status) + " " + message.reason_phrase);
  }
  out.Each("Via", message.vias);
  out.Header("From", message.from.ToString());
  out.Header("To", message.to.ToString());
  out.Header("Call-ID", message.call_id);
  out.Header("CSeq", std::to_string(message.cseq.number) + " " + message.cseq.method);
}

}  // namespace

std::string Print(const Message& message) {
  HeadWriter out;
  WriteStartAndMandatory(message, out);
  if (message.max_forwards) out.Header("Max-Forwards", std::to_string(*message.max_forwards));
  out.Each("Route", message.routes);
  out.Each("Record-Route", message.record_routes);
  if (message.contact_star) out.Header("Contact", "*");
  out.Each("Contact", message.contacts);
  out.Each("Authorization", message.authorizations);
  out.Each("Proxy-Authorization", message.proxy_authorizations);
  out.Each("WWW-Authenticate", message.www_authenticates);
  out.Each("Proxy-Authenticate", message.proxy_authenticates);
  if (message.expires) out.Header("Expires", std::to_string(*message.expires));
  out.Tokens("Require", message.require);
  out.Tokens("Supported", message.supported);
  out.Tokens("Allow", message.allow);
  for (const Header& header : message.extra) {
    if (IsToken(header.name) && !IsOwnHeader(header.name)) out.Header(header.name, header.value);
  }
  if (!message.content_type.empty()) {
    out.Header("Content-Type", message.content_type + message.content_type_params);
  }
  out.Header("Content-Length", std::to_string(message.body.size()));
  std::string text = out.Take();
  text += "\r\n";
  text += message.body;
  return text;
}

}  // namespace lastmile::sip
