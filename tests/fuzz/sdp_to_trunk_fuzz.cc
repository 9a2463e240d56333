// From the browser to the trunk. One byte chooses what the browser says: offers (odd) or answers;
// the rest is the description, or two of them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "tests/fuzz/sdp_fuzz_legs.h"
#include "tests/support/gateway_media.h"

namespace lastmile::sdp {
namespace {

void Offer(BrowserLeg& browser, TrunkLeg& trunk, std::string_view text) {
  const auto media = browser.TakeOffer(text);
  if (!media) return;
  const auto codecs = CodecsForOffer(media->codecs, FuzzPolicy());
  if (codecs.empty()) return;
  const TrunkLocalMedia to_trunk = testing::TrunkLocal(codecs);
  const std::string offer = trunk.BuildOffer(to_trunk);
  CheckBuilt(offer, trunk.BuildOffer(to_trunk));
  CheckTrunkBuild(text, trunk.last_build());
  const auto answered = CommonCodecs(media->codecs, codecs);
  // More: a telephone-event of the trunk alone has a counterpart, too.
  if (PairCodecs(answered, codecs).size() < answered.size()) std::abort();
  const BrowserLocalMedia to_browser = testing::BrowserLocal(answered);
  const std::string answer = browser.BuildAnswer(to_browser);
  CheckBuilt(answer, browser.BuildAnswer(to_browser));
}

void Answer(BrowserLeg& browser, TrunkLeg& trunk, std::string_view text) {
  browser.BuildOffer(testing::BrowserLocal(FuzzOffered()));
  const auto media = browser.TakeAnswer(text);
  if (!media) return;
  const auto codecs = CommonCodecs(FuzzOffered(), media->codecs);
  if (CountSpeech(codecs) != CountSpeech(media->codecs)) std::abort();
  const TrunkLocalMedia local = testing::TrunkLocal(codecs);
  const std::string answer = trunk.BuildAnswer(local);
  CheckBuilt(answer, trunk.BuildAnswer(local));
  CheckTrunkBuild(text, trunk.last_build());
}

void Run(bool offers, const Turns& turns) {
  constexpr std::string_view kCarrierOffer =
      "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
      "m=audio 40000 RTP/AVP 0 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n";
  BrowserLeg browser(1);
  TrunkLeg trunk = FuzzTrunkLeg();
  if (!offers && !trunk.TakeOffer(kCarrierOffer)) std::abort();
  const auto say = offers ? Offer : Answer;
  say(browser, trunk, turns.first);
  if (!turns.second.empty()) say(browser, trunk, turns.second);
}

}  // namespace
}  // namespace lastmile::sdp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile::sdp;
  if (size == 0) return 0;
  Run(data[0] % 2 == 1, SplitTurns(lastmile::AsText({data + 1, size - 1})));
  return 0;
}
