// EVP against libsrtp2: both must make the same bytes of the same packets, and read each other's.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "srtp_test_util.h"

namespace lastmile::media {
namespace {

class SrtpOracle : public testing::TestWithParam<SrtpProfile> {
 protected:
  const SrtpKeys keys_ = MakeKeys(GetParam(), 5);
  const std::unique_ptr<SrtpTransform> evp_send_ = Make(MakeEvpSrtp, keys_, SrtpDirection::kSend);
  const std::unique_ptr<SrtpTransform> lib_send_ = Make(MakeLibsrtp, keys_, SrtpDirection::kSend);
  const std::unique_ptr<SrtpTransform> evp_receive_ =
      Make(MakeEvpSrtp, keys_, SrtpDirection::kReceive);
  const std::unique_ptr<SrtpTransform> lib_receive_ =
      Make(MakeLibsrtp, keys_, SrtpDirection::kReceive);
  std::mt19937 shape_{3};
};

INSTANTIATE_TEST_SUITE_P(All, SrtpOracle, testing::ValuesIn(kAllProfiles),
                         [](const auto& test) { return ProfileName(test.param); });

// Every outcome of the two receivers is compared, refusals included: lost, doubled, reordered (some
// beyond the window) and forged packets, sequence numbers that wrap, two streams.
TEST_P(SrtpOracle, RtpSentByEitherIsTheSameForBoth) {
  uint32_t sequences[] = {65000, 100};
  std::deque<Bytes> history;
  int accepted = 0;
  int refused = 0;
  const auto receive = [&](const Bytes& packet) {
    const Outcome by_evp = UnprotectRtp(*evp_receive_, packet);
    const Outcome by_lib = UnprotectRtp(*lib_receive_, packet);
    ASSERT_EQ(by_evp, by_lib);
    ++(by_evp.error.empty() ? accepted : refused);
  };
  for (int i = 0; i < 6000; ++i) {
    const size_t stream = shape_() % 2;
    const uint32_t jump = shape_() % 50 == 0 ? shape_() % 3000 : 1;
    const auto sequence = static_cast<uint16_t>(sequences[stream] += jump);
    const Bytes plain = MakeRtp(0xa0b0c0d0 + static_cast<uint32_t>(stream), sequence, shape_);
    const Outcome by_evp = ProtectRtp(*evp_send_, plain);
    ASSERT_EQ(by_evp, ProtectRtp(*lib_send_, plain)) << "packet " << i;
    if (!by_evp.error.empty()) continue;
    history.push_front(by_evp.packet);
    if (history.size() > 200) history.pop_back();
    switch (shape_() % 8) {
      case 0:  // lost, perhaps to come late
        break;
      case 1: {
        Bytes forged = by_evp.packet;
        forged[12 + shape_() % (forged.size() - 12)] ^= 0x10;
        // In the header a flipped bit may change where the payload begins: still the same for both.
        ASSERT_NO_FATAL_FAILURE(receive(forged));
        break;
      }
      case 2:
        ASSERT_NO_FATAL_FAILURE(receive(history[shape_() % history.size()]));
        [[fallthrough]];
      default:
        ASSERT_NO_FATAL_FAILURE(receive(by_evp.packet));
    }
  }
  EXPECT_GT(accepted, 4000);
  EXPECT_GT(refused, 1000);
}

TEST_P(SrtpOracle, RtcpSentByEitherIsTheSameForBoth) {
  // RFC 3711 section 3.4 numbers SRTCP from 0; libsrtp's first packet has the index 1.
  for (uint32_t ssrc = 1; ssrc <= 3; ++ssrc) {
    ASSERT_EQ(ProtectRtcp(*evp_send_, MakeRtcp(ssrc, shape_)).error, "");
  }
  std::deque<Bytes> history;
  for (int i = 0; i < 2000; ++i) {
    const Bytes plain = MakeRtcp(1 + shape_() % 3, shape_);
    const Outcome by_evp = ProtectRtcp(*evp_send_, plain);
    ASSERT_EQ(by_evp, ProtectRtcp(*lib_send_, plain)) << "packet " << i;
    ASSERT_EQ(by_evp.error, "");
    history.push_front(by_evp.packet);
    if (history.size() > 60) history.pop_back();
    Bytes packet = history[shape_() % 4 == 0 ? shape_() % history.size() : 0];
    if (shape_() % 8 == 0) packet[8 + shape_() % (packet.size() - 8)] ^= 0x10;
    ASSERT_EQ(UnprotectRtcp(*evp_receive_, packet), UnprotectRtcp(*lib_receive_, packet)) << i;
  }
}

}  // namespace
}  // namespace lastmile::media
