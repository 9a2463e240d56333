#ifndef LASTMILE_GATEWAY_TRUNK_REGISTRATION_H_
#define LASTMILE_GATEWAY_TRUNK_REGISTRATION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "gateway/sip/digest_client.h"
#include "gateway/sip/message.h"
#include "gateway/sip/timer_queue.h"

namespace lastmile::trunk {

// The extension that a browser user has at a PBX, or the account of the trunk itself. Its password
// stays on this side of the gateway.
struct PbxUser {
  std::string user;   // of the browsers; "": the trunk's own
  std::string trunk;  // its name
  std::string aor;    // user part of its address there
  std::string host;   // of that address; "" = the trunk's server
  sip::Credentials credentials;
};

// Why an account is not registered.
struct RegisterFailure {
  int status = 0;           // of the final answer; 0: there was none
  std::string reason = {};  // without a subject; "": it is registered, or was not answered yet
};

struct RegistrationGauges {
  size_t registered = 0;  // of users, at PBXs
  size_t under_way = 0;   // REGISTERs unanswered, and those that unregister and wait for their turn
};

// Registers users at their PBXs (RFC 3261 section 10.2) for as long as one of their browsers is
// registered here, and trunks at their carriers from the start to the end. Whatever the reason,
// REGISTERs leave one by one, kSpacing apart, those that answer a challenge included; refreshes are
// spread by chance. Sans-IO. Thread: signalling.
class Registrations {
 public:
  struct Account {
    PbxUser pbx;
    size_t trunk = 0;  // its index
    sip::Uri contact;  // where the PBX reaches us; the user part is added
    uint32_t expires = kExpires;
  };
  struct Register {
    size_t account = 0;
    sip::Message request;
  };

  Registrations(std::vector<Account> accounts, RandomSource& random);

  // The first browser of the user is registered here, or the last one gone.
  void SetPresent(std::string_view user, bool present, TimePoint now);
  // The final answer to that account's REGISTER; `response` is nullptr if nobody answered (408), or
  // if the connection was lost (503).
  void OnAnswered(size_t account, int status, const sip::Message* response, TimePoint now);
  // The connection to that trunk is lost, and with it perhaps its way to us.
  void OnFlowLost(size_t trunk, TimePoint now);
  void UnregisterAll(TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  // To be sent now. Each is answered by OnAnswered.
  std::vector<Register> TakeRequests() { return std::exchange(requests_, {}); }

  const Account& account(size_t index) const { return accounts_[index].config; }
  size_t size() const { return accounts_.size(); }
  // Of a Request-URI's user part: the user part of a Contact of ours, which names one account, or
  // that of an address at that trunk. SIZE_MAX: neither.
  size_t Find(size_t trunk, std::string_view user_part) const;
  size_t FindUser(std::string_view user) const;  // SIZE_MAX: the user has no account
  RegistrationGauges gauges() const;
  // Of the trunk's own account.
  bool IsTrunkRegistered(size_t trunk) const;
  RegisterFailure WhyNotRegistered(size_t trunk) const;  // the same account

  static constexpr size_t kNone = SIZE_MAX;
  // At most 48 in any second, so that no jitter on the way makes more than 50 of them.
  static constexpr Duration kSpacing = 21ms;
  static constexpr Duration kGrace = 10s;  // a page that is loaded again is no reason to unregister
  static constexpr uint32_t kExpires = 600;       // seconds, asked for
  static constexpr uint32_t kMinExpires = 10;     // seconds; a shorter grant counts as this
  static constexpr uint32_t kMaxExpires = 86400;  // a longer grant counts as this
  // RFC 5626 section 4.5: doubled with each failure, and half of it by chance.
  static constexpr Duration kFirstRetry = 5s;
  static constexpr Duration kLastRetry = 300s;
  static constexpr Duration kRefusedRetry = 1800s;  // whom the PBX does not want
  static constexpr Duration kReconnectSpread = 5s;

 private:
  enum class State {
    kIdle,           // nothing at the PBX, as far as we know
    kWaiting,        // to be registered: at its time, then at its turn
    kAsking,         // REGISTER is unanswered
    kRegistered,     // until it is refreshed
    kLeaving,        // to be unregistered, at its turn
    kUnregistering,  // REGISTER with Expires 0 is unanswered
  };
  enum class Timer { kDue, kGrace };
  struct TimerKey {
    size_t account = 0;
    Timer timer = Timer::kDue;
    auto operator<=>(const TimerKey&) const = default;
  };
  struct Entry {
    Account config;
    sip::DigestClient digest;
    State state = State::kIdle;
    bool wanted = false;     // a browser is there, or was within kGrace
    bool confirmed = false;  // the last answer was a 2xx
    bool queued = false;
    bool raised = false;                       // a 423 was obeyed
    TimePoint bound_until = TimePoint::min();  // the PBX may know a Contact of ours until then
    TimePoint not_before = TimePoint::min();   // it was refused
    int failures = 0;
    uint32_t expires = 0;       // asked for
    sip::Message request;       // the last one
    sip::ChallengeTries tries;  // of it
    RegisterFailure failure;    // the last one
  };

  void SetState(size_t account, State next, std::string_view reason);
  void RegisterAt(size_t account, TimePoint at, std::string_view reason);
  void Leave(size_t account, std::string_view reason, TimePoint now);
  void OnGraceOver(size_t account, TimePoint now);
  void Queue(size_t account, bool first);
  void Unqueue(size_t account);
  void SendNext(TimePoint now);
  void Send(size_t account);
  void OnLeft(size_t account, int status, TimePoint now);
  void OnRegisterAnswered(size_t account, int status, const sip::Message* response, TimePoint now);
  void OnRegistered(size_t account, const sip::Message& response, TimePoint now);
  void OnRefused(size_t account, int status, std::string_view reason, TimePoint now);
  void OnFailed(size_t account, int status, const sip::Message* response, TimePoint now);
  bool TakeChallenge(size_t account, const sip::Message& response, std::string& fault);
  bool TakeMinExpires(size_t account, const sip::Message& response);
  Duration Between(Duration least, Duration most);

  std::vector<Entry> accounts_;
  std::unordered_map<std::string, size_t> by_user_;
  std::unordered_map<std::string, size_t> by_target_;  // trunk index and user part
  RandomSource& random_;
  sip::TimerQueue<TimerKey> timers_;
  std::deque<size_t> queue_;  // whose turn it is next
  TimePoint next_send_ = TimePoint::min();
  std::vector<Register> requests_;
};

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_REGISTRATION_H_
