// Says what a new call's legs make of descriptions, for tests in other languages. Reads
// "<bytes>\n<description>" over and over from standard input and answers each with one line of
// JSON: what the gateway says if a browser offers the description, if a carrier offers it, and if
// either answers with it. Bytes above 127 come out as the character of the same number.
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/offer_answer.h"
#include "tests/support/gateway_media.h"

namespace lastmile::sdp {
namespace {

using testing::BrowserLocal;
using testing::TrunkLocal;

using Json = nlohmann::json;

constexpr std::string_view kBrowserOffer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:bRwS\r\na=ice-pwd:bRwSbRwSbRwSbRwSbRwSbRwS\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:"
    "77:88:99:AA:BB:CC:DD:EE:FF\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n";
constexpr std::string_view kCarrierOffer =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 8 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n";

const std::vector<std::string>& Policy() {
  static const std::vector<std::string> kPolicy = {"PCMU", "PCMA", "G722", "opus"};
  return kPolicy;
}

std::string AsUtf8(std::string_view text) {
  std::string utf8;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

Json Refused(const Refusal& refusal) { return {{"refused", AsUtf8(refusal.reason)}}; }

Json BrowserOffers(std::string_view text) {
  BrowserLeg browser(1);
  const auto media = browser.TakeOffer(text);
  if (!media) return Refused(media.error());
  const auto codecs = CodecsForOffer(media->codecs, Policy());
  if (codecs.empty()) return {{"refused", "no codec in common"}};
  TrunkLeg trunk(2);
  return {{"trunk_offer", AsUtf8(trunk.BuildOffer(TrunkLocal(codecs)))},
          {"browser_answer",
           AsUtf8(browser.BuildAnswer(BrowserLocal(CommonCodecs(media->codecs, codecs))))}};
}

Json CarrierOffers(std::string_view text) {
  TrunkLeg trunk(1);
  const auto media = trunk.TakeOffer(text);
  if (!media) return Refused(media.error());
  const auto codecs = CodecsForOffer(media->codecs, Policy());
  if (codecs.empty()) return {{"refused", "no codec in common"}};
  BrowserLeg browser(2);
  return {
      {"browser_offer", AsUtf8(browser.BuildOffer(BrowserLocal(codecs)))},
      {"trunk_answer", AsUtf8(trunk.BuildAnswer(TrunkLocal(CommonCodecs(media->codecs, codecs))))}};
}

Json BrowserAnswers(std::string_view text) {
  TrunkLeg trunk(1);
  const auto offered = trunk.TakeOffer(kCarrierOffer);
  if (!offered) return Refused(offered.error());
  const auto codecs = CodecsForOffer(offered->codecs, Policy());
  BrowserLeg browser(2);
  browser.BuildOffer(BrowserLocal(codecs));
  const auto media = browser.TakeAnswer(text);
  if (!media) return Refused(media.error());
  return {{"trunk_answer",
           AsUtf8(trunk.BuildAnswer(TrunkLocal(CommonCodecs(offered->codecs, media->codecs))))}};
}

Json CarrierAnswers(std::string_view text) {
  BrowserLeg browser(1);
  const auto offered = browser.TakeOffer(kBrowserOffer);
  if (!offered) return Refused(offered.error());
  TrunkLeg trunk(2);
  trunk.BuildOffer(TrunkLocal(CodecsForOffer(offered->codecs, Policy())));
  const auto media = trunk.TakeAnswer(text);
  if (!media) return Refused(media.error());
  return {{"browser_answer", AsUtf8(browser.BuildAnswer(
                                 BrowserLocal(CommonCodecs(offered->codecs, media->codecs))))}};
}

Json Through(const std::string& text) {
  return {{"browser_offers", BrowserOffers(text)},
          {"carrier_offers", CarrierOffers(text)},
          {"browser_answers", BrowserAnswers(text)},
          {"carrier_answers", CarrierAnswers(text)}};
}

}  // namespace
}  // namespace lastmile::sdp

int main() {
  constexpr size_t kMaxBytes = 1024 * 1024;
  size_t bytes = 0;
  while (std::cin >> bytes && std::cin.get() == '\n' && bytes <= kMaxBytes) {
    std::string text(bytes, '\0');
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(bytes))) return 1;
    std::cout << lastmile::sdp::Through(text).dump() << '\n';
  }
  return std::cin.eof() ? 0 : 1;
}
