#include "base/base64.h"

#include <gtest/gtest.h>

namespace lastmile {
namespace {

Bytes BytesOf(std::string_view text) { return Bytes(text.begin(), text.end()); }

TEST(Base64, SaysWhatItsRfcSays) {  // RFC 4648 section 10
  for (const auto& [plain, coded] : {std::pair{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(ToBase64(BytesOf(plain)), coded);
    EXPECT_EQ(FromBase64(coded), BytesOf(plain));
  }
  EXPECT_EQ(ToBase64(Bytes{0xfb, 0xff}), "+/8=");
  EXPECT_EQ(FromBase64("Zm9v|2^31"), BytesOf("foo"));
}

}  // namespace
}  // namespace lastmile
