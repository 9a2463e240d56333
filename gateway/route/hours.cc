#include "gateway/route/hours.h"

#include <algorithm>
#include <optional>
#include <string>

namespace lastmile::route {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr size_t kWeek = kDays.size();

std::optional<size_t> DayNamed(std::string_view name) {
  const auto found = std::ranges::find(kDays, name);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<size_t>(found - kDays.begin());
}

// "08:00", "24:00": minutes since midnight.
std::optional<int> MinuteOf(std::string_view text) {
  const auto digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  if (minute > 59 || hour * 60 + minute > 24 * 60) return std::nullopt;
  return hour * 60 + minute;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "Mon" or "Fri-Mon".
bool AddDays(std::string_view text, std::array<bool, 7>& days) {
  const auto ends = Split(text, '-');
  if (ends.size() > 2) return false;
  const auto first = DayNamed(ends.front());
  const auto last = DayNamed(ends.back());
  if (!first || !last) return false;
  for (size_t day = *first;; day = (day + 1) % kWeek) {
    days[day] = true;
    if (day == *last) return true;
  }
}

}  // namespace

Result<Hours> Hours::Parse(std::string_view text) {
  constexpr const char* kForm = "hours are written \"Mon-Fri 08:00-18:00, Sat 09:00-12:00\"";
  Hours hours;
  Span span;
  bool has_days = false;
  for (std::string_view part : Split(text, ',')) {
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    const auto words = Split(part, ' ');
    if (words.size() > 2 || !AddDays(words.front(), span.days)) return Fail(kForm);
    has_days = true;
    if (words.size() == 1) continue;  // "Sat,Sun ...": the times come with the last of them
    const auto times = Split(words.back(), '-');
    const auto from = times.size() == 2 ? MinuteOf(times.front()) : std::nullopt;
    const auto to = times.size() == 2 ? MinuteOf(times.back()) : std::nullopt;
    if (!from || !to) return Fail(kForm);
    span.from = *from;
    span.to = *to;
    hours.spans_.push_back(span);
    span = {};
    has_days = false;
  }
  if (has_days) return Fail(kForm);
  return hours;
}

bool Hours::Contains(TimeZone::WeekMinute moment) const {
  const auto today = static_cast<size_t>(moment.day);
  const size_t yesterday = (today + kWeek - 1) % kWeek;
  return std::ranges::any_of(spans_, [&](const Span& span) {
    if (span.from < span.to) {
      return span.days[today] && moment.minute >= span.from && moment.minute < span.to;
    }
    return (span.days[today] && moment.minute >= span.from) ||
           (span.days[yesterday] && moment.minute < span.to);
  });
}

}  // namespace lastmile::route
