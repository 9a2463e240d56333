// From the trunk to the browser. One byte chooses what the carrier says, offers (odd) or answers,
// and by its next bits whether SRTP is optional or required; the rest is the description, or two of
// them: re-offers, or the answers of 183 and 200.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "tests/fuzz/sdp_fuzz_legs.h"
#include "tests/support/gateway_media.h"

namespace lastmile::sdp {
namespace {

// SRTP or plain RTP is what the profile says, never what the description likes.
void CheckSrtp(Srtp srtp, const TrunkMedia& media) {
  if (srtp == Srtp::kNone && media.crypto) std::abort();
  if (srtp == Srtp::kRequired && !media.crypto) std::abort();
}

TrunkLocalMedia LocalFor(Srtp srtp, const std::vector<Codec>& codecs) {
  TrunkLocalMedia local = testing::TrunkLocal(codecs);
  if (srtp != Srtp::kNone) local.crypto = FuzzKeys();
  return local;
}

void Offer(Srtp srtp, BrowserLeg& browser, TrunkLeg& trunk, std::string_view text) {
  const auto media = trunk.TakeOffer(text);
  if (!media) return;
  if (media->held != (media->rtp.port == 0)) std::abort();
  CheckSrtp(srtp, *media);
  const auto codecs = CodecsForOffer(media->codecs, FuzzPolicy());
  if (codecs.empty()) return;
  const BrowserLocalMedia to_browser = testing::BrowserLocal(codecs);
  const std::string offer = browser.BuildOffer(to_browser);
  CheckBuilt(offer, browser.BuildOffer(to_browser));
  CheckExplained(text, offer, Towards::kBrowser);
  const TrunkLocalMedia to_trunk = LocalFor(srtp, CommonCodecs(media->codecs, codecs));
  const std::string answer = trunk.BuildAnswer(to_trunk);
  CheckBuilt(answer, trunk.BuildAnswer(to_trunk));
}

void Answer(Srtp srtp, BrowserLeg& browser, TrunkLeg& trunk, std::string_view text) {
  trunk.BuildOffer(LocalFor(srtp, FuzzOffered()));
  const auto media = trunk.TakeAnswer(text);
  if (!media) return;
  CheckSrtp(srtp, *media);
  const auto codecs = CommonCodecs(FuzzOffered(), media->codecs);
  if (CountSpeech(codecs) != CountSpeech(media->codecs)) std::abort();
  const BrowserLocalMedia local = testing::BrowserLocal(codecs);
  const std::string answer = browser.BuildAnswer(local);
  CheckBuilt(answer, browser.BuildAnswer(local));
  CheckExplained(text, answer, Towards::kBrowser);
}

void Run(bool offers, Srtp srtp, const Turns& turns) {
  constexpr std::string_view kBrowserOffer =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0 96 101\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n"
      "a=ice-ufrag:bRwS\r\na=ice-pwd:bRwSbRwSbRwSbRwSbRwSbRwS\r\na=setup:actpass\r\n"
      "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:"
      "77:88:99:AA:BB:CC:DD:EE:FF\r\na=rtpmap:96 opus/48000/2\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n";
  BrowserLeg browser(1);
  TrunkLeg trunk = FuzzTrunkLeg(srtp);
  if (!offers && !browser.TakeOffer(kBrowserOffer)) std::abort();
  const auto say = offers ? Offer : Answer;
  say(srtp, browser, trunk, turns.first);
  if (!turns.second.empty()) say(srtp, browser, trunk, turns.second);
}

}  // namespace
}  // namespace lastmile::sdp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile::sdp;
  if (size == 0) return 0;
  constexpr std::array kSrtp = {Srtp::kNone, Srtp::kOptional, Srtp::kRequired, Srtp::kOptional};
  Run(data[0] % 2 == 1, kSrtp[data[0] / 2 % kSrtp.size()],
      SplitTurns(lastmile::AsText({data + 1, size - 1})));
  return 0;
}
