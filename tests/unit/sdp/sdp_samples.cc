#include "tests/unit/sdp/sdp_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace lastmile::sdp {

std::vector<std::filesystem::path> SdpFiles(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".sdp") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> OwnCaptures() {
  return SdpFiles(std::filesystem::path(LASTMILE_OWN_CORPORA) / "sdp");
}

std::string Capture(std::string_view name) {
  return ReadFile(std::filesystem::path(LASTMILE_OWN_CORPORA) / "sdp" / name);
}

std::string Crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

std::string LineWith(std::string_view text, std::string_view start) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find("\r\n", begin), text.size());
    if (text.substr(begin).starts_with(start)) return std::string(text.substr(begin, end - begin));
    begin = end + 2;
  }
  return {};
}

std::string Without(const std::string& text, std::string_view start) {
  return Replace(text, LineWith(text, start) + "\r\n", "");
}

std::string SectionOf(std::string_view text, size_t index) {
  size_t at = text.find("\r\nm=");
  for (; index > 0 && at != std::string_view::npos; --index) at = text.find("\r\nm=", at + 1);
  if (at == std::string_view::npos) return {};
  at += 2;
  return std::string(text.substr(at, text.find("\r\nm=", at) + 2 - at));
}

BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs) {
  BrowserLocalMedia local;
  local.ice_ufrag = "gwUf";
  local.ice_pwd = "gatewaypasswordof24chars";
  local.candidates = {*Endpoint::Parse("192.0.2.10:20000")};
  local.fingerprint = {.hash = "sha-256", .digest = Bytes(32, 0xAB)};
  local.codecs = std::move(codecs);
  return local;
}

TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs) {
  TrunkLocalMedia local;
  local.rtp = *Endpoint::Parse("198.51.100.20:30000");
  local.rtcp = *Endpoint::Parse("198.51.100.20:30001");
  local.codecs = std::move(codecs);
  return local;
}

BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs, std::vector<Codec> video) {
  BrowserLocalMedia local = BrowserLocal(std::move(codecs));
  local.video = {.codecs = std::move(video)};
  return local;
}

TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs, std::vector<Codec> video) {
  TrunkLocalMedia local = TrunkLocal(std::move(codecs));
  local.video = {.rtp = *Endpoint::Parse("198.51.100.20:30002"),
                 .rtcp = *Endpoint::Parse("198.51.100.20:30003"),
                 .codecs = std::move(video)};
  return local;
}

std::vector<Codec> VideoCodecs() {
  return {{.name = "VP8",
           .clock_rate = 90000,
           .payload_type = 112,
           .fmtp = {},
           .feedback = {"nack", "nack pli", "ccm fir"}},
          {.name = "H264",
           .clock_rate = 90000,
           .payload_type = 113,
           .fmtp = "packetization-mode=1;profile-level-id=42e01f",
           .feedback = {"nack pli"}}};
}

std::vector<Codec> CarrierCodecs() {
  return {{.name = "PCMU", .payload_type = 0, .fmtp = {}},
          {.name = "PCMA", .payload_type = 8, .fmtp = {}},
          {.name = "telephone-event", .payload_type = 101, .fmtp = "0-15"}};
}

std::vector<std::string> CarrierPolicy() { return {"PCMU", "PCMA"}; }

}  // namespace lastmile::sdp
