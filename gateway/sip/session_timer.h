#ifndef LASTMILE_GATEWAY_SIP_SESSION_TIMER_H_
#define LASTMILE_GATEWAY_SIP_SESSION_TIMER_H_

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "gateway/sip/message.h"

// Session timers (RFC 4028): what the headers say, and when something has to happen. Pure. Thread:
// any, plain values.
namespace lastmile::sip {

inline constexpr uint32_t kLeastSessionInterval = 90;  // seconds; Min-SE where there is none

enum class Refresher { kUac, kUas };  // of the request that carries or carried Session-Expires

struct SessionExpires {
  uint32_t seconds = 0;
  std::optional<Refresher> refresher = {};
};
// Absent: no such header, or one that is not a number of seconds.
std::optional<SessionExpires> SessionExpiresOf(const Message& message);
std::optional<uint32_t> MinSeOf(const Message& message);

// What is left of a time: whole milliseconds, 0 if it has passed; nothing for kNever. And back.
std::optional<std::chrono::milliseconds> LeftUntil(TimePoint at, TimePoint now);
TimePoint TimeIn(std::optional<std::chrono::milliseconds> left, TimePoint now);

// A SessionTimer as values.
struct SessionTimerSnapshot {
  std::chrono::milliseconds interval{};
  bool we_refresh = false;
  std::optional<std::chrono::milliseconds> refresh_in;
  std::optional<std::chrono::milliseconds> end_in;
  bool operator==(const SessionTimerSnapshot&) const = default;
};

// The timer of one dialog.
class SessionTimer {
 public:
  SessionTimer() = default;
  SessionTimer(const SessionTimerSnapshot& snapshot, TimePoint now);
  SessionTimerSnapshot Snapshot(TimePoint now) const;

  // The session was agreed on or refreshed just now. `interval` > 0.
  void Start(Duration interval, bool we_refresh, TimePoint now);
  void Stop();
  // A refresh that was under way did not succeed: once more, if there is time.
  void TryAgain(TimePoint now);

  // When the next refresh of ours is due: half of the interval (section 7.2); kNever: the peer's.
  TimePoint refresh_at() const { return refresh_at_; }
  void RefreshIsUnderWay() { refresh_at_ = kNever; }
  // When a session that nobody refreshed is to be ended: before it expires, by 32 s or a third of
  // the interval, whichever is less (section 10).
  TimePoint end_at() const { return end_at_; }
  Duration interval() const { return interval_; }
  bool we_refresh() const { return we_refresh_; }

  static constexpr Duration kAgain = 10s;

 private:
  Duration interval_{};
  bool we_refresh_ = false;
  TimePoint refresh_at_ = kNever;
  TimePoint end_at_ = kNever;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_SESSION_TIMER_H_
