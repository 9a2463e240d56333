#include "gateway/trunk/header_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::trunk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Headers = std::vector<sip::Header>;

const HeaderPolicy kPolicy{.to_trunk = {{"X-Account", "X-Cust-Id"}},
                           .to_browser = {{"X-Carrier-Id", "X-Carrier"}}};

TEST(HeaderMap, OnlyWhatIsNamedPassesUnderItsNewName) {
  const Headers all = {
      {"x-account", "17"}, {"X-Carrier-Id", "c"}, {"X-Other", "o"}, {"Route", "<sip:x>"}};
  EXPECT_THAT(HeadersToTrunk(kPolicy, all), ElementsAre(sip::Header{"X-Cust-Id", "17"}));
  EXPECT_THAT(HeadersToBrowser(kPolicy, all), ElementsAre(sip::Header{"X-Carrier", "c"}));
  EXPECT_THAT(HeadersToTrunk({}, all), IsEmpty());
  EXPECT_THAT(HeadersToBrowser({}, all), IsEmpty());
}

TEST(HeaderMap, TheFirstOfANameCounts) {
  EXPECT_THAT(HeadersToTrunk(kPolicy, {{"X-Account", "1"}, {"X-Account", "2"}}),
              ElementsAre(sip::Header{"X-Cust-Id", "1"}));
}

TEST(HeaderMap, ValuesAreCheckedAgain) {
  const std::string longest(kMaxHeaderValue, 'x');
  EXPECT_EQ(HeadersToTrunk(kPolicy, {{"X-Account", longest}}).size(), 1u);
  EXPECT_THAT(HeadersToTrunk(kPolicy, {{"X-Account", longest + "x"}}), IsEmpty());
  EXPECT_THAT(HeadersToTrunk(kPolicy, {{"X-Account", ""}}), IsEmpty());
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = "a" + std::string(1, static_cast<char>(byte)) + "b";
    const bool control = byte < 0x20 || byte == 0x7f;
    EXPECT_EQ(HeadersToTrunk(kPolicy, {{"X-Account", value}}).empty(), control) << byte;
    EXPECT_EQ(HeadersToBrowser(kPolicy, {{"X-Carrier-Id", value}}).empty(), control) << byte;
  }
}

TEST(HeaderMap, UserToUserPassesBothWaysIfItMay) {
  const Headers uui = {{"User-to-User", "48656c6c6f;encoding=hex"}};
  EXPECT_THAT(HeadersToTrunk(kPolicy, uui), IsEmpty());
  const HeaderPolicy passes{.user_to_user = true};
  EXPECT_EQ(HeadersToTrunk(passes, uui), uui);
  EXPECT_EQ(HeadersToBrowser(passes, uui), uui);
}

TEST(HeaderMap, IdentityPassesToTheBrowserAloneIfItMay) {
  Headers identities(kMaxStirs + 2, {"Identity", std::string(1000, 'e')});
  EXPECT_THAT(HeadersToBrowser(kPolicy, identities), IsEmpty());
  const HeaderPolicy passes{.stir = true};
  EXPECT_EQ(HeadersToBrowser(passes, identities).size(), kMaxStirs);
  EXPECT_THAT(HeadersToTrunk(passes, identities), IsEmpty());
  EXPECT_THAT(HeadersToBrowser(passes, {{"Identity", std::string(kMaxStirValue + 1, 'e')}}),
              IsEmpty());
}

TEST(HeaderMap, NamesThatPassToTheTrunkAreKnown) {
  EXPECT_THAT(NamesToTrunk(kPolicy), ElementsAre("X-Account"));
  HeaderPolicy policy = kPolicy;
  policy.user_to_user = policy.stir = true;
  EXPECT_THAT(NamesToTrunk(policy), UnorderedElementsAre("X-Account", "User-to-User"));
}

}  // namespace
}  // namespace lastmile::trunk
