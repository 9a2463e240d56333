#ifndef LASTMILE_GATEWAY_CALL_DTMF_H_
#define LASTMILE_GATEWAY_CALL_DTMF_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gateway/call/call_io.h"

// Digits pressed in a call, as SIP's INFO (RFC 6086) says them. Pure. Thread: any.
namespace lastmile::call {

struct Digit {
  uint8_t event = 0;  // as media::SendDigit has it
  Duration duration{};
  bool operator==(const Digit&) const = default;
};

inline constexpr char kDtmfRelay[] = "application/dtmf-relay";
inline constexpr char kDtmfTypes[] = "application/dtmf-relay, application/dtmf";  // for Accept
// Of a digit that does not say how long it is: what JsSIP takes.
inline constexpr Duration kUsualDigit = 100ms;

struct InfoRefusal {
  int status = 400;  // 400 for a body nobody understands, 415 for a content type
  std::string reason;
};
// application/dtmf-relay ("Signal=5", "Duration=100" in ms) and application/dtmf ("5"). A key is 0
// to 9, *, #, A to D, R or ! for flash, or the number of its event, 10 to 16. Durations come out as
// media::kMinDigit at least and media::kMaxDigit at most. An INFO without content is no digit: it
// only asks whether the dialog lives.
Result<std::optional<Digit>, InfoRefusal> ParseInfo(std::string_view content_type,
                                                    std::string_view body);
// The body of application/dtmf-relay.
std::string ToDtmfRelay(const Digit& digit);

// How many digits are still being sent, so that one peer cannot pile them up: told from their
// lengths alone, without asking whoever sends them.
class DigitPace {
 public:
  static constexpr size_t kMaxWaiting = 32;

  // False: kMaxWaiting digits are not over yet; this one is not taken.
  bool Take(const Digit& digit, TimePoint now);

 private:
  std::vector<TimePoint> ends_;  // of the digits, with the gap behind each
};

// How an INFO in a call is answered, and the digit of it that is to go on.
struct TakenInfo {
  AnswerInfo answer;
  std::optional<Digit> digit;
};
// `is_over`: the call has ended. `why_not`: a sentence if no digit can go on now, else "".
TakenInfo TakeInfo(const InfoReceived& info, bool is_over, std::string_view why_not,
                   DigitPace& pace, TimePoint now);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_DTMF_H_
