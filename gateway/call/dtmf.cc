#include "gateway/call/dtmf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "media_anchor/core/leg_plan.h"

namespace lastmile::call {
namespace {

constexpr std::string_view kKeys = "0123456789*#ABCD!";  // by event
constexpr char kDtmf[] = "application/dtmf";
constexpr size_t kMaxBody = 256;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::optional<unsigned> ToNumber(std::string_view text) {
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  // More than fits is more than any limit.
  if (error == std::errc::result_out_of_range && stop == end) return UINT32_MAX;
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<uint8_t> EventOf(std::string_view key) {
  if (key.size() == 1) {
    const char c = Upper(key[0]) == 'R' ? '!' : Upper(key[0]);
    const size_t event = kKeys.find(c);
    return event == std::string_view::npos ? std::nullopt
                                           : std::optional(static_cast<uint8_t>(event));
  }
  const auto number = ToNumber(key);
  if (key.size() != 2 || !number || *number < 10 || *number > media::kFlash) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

bool IsNamed(std::string_view name, std::string_view expected) {
  return std::ranges::equal(name, expected, {}, Upper, Upper);
}

std::unexpected<InfoRefusal> Malformed(std::string reason) {
  return std::unexpected(InfoRefusal{400, std::move(reason)});
}

Result<Digit, InfoRefusal> ParseRelay(std::string_view body) {
  std::optional<uint8_t> event;
  Digit digit{.duration = kUsualDigit};
  while (!body.empty()) {
    const size_t end = std::min(body.find_first_of("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = Trimmed(line.substr(0, equals));
    const std::string_view value = Trimmed(line.substr(equals + 1));
    if (IsNamed(name, "Signal")) {
      event = EventOf(value);
      if (!event) return Malformed("Signal has to be 0-9, *, #, A-D, R or !");
    } else if (IsNamed(name, "Duration")) {
      const auto ms = ToNumber(value);
      if (!ms) return Malformed("Duration has to be a number of milliseconds");
      digit.duration = std::chrono::milliseconds(*ms);
    }
  }
  if (!event) return Malformed("the body of application/dtmf-relay has no Signal");
  digit.event = *event;
  digit.duration = std::clamp<Duration>(digit.duration, media::kMinDigit, media::kMaxDigit);
  return digit;
}

}  // namespace

Result<std::optional<Digit>, InfoRefusal> ParseInfo(std::string_view content_type,
                                                    std::string_view body) {
  if (content_type.empty() && body.empty()) return std::nullopt;
  const bool plain = content_type == kDtmf;
  if (!plain && content_type != kDtmfRelay) {
    return std::unexpected(InfoRefusal{
        415, "INFO is taken for DTMF only: application/dtmf-relay or application/dtmf"});
  }
  if (body.size() > kMaxBody) return Malformed("a digit does not take so many bytes");
  if (plain) {
    const auto event = EventOf(Trimmed(body));
    if (!event) return Malformed("the body of application/dtmf has to be 0-9, *, #, A-D, R or !");
    return Digit{*event, kUsualDigit};
  }
  auto digit = ParseRelay(body);
  if (!digit) return std::unexpected(std::move(digit.error()));
  return *digit;
}

std::string ToDtmfRelay(const Digit& digit) {
  return fmt::format("Signal={}\r\nDuration={}\r\n", kKeys[digit.event % kKeys.size()],
                     std::chrono::duration_cast<std::chrono::milliseconds>(digit.duration).count());
}

bool DigitPace::Take(const Digit& digit, TimePoint now) {
  std::erase_if(ends_, [&](TimePoint end) { return end <= now; });
  if (ends_.size() >= kMaxWaiting) return false;
  const TimePoint start = ends_.empty() ? now : ends_.back();
  ends_.push_back(start + digit.duration + media::kDigitPeriod + media::kDigitGap);
  return true;
}

TakenInfo TakeInfo(const InfoReceived& info, bool is_over, std::string_view why_not,
                   DigitPace& pace, TimePoint now) {
  AnswerInfo answer{.party = info.party, .request = info.request, .status = 200};
  const auto digit = ParseInfo(info.content_type, info.body);
  if (is_over) {
    answer.status = 481;
    answer.warning = "the call has ended";
  } else if (!digit) {
    answer.status = digit.error().status;
    answer.warning = digit.error().reason;
    if (answer.status == 415) answer.accept = kDtmfTypes;
  } else if (*digit && !why_not.empty()) {
    answer.status = 503;
    answer.warning = why_not;
  } else if (*digit && !pace.Take(**digit, now)) {
    answer.status = 503;
    answer.warning = fmt::format("{} digits wait already", DigitPace::kMaxWaiting);
  } else {
    return {std::move(answer), *digit};
  }
  return {std::move(answer), std::nullopt};
}

}  // namespace lastmile::call
