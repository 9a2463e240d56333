#include "gateway/browser/user_directory.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lastmile::browser {
namespace {

using Status = Lookup::Status;

}  // namespace

UserDirectory::UserDirectory(const std::vector<User>& users,
                             const std::optional<LookupOptions>& lookup)
    : ttl_(lookup ? std::optional(lookup->ttl) : std::nullopt) {
  if (ttl_) return;
  for (const User& user : users) fixed_.emplace(user.name, user);
}

Lookup UserDirectory::Find(std::string_view name, TimePoint now) {
  if (!ttl_) {
    const auto found = fixed_.find(std::string(name));
    if (found == fixed_.end()) return {};
    return {.status = Status::kUser, .user = &found->second};
  }
  if (name.empty() || name.size() > kMaxName) return {};
  Found* found = found_.Find(name);
  if (found && IsKept(*found, now)) return FindRemembered(*found, name, now);
  const Missing* missing = missing_.Find(name);
  if (missing && now < missing->until) {
    return {.status = missing->failed ? Status::kUnavailable : Status::kNobody};
  }
  return {.status = Request(name, now) ? Status::kPending : Status::kUnavailable};
}

Lookup UserDirectory::FindRemembered(Found& found, std::string_view name, TimePoint now) {
  const Lookup as_it_was{.status = Status::kUser, .user = &found.user};
  if (now < found.found_at + *ttl_ || now < found.retry_at) return as_it_was;
  // No room for another look-up is as good as a source that fails.
  if (!Request(name, now)) return as_it_was;
  if (now >= found.found_at + *ttl_ + kGrace) return {.status = Status::kPending};
  return {.status = Status::kUser, .user = &found.user, .is_refreshing = true};
}

bool UserDirectory::IsKept(const Found& found, TimePoint now) const {
  return now < found.found_at + std::max(kKeptInFailure, *ttl_ + kGrace);
}

// False: too many are under way.
bool UserDirectory::Request(std::string_view name, TimePoint now) {
  const std::string key(name);
  if (pending_.Has(key)) return true;
  if (pending_.size() >= kMaxPending) return false;
  pending_.Set(key, now + kLookupLimit);
  lookups_.push_back(key);
  return true;
}

void UserDirectory::OnAnswer(const UserAnswer& answer, TimePoint now) {
  if (!pending_.Has(answer.name)) return;  // it came too late and counted as a failure
  pending_.Clear(answer.name);
  Settle(answer, now);
}

void UserDirectory::OnTimer(TimePoint now) {
  while (const auto name = pending_.PopDue(now)) {
    Settle({.name = *name, .verdict = UserAnswer::Verdict::kFailed}, now);
  }
}

void UserDirectory::Settle(const UserAnswer& answer, TimePoint now) {
  settled_.push_back(answer.name);
  switch (answer.verdict) {
    case UserAnswer::Verdict::kFound: {
      Found& found = found_.Put(answer.name, {.user = answer.user, .found_at = now});
      found.user.name = answer.name;
      missing_.Erase(answer.name);
      return;
    }
    case UserAnswer::Verdict::kNotFound:
      found_.Erase(answer.name);
      missing_.Put(answer.name, {.until = now + std::min(kMissingTtl, *ttl_)});
      return;
    case UserAnswer::Verdict::kFailed:
      spdlog::warn("leg=browser user {} could not be looked up", Redacted{answer.name});
      Found* found = found_.Find(answer.name);
      if (found && IsKept(*found, now)) {
        found->retry_at = now + kRetryAfterFailure;
      } else {
        missing_.Put(answer.name, {.failed = true, .until = now + kRetryAfterFailure});
      }
      return;
  }
}

std::vector<std::string> UserDirectory::TakeLookups() { return std::exchange(lookups_, {}); }

std::vector<std::string> UserDirectory::TakeSettled() { return std::exchange(settled_, {}); }

}  // namespace lastmile::browser
