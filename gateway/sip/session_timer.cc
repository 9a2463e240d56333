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
