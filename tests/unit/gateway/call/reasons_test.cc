#include "gateway/call/reasons.h"

#include <gtest/gtest.h>

#include <set>

namespace lastmile::call {
namespace {

// JsSIP 3.13's table of causes, all other codes are "SIP Failure Code".
const std::set<int> kNamedByJsSip = {300, 301, 302, 305, 380, 401, 403, 404, 407, 408, 410,
                                     424, 430, 480, 484, 486, 488, 600, 603, 604, 606};

TEST(Reasons, EveryFailureReachesTheBrowserAsACodeJsSipNames) {
  for (int status = 300; status <= 699; ++status) {
    const int told = StatusForBrowser(status);
    if (told == 503) {
      EXPECT_TRUE(status == 503 || status == 401 || status == 407) << status;
      continue;
    }
    EXPECT_TRUE(kNamedByJsSip.contains(told)) << status << " became " << told;
    EXPECT_NE(told, 401);
    EXPECT_NE(told, 407);
  }
}

TEST(Reasons, NamedCodesStayWhatTheyAre) {
  for (int status : {403, 404, 408, 410, 480, 484, 486, 488, 503, 600, 603, 604, 606}) {
    EXPECT_EQ(StatusForBrowser(status), status);
  }
}

TEST(Reasons, ABrowserThatDoesNotAnswerIsUnavailableToTheTrunk) {
  EXPECT_EQ(StatusForTrunk(408), 480);
  EXPECT_EQ(StatusForTrunk(503), 480);
  EXPECT_EQ(StatusForTrunk(486), 486);
  EXPECT_EQ(StatusForTrunk(603), 603);
  EXPECT_EQ(StatusForTrunk(699), 603);
}

TEST(Reasons, ReasonHeadersQuoteTheirText) {
  EXPECT_EQ(SipReason(488, R"(no "codec" \ here)"), R"(SIP;cause=488;text="no \"codec\" \\ here")");
}

}  // namespace
}  // namespace lastmile::call
