#ifndef LASTMILE_GATEWAY_APP_CALL_SNAPSHOT_H_
#define LASTMILE_GATEWAY_APP_CALL_SNAPSHOT_H_

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/app/call_record.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/call/call_snapshot.h"
#include "gateway/call/media_health.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// All that another process needs to go on with a connected call: the two dialogs, what was said in
// them, and who is in it. Holds numbers and keys of peers: it is nothing for a log. Pure. Thread:
// any.
struct CallSnapshot {
  browser::BrowserDialogSnapshot browser_dialog;
  trunk::TrunkDialogSnapshot trunk_dialog;
  call::CallSnapshot call;
  Parties parties;
  call::MediaSnapshot media;  // what of its audio is silent
  std::chrono::milliseconds started_ago{};
  bool operator==(const CallSnapshot&) const = default;
};

// One line of JSON with a version number. Strings of peers need not be UTF-8: a byte of 128 or more
// is written as the character of that number.
std::string ToJson(CallSnapshot snapshot);
// Of ToJson() alone: anything else is a fault with its place, "trunk_dialog.interval is not a
// number from 0 to 4294967295".
Result<CallSnapshot> ParseCallSnapshot(std::string_view json);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CALL_SNAPSHOT_H_
