#ifndef LASTMILE_GATEWAY_ROUTE_TIME_ZONE_H_
#define LASTMILE_GATEWAY_ROUTE_TIME_ZONE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lastmile::route {

using WallTime = std::chrono::system_clock::time_point;

// A time zone as the machine's database has it (RFC 8536): offsets from UTC, and since when each of
// them holds. The C library knows one zone at a time, that of the process. Immutable, a value.
// Thread: any.
class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // The bytes of a TZif file. Error: a sentence; also for a file that leaves daylight saving time
  // after its last entry to a rule, as only machines with "slim" files have them.
  static Result<TimeZone> Parse(std::string_view bytes);
  // `name`: "Europe/London", looked up below /usr/share/zoneinfo.
  static Result<TimeZone> Load(const std::string& name);

  // A moment of the week there.
  struct WeekMinute {
    int day = 0;     // 0: Sunday
    int minute = 0;  // since midnight
  };
  WeekMinute At(WallTime time) const;

 private:
  struct Change {
    int64_t at = 0;  // seconds since 1970, UTC
    int32_t offset = 0;
  };
  int32_t before_ = 0;  // seconds east of UTC until the first change
  std::vector<Change> changes_;
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_TIME_ZONE_H_
