#ifndef LASTMILE_GATEWAY_APP_CALL_RECORD_H_
#define LASTMILE_GATEWAY_APP_CALL_RECORD_H_

#include <string>
#include <vector>

#include "base/time.h"
#include "gateway/call/call.h"
#include "gateway/call/media_health.h"

namespace lastmile::app {

// Who is in a call and by which trunk.
struct Parties {
  std::string trunk;              // its name
  std::string user;               // the browser user's name
  std::string number;             // dialled number, or what the carrier asked for
  std::string caller;             // shown to the callee
  std::string display_name = {};  // of a carrier's caller
  std::string tenant = {};        // of a user who calls
  bool anonymous = false;         // a browser's caller, who wishes not to be shown
  bool operator==(const Parties&) const = default;
};

// Who the call's browser talks to.
inline const std::string& FarEndOf(const Parties& parties, call::CallDirection direction) {
  return direction == call::CallDirection::kFromBrowser ? parties.number : parties.caller;
}

// A call that is over. Thread: any.
struct CallRecord {
  call::CallId id;
  call::CallDirection direction = call::CallDirection::kFromBrowser;
  Parties parties;
  TimePoint started;
  TimePoint ended;
  call::CallSummary summary;
  std::vector<call::CallId> continues = {};  // the calls that its trunk legs were in before
  std::vector<call::MediaFault> media_faults = {};
};

// Tells wall-clock time of moments on the monotonic clock.
struct WallClock {
  TimePoint monotonic;                         // now
  std::chrono::system_clock::time_point wall;  // the same moment

  std::chrono::system_clock::time_point At(TimePoint moment) const {
    return wall -
           std::chrono::duration_cast<std::chrono::system_clock::duration>(monotonic - moment);
  }
};

// One line of JSON without its line end. Times are UTC in RFC 3339 with milliseconds.
std::string ToJson(const CallRecord& record, const WallClock& clock);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CALL_RECORD_H_
