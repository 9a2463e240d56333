// The published test vectors of RFC 3711 appendix B and RFC 7714 sections 16 and 17.
#include <gtest/gtest.h>

#include "media_anchor/core/srtp/evp_hmac_sha1.h"
#include "media_anchor/core/srtp/evp_key_derivation.h"
#include "media_anchor/core/srtp/evp_packet_cipher.h"
#include "media_anchor/core/srtp/srtp_packet.h"
#include "srtp_test_util.h"

namespace lastmile::media {
namespace {

TEST(SrtpVectors, Rfc3711KeyDerivation) {
  SrtpKeys keys;
  keys.profile = SrtpProfile::kAes128CmHmacSha1_80;
  keys.master_key = Hex("E1F97A0D3E018BE0D64FA32C06DE4139");
  keys.master_salt = Hex("0EC675AD498AFEEBB6960B3AABE6");
  const auto pair = DeriveSessionKeys(keys);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->rtp.cipher_key, Hex("C61E7A93744F39EE10734AFE3FF7A087"));
  EXPECT_EQ(pair->rtp.salt, Hex("30CBBC08863D8C85D49DB34A9AE1"));
  EXPECT_EQ(pair->rtp.auth_key, Hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

TEST(SrtpVectors, Rfc3711CounterModeKeystream) {
  // Appendix B.2: SSRC, ROC and SEQ are 0, so that a packet of zeros shows the keystream.
  SessionKeyPair keys;
  keys.rtp.cipher_key = Hex("2B7E151628AED2A6ABF7158809CF4F3C");
  keys.rtp.salt = Hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
  keys.rtp.auth_key = Bytes(20, 0);
  keys.rtcp = keys.rtp;
  const auto cipher =
      MakePacketCipher(SrtpProfile::kAes128CmHmacSha1_80, keys, SrtpDirection::kSend);
  ASSERT_TRUE(cipher);
  constexpr size_t kHeader = 12;
  constexpr size_t kBlocks = 0xff02;
  Bytes packet(kHeader + kBlocks * 16 + SrtpTransform::kMaxTrailer);
  ASSERT_TRUE((*cipher)->SealRtp(packet.data(), kHeader + kBlocks * 16,
                                 {.header = kHeader, .ssrc = 0, .index = 0}));
  const auto block = [&](size_t n) {
    const auto begin = packet.begin() + static_cast<ptrdiff_t>(kHeader + n * 16);
    return Bytes(begin, begin + 16);
  };
  EXPECT_EQ(block(0), Hex("E03EAD0935C95E80E166B16DD92B4EB4"));
  EXPECT_EQ(block(1), Hex("D23513162B02D0F72A43A2FE4A5F97AB"));
  EXPECT_EQ(block(2), Hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
  EXPECT_EQ(block(0xfeff), Hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
  EXPECT_EQ(block(0xff00), Hex("362B7C3C6773516318A077D7FC5073AE"));
  EXPECT_EQ(block(0xff01), Hex("6A2CC3787889374FBEB4C81B17BA6C44"));
}

TEST(SrtpVectors, Rfc2202HmacSha1) {
  const HmacSha1 test_case_1(Bytes(20, 0x0b));
  const auto digest_1 = test_case_1.Compute(AsBytes("Hi There"));
  EXPECT_EQ(HexOf(digest_1), "b617318655057264e28bc0b6fb378c8ef146be00");
  const HmacSha1 test_case_2(AsBytes("Jefe"));
  const auto digest_2 = test_case_2.Compute(AsBytes("what do ya want for nothing?"));
  EXPECT_EQ(HexOf(digest_2), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  // The last four bytes, "ing?", as the suffix.
  const auto split = test_case_2.Compute(AsBytes("what do ya want for noth"), 0x696e673f);
  EXPECT_EQ(split, digest_2);
}

constexpr char kGcmSalt[] = "51756964 2070726f 2071756f";
constexpr char kGcm128Key[] = "000102030405060708090a0b0c0d0e0f";
constexpr char kGcm256Key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr char kRtpPlain[] =
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 "
    "61727465 73207472 6573";
constexpr char kRtcpPlain[] =
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef "
    "deadbeef deadbeef deadbeef";
constexpr uint32_t kRtcpIndex = 0x5d4;

struct GcmVector {
  SrtpProfile profile;
  const char* key;
  const char* srtp;
  const char* srtcp;
};

constexpr GcmVector kGcmVectors[] = {
    {SrtpProfile::kAeadAes128Gcm, kGcm128Key,
     "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a "
     "51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
     "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda "
     "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"},
    {SrtpProfile::kAeadAes256Gcm, kGcm256Key,
     "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 "
     "76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
     "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be "
     "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"},
};

class GcmVectors : public testing::TestWithParam<GcmVector> {
 protected:
  std::unique_ptr<PacketCipher> Cipher(SrtpDirection direction) const {
    SessionKeyPair keys;
    keys.rtp = {Hex(GetParam().key), {}, Hex(kGcmSalt)};
    keys.rtcp = keys.rtp;
    auto cipher = MakePacketCipher(GetParam().profile, keys, direction);
    EXPECT_TRUE(cipher);
    return *std::move(cipher);
  }
};

INSTANTIATE_TEST_SUITE_P(Rfc7714, GcmVectors, testing::ValuesIn(kGcmVectors),
                         [](const auto& test) { return ProfileName(test.param.profile); });

TEST_P(GcmVectors, Srtp) {
  const Bytes plain = Hex(kRtpPlain);
  const Bytes sealed = Hex(GetParam().srtp);
  const PacketCipher::Rtp rtp{.header = 12, .ssrc = 0x5501a0b2, .index = 0xf17b};

  Bytes packet = plain;
  packet.resize(sealed.size());
  ASSERT_TRUE(Cipher(SrtpDirection::kSend)->SealRtp(packet.data(), plain.size(), rtp));
  EXPECT_EQ(packet, sealed);

  ASSERT_EQ(Cipher(SrtpDirection::kReceive)->OpenRtp(packet.data(), plain.size(), rtp),
            PacketCipher::Opened::kOk);
  packet.resize(plain.size());
  EXPECT_EQ(packet, plain);
}

TEST_P(GcmVectors, Srtcp) {
  const Bytes plain = Hex(kRtcpPlain);
  const Bytes sealed = Hex(GetParam().srtcp);
  const PacketCipher::Rtcp rtcp{.ssrc = 0x4d617273, .index = kRtcpIndex};

  Bytes packet = plain;
  packet.resize(sealed.size());
  ASSERT_TRUE(Cipher(SrtpDirection::kSend)->SealRtcp(packet.data(), plain.size(), rtcp));
  EXPECT_EQ(packet, sealed);

  ASSERT_EQ(Cipher(SrtpDirection::kReceive)->OpenRtcp(packet.data(), plain.size(), rtcp),
            PacketCipher::Opened::kOk);
  packet.resize(plain.size());
  EXPECT_EQ(packet, plain);
}

}  // namespace
}  // namespace lastmile::media
