#include "gateway/sip/session_timer.h"

#include <algorithm>
#include <string_view>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

constexpr uint32_t kMostSeconds = 0x7FFFFFFF;
constexpr Duration kBeforeExpiry = 32s;

// The seconds at the start of the value; parameters stay in `value`.
std::optional<uint32_t> TakeSeconds(std::string_view& value) {
  const size_t end = std::min(value.find(';'), value.size());
  const auto seconds = ParseNumber(Trim(value.substr(0, end)), kMostSeconds);
  value.remove_prefix(end);
  return seconds;
}

std::optional<Refresher> RefresherIn(std::string_view params) {
  const Params read = Params::Read(params);
  const std::string* who = read.Find("refresher");
  if (who && EqualNoCase(*who, "uac")) return Refresher::kUac;
  if (who && EqualNoCase(*who, "uas")) return Refresher::kUas;
  return std::nullopt;
}

}  // namespace

std::optional<SessionExpires> SessionExpiresOf(const Message& message) {
  const std::string* header = message.FindExtra("Session-Expires");
  if (!header) return std::nullopt;
  std::string_view value = *header;
  const auto seconds = TakeSeconds(value);
  if (!seconds) return std::nullopt;
  return SessionExpires{*seconds, RefresherIn(value)};
}

std::optional<uint32_t> MinSeOf(const Message& message) {
  const std::string* header = message.FindExtra("Min-SE");
  if (!header) return std::nullopt;
  std::string_view value = *header;
  return TakeSeconds(value);
}

std::optional<std::chrono::milliseconds> LeftUntil(TimePoint at, TimePoint now) {
  using std::chrono::milliseconds;
  if (at == kNever) return std::nullopt;
  return std::chrono::floor<milliseconds>(std::max<Duration>(at - now, Duration::zero()));
}

TimePoint TimeIn(std::optional<std::chrono::milliseconds> left, TimePoint now) {
  return left ? now + *left : kNever;
}

SessionTimer::SessionTimer(const SessionTimerSnapshot& snapshot, TimePoint now)
    : interval_(snapshot.interval),
      we_refresh_(snapshot.we_refresh),
      refresh_at_(TimeIn(snapshot.refresh_in, now)),
      end_at_(TimeIn(snapshot.end_in, now)) {}

SessionTimerSnapshot SessionTimer::Snapshot(TimePoint now) const {
  return {.interval = std::chrono::floor<std::chrono::milliseconds>(interval_),
          .we_refresh = we_refresh_,
          .refresh_in = LeftUntil(refresh_at_, now),
          .end_in = LeftUntil(end_at_, now)};
}

void SessionTimer::Start(Duration interval, bool we_refresh, TimePoint now) {
  interval_ = interval;
  we_refresh_ = we_refresh;
  refresh_at_ = we_refresh ? now + interval / 2 : kNever;
  end_at_ = now + interval - std::min<Duration>(kBeforeExpiry, interval / 3);
}

void SessionTimer::Stop() { *this = {}; }

void SessionTimer::TryAgain(TimePoint now) {
  if (we_refresh_ && refresh_at_ == kNever && end_at_ != kNever) refresh_at_ = now + kAgain;
}

}  // namespace lastmile::sip
