#ifndef LASTMILE_GATEWAY_ROUTE_LIMITER_H_
#define LASTMILE_GATEWAY_ROUTE_LIMITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"
#include "gateway/route/rules.h"

namespace lastmile::route {

// Whose limit it is.
enum class LimitScope { kUser, kTrunk, kNode };
inline constexpr std::array<std::string_view, 3> kLimitScopes = {"user", "trunk", "node"};

// Why a call is not taken.
struct LimitRefusal {
  LimitScope scope = LimitScope::kNode;
  int status = 503;          // for a caller
  unsigned retry_after = 0;  // seconds; 0: nobody knows
  std::string why;           // a sentence
};

// Counts legs of calls to and from trunks: at once, and how fast they come (a leaky bucket that
// holds a second's worth). Pure. Thread: signalling.
class Limiter {
 public:
  // A leg that counts; it stops to when this is destroyed. The Limiter outlives it.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { Release(); }
    void Release();
    // The leg goes on over the other's trunk, and for the same user as before. An empty one changes
    // nothing.
    void TakeTrunkOf(Slot other);
    explicit operator bool() const { return limiter_ != nullptr; }

   private:
    friend class Limiter;
    Limiter* limiter_ = nullptr;
    std::string user_;  // "": not counted
    std::string trunk_;
    bool counts_node_ = false;
  };

  struct Leg {
    std::string user;  // "": nobody's
    std::string trunk;
    bool by_user = true;    // the user calls; else the user is called
    bool priority = false;  // counts, and is never refused
    // A further leg of a call that counts already, to another party: the trunk's limits alone.
    bool further = false;
  };

  Limiter() = default;
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  Result<Slot, LimitRefusal> Begin(const Leg& leg, const Limits& limits, const Limit& of_trunk,
                                   TimePoint now);

  size_t calls_on(const std::string& trunk) const;
  size_t calls() const { return node_.calls; }
  size_t users() const { return users_.size(); }  // with a call now, or a moment ago
  using Refusals = std::array<uint64_t, kLimitScopes.size()>;
  const Refusals& refusals() const { return refusals_; }

 private:
  struct Use {
    size_t calls = 0;
    TimePoint level{};  // when the bucket is empty again

    bool is_full(const Limit& limit) const { return limit.calls != 0 && calls >= limit.calls; }
    bool is_fast(const Limit& limit, TimePoint now) const;
    void Take(const Limit& limit, TimePoint now);
  };
  Result<Slot, LimitRefusal> Refuse(LimitRefusal refusal);
  void Release(const Slot& slot);
  void ForgetIdle(TimePoint now);

  Use node_;
  std::unordered_map<std::string, Use> users_;
  std::unordered_map<std::string, Use> trunks_;
  Refusals refusals_ = {};
  TimePoint forget_at_{};
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_LIMITER_H_
