#ifndef LASTMILE_GATEWAY_BROWSER_USER_DIRECTORY_H_
#define LASTMILE_GATEWAY_BROWSER_USER_DIRECTORY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "gateway/browser/lru_map.h"
#include "gateway/browser/user.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/timer_queue.h"

namespace lastmile::browser {

// Users who are looked up in a source outside.
struct LookupOptions {
  Duration ttl = 60s;  // what is known of a user is asked for anew after so long
  // What a challenge offers, in its order; it cannot depend on the users, who are not known. Empty:
  // tokens alone.
  std::vector<sip::DigestAlgorithm> digest = {sip::DigestAlgorithm::kMd5};
};

// What is known of a name now.
struct Lookup {
  enum class Status {
    kUser,
    kNobody,
    kPending,      // being looked up: its name is among those of TakeSettled later
    kUnavailable,  // the source does not answer, and nothing is known from before
  };
  Status status = Status::kNobody;
  const User* user = nullptr;  // with kUser; valid until the next OnAnswer or OnTimer
  // With kUser: it is old, and being looked up. It is good enough to let somebody in, but not to
  // turn anybody away: the password may have been changed.
  bool is_refreshing = false;
};

// Who is a user. Either all of them are known from the start, or they are looked up in a source and
// remembered for a time: users, names that are none, and that the source failed. However many
// requests wait for a name, it is looked up once. While an old entry is looked up again it goes on
// serving for kGrace, and while the source fails for kKeptInFailure. Sans-IO: names to look up are
// taken out, answers come in as values. Thread: signalling.
class UserDirectory {
 public:
  // Without `lookup`, `users` are all there are. With it they are ignored.
  UserDirectory(const std::vector<User>& users, const std::optional<LookupOptions>& lookup);

  Lookup Find(std::string_view name, TimePoint now);
  void OnAnswer(const UserAnswer& answer, TimePoint now);
  void OnTimer(TimePoint now);  // look-ups without an answer have failed
  TimePoint next_timeout() const { return pending_.next(); }

  // Names to be looked up, each followed by an OnAnswer.
  std::vector<std::string> TakeLookups();
  // Names whose look-up has ended: Find is not kPending for them now.
  std::vector<std::string> TakeSettled();

  static constexpr size_t kMaxName = 128;         // bytes; a longer one is nobody's
  static constexpr size_t kMaxEntries = 20000;    // users, and names that are none
  static constexpr size_t kMaxPending = 1000;     // look-ups; more are kUnavailable
  static constexpr Duration kMissingTtl = 10s;    // of "no such user"; never longer than `ttl`
  static constexpr Duration kGrace = 30s;         // after `ttl`
  static constexpr Duration kKeptInFailure = 1h;  // since a user was last found
  static constexpr Duration kRetryAfterFailure = 2s;
  static constexpr Duration kLookupLimit = 4s;  // longer than the sources' own limits

 private:
  struct Found {
    User user;
    TimePoint found_at;
    TimePoint retry_at{};  // the source failed: not asked before that
  };
  struct Missing {
    bool failed = false;  // not known to be missing: the source failed
    TimePoint until;
  };

  Lookup FindRemembered(Found& found, std::string_view name, TimePoint now);
  bool IsKept(const Found& found, TimePoint now) const;
  bool Request(std::string_view name, TimePoint now);
  void Settle(const UserAnswer& answer, TimePoint now);

  const std::optional<Duration> ttl_;            // absent: no source
  std::unordered_map<std::string, User> fixed_;  // all users, if there is no source
  LruMap<Found> found_{kMaxEntries};
  LruMap<Missing> missing_{kMaxEntries};  // apart, so that made-up names push out no user
  sip::TimerQueue<std::string> pending_;
  std::vector<std::string> lookups_;
  std::vector<std::string> settled_;
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_USER_DIRECTORY_H_
