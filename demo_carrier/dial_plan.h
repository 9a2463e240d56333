#ifndef LASTMILE_DEMO_CARRIER_DIAL_PLAN_H_
#define LASTMILE_DEMO_CARRIER_DIAL_PLAN_H_

#include <optional>
#include <string_view>

#include "base/time.h"

// What each number of the demo carrier does. Pure; thread: any.
namespace lastmile::demo_carrier {

enum class Sound { kSilence, kEcho, kTone, kReadDigitsBack };

struct Plan {
  int refuse_code = 0;  // 0: the call is taken
  const char* refuse_reason = "";
  int retry_after_s = 0;
  bool rings = false;                     // 180 first
  bool early_media = false;               // 183 with SDP and a tone of kEarlyMediaHz first
  std::optional<Duration> answer_after;   // nullopt: never
  std::optional<Duration> hang_up_after;  // counted from the answer
  bool calls_back = false;                // after it has hung up
  Sound sound = Sound::kSilence;
};

inline constexpr double kEarlyMediaHz = 660;
// A caller who gives no sign of life for ever is not kept for ever.
inline constexpr Duration kLongestCall = 1h;
// Of the calls we place: until they are answered, and again from then on.
inline constexpr Duration kPlacedCall = 30s;

Plan PlanFor(std::string_view number);

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_DIAL_PLAN_H_
