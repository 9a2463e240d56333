#ifndef LASTMILE_GATEWAY_ROUTE_HOURS_H_
#define LASTMILE_GATEWAY_ROUTE_HOURS_H_

#include <array>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/route/time_zone.h"

namespace lastmile::route {

// When a route counts: "Mon-Fri 08:00-18:00", several of them with commas, "Sat,Sun 00:00-24:00".
// A time whose end is not after its begin goes on past midnight, as part of the day it began.
// Thread: any, a value.
class Hours {
 public:
  static Result<Hours> Parse(std::string_view text);
  bool Contains(TimeZone::WeekMinute moment) const;

 private:
  struct Span {
    std::array<bool, 7> days = {};
    int from = 0;  // minutes since midnight
    int to = 0;
  };
  std::vector<Span> spans_;
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_HOURS_H_
