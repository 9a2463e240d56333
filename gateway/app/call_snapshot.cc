#include "gateway/app/call_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace lastmile::app {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr int kVersion = 2;
constexpr size_t kMaxBytes = 1 << 18;
constexpr milliseconds kLongest = std::chrono::years(10);

// --- enums as words ---

template <class T>
constexpr std::array<std::string_view, 0> kWords = {};
template <>
constexpr std::array<std::string_view, 4> kWords<sdp::Direction> = {"sendrecv", "sendonly",
                                                                    "recvonly", "inactive"};
template <>
constexpr std::array<std::string_view, 3> kWords<sdp::Setup> = {"actpass", "active", "passive"};
template <>
constexpr std::array<std::string_view, 2> kWords<call::CallDirection> = {"from-browser",
                                                                         "from-trunk"};
template <>
constexpr std::array<std::string_view, 3> kWords<call::DigitWay> = {"events", "tones", "info"};
template <>
constexpr std::array<std::string_view, 2> kWords<media::MediaLeg> = {"browser", "trunk"};
template <>
constexpr std::array<std::string_view, 4> kWords<media::IceCandidate::Type> = {"host", "srflx",
                                                                               "prflx", "relay"};
template <>
constexpr auto kWords<media::SilenceCause> = call::kSilenceCauseWords;

// --- what there is in each value: once, for both ways ---

void Describe(auto& field, std::pair<std::string, std::string>& parameter) {
  field("name", parameter.first);
  field("value", parameter.second);
}

void Describe(auto& field, sip::Uri& uri) {
  field("scheme", uri.scheme);
  field("user", uri.user);
  field("host", uri.host);
  field("port", uri.port);
  field("params", uri.params.list);
  field("headers", uri.headers);
  field("opaque", uri.opaque);
}

void Describe(auto& field, sip::NameAddr& address) {
  field("display_name", address.display_name);
  field("uri", address.uri);
  field("params", address.params.list);
}

void Describe(auto& field, sip::DialogSnapshot& snapshot) {
  sip::Dialog& dialog = snapshot.dialog;
  field("we_called", snapshot.we_called);
  field("call_id", dialog.call_id);
  field("local", dialog.local);
  field("remote", dialog.remote);
  field("local_cseq", dialog.local_cseq);
  field("remote_cseq", dialog.remote_cseq);
  field("remote_rseq", dialog.remote_rseq);
  field("remote_target", dialog.remote_target);
  field("route_set", dialog.route_set);
}

void Describe(auto& field, browser::BrowserDialogSnapshot& snapshot) {
  field("dialog", snapshot.dialog);
  field("user", snapshot.user);
  field("device", snapshot.device);
  field("takes_update", snapshot.takes_update);
  field("refresh_in_ms", snapshot.refresh_in);
}

void Describe(auto& field, sip::SessionTimerSnapshot& timer) {
  field("interval_ms", timer.interval);
  field("we_refresh", timer.we_refresh);
  field("refresh_in_ms", timer.refresh_in);
  field("end_in_ms", timer.end_in);
}

void Describe(auto& field, trunk::TrunkDialogSnapshot& snapshot) {
  field("dialog", snapshot.dialog);
  field("trunk", snapshot.trunk);
  field("peer_updates", snapshot.peer_updates);
  field("interval", snapshot.interval);
  field("timer", snapshot.timer);
}

void Describe(auto& field, sdp::OriginSnapshot& origin) {
  field("session_id", origin.session_id);
  field("version", origin.version);
  field("last_text", origin.last_text);
}

void Describe(auto& field, sdp::Slot& slot) {
  field("kind", slot.kind);
  field("protocol", slot.protocol);
  field("format", slot.format);
  field("mid", slot.mid);
}

// Of both legs.
void DescribeSlots(auto& field, auto& leg) {
  field("origin", leg.origin);
  field("slots", leg.slots);
  field("audio", leg.audio);
  field("video", leg.video);
  if (leg.audio >= leg.slots.size()) field.Fail("audio", "is not the index of a slot");
  if (leg.video && *leg.video >= leg.slots.size()) {
    field.Fail("video", "is not the index of a slot");
  }
}

void Describe(auto& field, sdp::Fingerprint& fingerprint) {
  field("hash", fingerprint.hash);
  field("digest", fingerprint.digest);
}

void Describe(auto& field, media::DtlsFingerprint& fingerprint) {
  field("hash", fingerprint.hash);
  field("digest", fingerprint.digest);
}

void Describe(auto& field, sdp::BrowserLegSnapshot& leg) {
  DescribeSlots(field, leg);
  field("bundled", leg.bundled);
  field("video_leads", leg.video_leads);
  field("role_known", leg.role_known);
  field("gateway_is_server", leg.gateway_is_server);
  field("fingerprints", leg.fingerprints);
  field("ice_ufrag", leg.ice_ufrag);
  field("ice_pwd", leg.ice_pwd);
}

void Describe(auto& field, sdp::Codec& codec) {
  field("name", codec.name);
  field("clock_rate", codec.clock_rate);
  field("channels", codec.channels);
  field("payload_type", codec.payload_type);
  field("fmtp", codec.fmtp);
  field("feedback", codec.feedback);
}

void Describe(auto& field, sdp::TrunkLegSnapshot& leg) {
  DescribeSlots(field, leg);
  field("time", leg.time);
  field("said", leg.said);
  field("said_video", leg.said_video);
}

void Describe(auto& field, sdp::BrowserVideo& video) {
  field("direction", video.direction);
  field("codecs", video.codecs);
}

void Describe(auto& field, sdp::BrowserMedia& media) {
  field("ice_ufrag", media.ice_ufrag);
  field("ice_pwd", media.ice_pwd);
  field("fingerprints", media.fingerprints);
  field("setup", media.setup);
  field("direction", media.direction);
  field("codecs", media.codecs);
  field("ptime", media.ptime);
  field("maxptime", media.maxptime);
  field("video", media.video);
  field("ice_restart", media.ice_restart);
  field("candidates", media.candidates);
}

void Describe(auto& field, sdp::Crypto& crypto) {
  field("tag", crypto.tag);
  field("suite", crypto.suite);
  field("key_params", crypto.key_params);
  field("session_params", crypto.session_params);
}

// What a trunk's sections have in common.
void DescribeSection(auto& field, auto& section) {
  field("rtp", section.rtp);
  field("rtcp", section.rtcp);
  field("held", section.held);
  field("rtcp_mux", section.rtcp_mux);
  field("direction", section.direction);
  field("codecs", section.codecs);
  field("crypto", section.crypto);
}

void Describe(auto& field, sdp::TrunkVideo& video) { DescribeSection(field, video); }

void Describe(auto& field, sdp::TrunkResources& resources) {
  field("pending", resources.pending);
  field("impossible", resources.impossible);
}

void Describe(auto& field, sdp::TrunkMedia& media) {
  DescribeSection(field, media);
  field("ptime", media.ptime);
  field("maxptime", media.maxptime);
  field("video", media.video);
  field("resources", media.resources);
}

void Describe(auto& field, media::IceCandidate& candidate) {
  field("type", candidate.type);
  field("at", candidate.at);
  field("priority", candidate.priority);
  field("foundation", candidate.foundation);
  field("related", candidate.related);
}

void Describe(auto& field, media::BrowserLocal& local) {
  field("ice_ufrag", local.ice_ufrag);
  field("ice_pwd", local.ice_pwd);
  field("candidates", local.candidates);
  field("tcp_candidates", local.tcp_candidates);
  field("gathered", local.gathered);
  field("fingerprint", local.fingerprint);
}

void Describe(auto& field, media::TrunkPorts& ports) {
  field("rtp", ports.rtp);
  field("rtcp", ports.rtcp);
}

void Describe(auto& field, media::TrunkLocal& local) {
  field("rtp", local.rtp);
  field("rtcp", local.rtcp);
  field("video", local.video);
}

void Describe(auto& field, call::SdpBytes& bytes) {
  field("offer_in", bytes.offer_in);
  field("offer_out", bytes.offer_out);
  field("answer_in", bytes.answer_in);
  field("answer_out", bytes.answer_out);
}

void Describe(auto& field, call::TrunkKeys& keys) {
  field("audio", keys.audio);
  field("video", keys.video);
}

void Describe(auto& field, call::CallSnapshot& call) {
  field("direction", call.direction);
  field("invite_head_bytes", call.invite_head_bytes);
  field("browser_leg", call.browser_leg);
  field("trunk_leg", call.trunk_leg);
  field("browser", call.browser);
  field("trunk", call.trunk);
  field("trunk_keys", call.trunk_keys);
  field("browser_local", call.browser_local);
  field("trunk_local", call.trunk_local);
  field("told_browser", call.told_browser);
  field("told_trunk", call.told_trunk);
  field("told_way", call.told_way);
  field("answered_ago_ms", call.answered_ago);
  field("status", call.status);
  field("sdp_bytes", call.sdp);
  field("invite_bytes", call.invite_bytes);
  field("over_budget", call.over_budget);
  field("transferred", call.transferred);
  field("trunk_sides", call.trunk_sides);
}

void Describe(auto& field, Parties& parties) {
  field("trunk", parties.trunk);
  field("user", parties.user);
  field("number", parties.number);
  field("caller", parties.caller);
  field("tenant", parties.tenant);
  field("display_name", parties.display_name);
  field("anonymous", parties.anonymous);
}

void Describe(auto& field, call::SilenceSnapshot& silence) {
  field("leg", silence.leg);
  field("cause", silence.cause);
  field("seen", silence.seen);
  field("noticed_ago_ms", silence.noticed_ago);
}

void Describe(auto& field, call::MediaSnapshot& media) {
  field("to_trunk", media.to_trunk);
  field("to_browser", media.to_browser);
}

void Describe(auto& field, CallSnapshot& snapshot) {
  field("browser_dialog", snapshot.browser_dialog);
  field("trunk_dialog", snapshot.trunk_dialog);
  field("call", snapshot.call);
  field("parties", snapshot.parties);
  field("media", snapshot.media);
  field("started_ago_ms", snapshot.started_ago);
}

// --- strings ---

std::string ToUtf8(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0 | byte >> 6));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return text;
}

// Nothing: a character of more than a byte.
std::optional<std::string> FromUtf8(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<uint8_t>(text[i]);
    if (first < 0x80) {
      bytes.push_back(text[i]);
      continue;
    }
    if (first > 0xC3 || i + 1 == text.size()) return std::nullopt;
    const auto second = static_cast<uint8_t>(text[++i]);
    bytes.push_back(static_cast<char>((first & 0x03) << 6 | (second & 0x3F)));
  }
  return bytes;
}

std::optional<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = text.data() + i + 2;
    const auto [stop, error] = std::from_chars(text.data() + i, end, byte, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    bytes.push_back(byte);
  }
  return bytes;
}

template <class T>
constexpr bool kIsVector = false;
template <class T>
constexpr bool kIsVector<std::vector<T>> = !std::same_as<T, uint8_t>;
template <class T>
constexpr bool kIsOptional = false;
template <class T>
constexpr bool kIsOptional<std::optional<T>> = true;

// --- writing ---

class Writer {
 public:
  template <class T>
  void operator()(std::string_view name, T& value) {
    object_[std::string(name)] = ValueOf(value);
  }
  void Fail(std::string_view, std::string_view) {}  // what a call is made of is as it should be

  template <class T>
  static Json ValueOf(T& value) {
    if constexpr (std::same_as<T, std::string>) {
      return ToUtf8(value);
    } else if constexpr (std::same_as<T, Bytes>) {
      return HexOf(value);
    } else if constexpr (std::same_as<T, Endpoint>) {
      return value.ToString();
    } else if constexpr (std::same_as<T, sdp::Candidate>) {
      return ToUtf8(sdp::ToValue(value));
    } else if constexpr (std::same_as<T, milliseconds>) {
      return value.count();
    } else if constexpr (std::is_enum_v<T>) {
      return kWords<T>[static_cast<size_t>(value)];
    } else if constexpr (std::is_arithmetic_v<T>) {
      return value;
    } else if constexpr (kIsOptional<T>) {
      return value ? ValueOf(*value) : Json(nullptr);
    } else if constexpr (kIsVector<T>) {
      Json array = Json::array();
      for (auto& element : value) array.push_back(ValueOf(element));
      return array;
    } else {
      Writer writer;
      Describe(writer, value);
      return std::move(writer.object_);
    }
  }

 private:
  Json object_ = Json::object();
};

// --- reading ---

// Notes the first fault; what follows it is not looked at.
class Reader {
 public:
  Reader(const Json& json, std::string path, std::string& fault)
      : json_(json), path_(std::move(path)), fault_(fault) {}

  template <class T>
  void operator()(std::string_view name, T& value) {
    if (!fault_.empty()) return;
    const auto found = json_.find(std::string(name));
    if (found == json_.end()) return Fail(name, "is missing");
    Read(*found, name, value);
  }
  void Fail(std::string_view name, std::string_view what) {
    if (fault_.empty()) fault_ = fmt::format("{} {}", PathOf(name), what);
  }

 private:
  std::string PathOf(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  }

  template <class T>
  void ReadText(const Json& json, std::string_view name, T& value, std::string_view what,
                auto parse) {
    auto text =
        json.is_string() ? FromUtf8(json.template get_ref<const std::string&>()) : std::nullopt;
    std::optional<T> parsed;
    if (text) parsed = parse(*text);
    if (!parsed) return Fail(name, what);
    value = *std::move(parsed);
  }

  template <class T>
  void ReadNumber(const Json& json, std::string_view name, T& value,
                  uint64_t max = std::numeric_limits<T>::max()) {
    const bool good = json.is_number_unsigned() && json.template get<uint64_t>() <= max;
    if (!good) return Fail(name, fmt::format("is not a number from 0 to {}", max));
    value = static_cast<T>(json.template get<uint64_t>());
  }

  template <class T>
  void Read(const Json& json, std::string_view name, T& value) {
    if constexpr (std::same_as<T, std::string>) {
      ReadText(json, name, value, "is not a string of bytes",
               [](std::string& text) { return std::optional(std::move(text)); });
    } else if constexpr (std::same_as<T, Bytes>) {
      ReadText(json, name, value, "is not a string of hexadecimal digits", FromHex);
    } else if constexpr (std::same_as<T, Endpoint>) {
      ReadText(json, name, value, "is not an address with a port", [](const std::string& text) {
        auto endpoint = Endpoint::Parse(text);
        return endpoint ? std::optional(*endpoint) : std::nullopt;
      });
    } else if constexpr (std::same_as<T, sdp::Candidate>) {
      ReadText(json, name, value, "is not a candidate", [](const std::string& text) {
        auto candidate = sdp::ParseCandidate(text);
        return candidate ? std::optional(*std::move(candidate)) : std::nullopt;
      });
    } else if constexpr (std::same_as<T, bool>) {
      if (!json.is_boolean()) return Fail(name, "is not true or false");
      value = json.get<bool>();
    } else if constexpr (std::same_as<T, milliseconds>) {
      uint64_t count = 0;
      ReadNumber(json, name, count, kLongest.count());
      value = milliseconds(count);
    } else if constexpr (std::is_enum_v<T>) {
      ReadText(json, name, value, "is none of the words for it", [](const std::string& text) {
        const auto word = std::ranges::find(kWords<T>, text);
        return word == kWords<T>.end() ? std::nullopt
                                       : std::optional(static_cast<T>(word - kWords<T>.begin()));
      });
    } else if constexpr (std::is_arithmetic_v<T>) {
      ReadNumber(json, name, value);
    } else if constexpr (kIsOptional<T>) {
      if (json.is_null()) return value.reset();
      Read(json, name, value.emplace());
    } else if constexpr (kIsVector<T>) {
      if (!json.is_array()) return Fail(name, "is not a list");
      for (size_t i = 0; i < json.size() && fault_.empty(); ++i) {
        Read(json[i], fmt::format("{}[{}]", name, i), value.emplace_back());
      }
    } else {
      if (!json.is_object()) return Fail(name, "is not an object");
      Reader reader(json, PathOf(name), fault_);
      Describe(reader, value);
    }
  }

  const Json& json_;
  const std::string path_;
  std::string& fault_;
};

}  // namespace

std::string ToJson(CallSnapshot snapshot) {
  Json json = {{"version", kVersion}};
  json.update(Writer::ValueOf(snapshot));
  return json.dump();
}

Result<CallSnapshot> ParseCallSnapshot(std::string_view text) {
  if (text.size() > kMaxBytes) return Fail("a snapshot of a call is never as long as this");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return Fail("this is not an object of JSON");
  const auto version = json.find("version");
  if (version == json.end() || *version != kVersion) {
    return Fail(fmt::format("version is not {}: another release wrote this", kVersion));
  }
  CallSnapshot snapshot;
  std::string fault;
  Reader reader(json, "", fault);
  Describe(reader, snapshot);
  if (!fault.empty()) return Fail(std::move(fault));
  return snapshot;
}

}  // namespace lastmile::app
