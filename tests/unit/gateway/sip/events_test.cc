#include "gateway/sip/events.h"

#include <gtest/gtest.h>

namespace lastmile::sip {
namespace {

Message With(const char* name, const char* value) {
  Message message;
  message.extra.push_back({name, value});
  return message;
}

TEST(EventsTest, EventHasAPackageAndAnId) {
  EXPECT_FALSE(Event::Of({}));
  for (const char* bad : {"", ";id=1", "a b", "<x>"}) {
    EXPECT_FALSE(Event::Of(With("Event", bad))) << bad;
  }
  EXPECT_EQ(Event::Of(With("Event", "dialog"))->ToString(), "dialog");
  EXPECT_EQ(Event::Of(With("event", " dialog ; sla ; id = 7"))->ToString(), "dialog;id=7");
  EXPECT_EQ(Event::Of(With("Event", "dialog;id=a b"))->ToString(), "dialog");
  EXPECT_EQ(Event::Of(With("Event", "dialog;;id"))->ToString(), "dialog");
}

TEST(EventsTest, SubscriptionStateIsReadAndWritten) {
  EXPECT_FALSE(SubscriptionState::Of({}));
  for (const char* bad : {"", "gone", "active,pending", ";active"}) {
    EXPECT_FALSE(SubscriptionState::Of(With("Subscription-State", bad))) << bad;
  }
  for (const auto& [in, out] : {std::pair{"active", "active"},
                                {"ACTIVE; expires=600", "active;expires=600"},
                                {"pending;expires=x", "pending"},
                                {"active;reason=deactivated;foo=bar", "active"},
                                {"terminated;reason=timeout", "terminated;reason=timeout"},
                                {"terminated;expires=5;reason=probation;retry-after=9",
                                 "terminated;reason=probation;retry-after=9"},
                                {"terminated;reason=\"a b\"", "terminated"}}) {
    EXPECT_EQ(SubscriptionState::Of(With("Subscription-State", in))->ToString(), out);
  }
}

}  // namespace
}  // namespace lastmile::sip
