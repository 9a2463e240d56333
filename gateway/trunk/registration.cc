#include "gateway/trunk/registration.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "base/log.h"

namespace lastmile::trunk {
namespace {

constexpr size_t kContactLength = 24;

// Says nothing about the user, and is the same after a restart: the PBX replaces the old Contact
// instead of ringing it as well.
std::string OpaqueUserPart(const PbxUser& pbx) {
  return sip::Ha1(pbx.user, pbx.trunk, pbx.aor, sip::DigestAlgorithm::kSha256)
      .substr(0, kContactLength);
}

std::string TargetKey(size_t trunk, std::string_view user_part) {
  return std::to_string(trunk) + ':' + std::string(user_part);
}

std::optional<uint32_t> Seconds(const std::string* text) {
  if (!text) return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// RFC 3261 section 10.2.4: of our Contact, else of the whole response, else what we asked for.
uint32_t GrantedSeconds(const sip::Message& response, const std::string& contact, uint32_t asked) {
  const auto ours = std::ranges::find(
      response.contacts, contact, [](const sip::NameAddr& address) { return address.uri.user; });
  std::optional<uint32_t> granted;
  if (ours != response.contacts.end()) granted = Seconds(ours->params.Find("expires"));
  return granted.value_or(response.expires.value_or(asked));
}

}  // namespace

Registrations::Registrations(std::vector<Account> accounts, RandomSource& random)
    : random_(random) {
  for (Account& account : accounts) {
    const size_t index = accounts_.size();
    account.contact.user = OpaqueUserPart(account.pbx);
    if (!account.pbx.user.empty()) by_user_[account.pbx.user] = index;
    by_target_[TargetKey(account.trunk, account.contact.user)] = index;
    by_target_[TargetKey(account.trunk, account.pbx.aor)] = index;
    sip::DigestClient digest(account.pbx.credentials, random);
    accounts_.push_back({.config = std::move(account), .digest = std::move(digest)});
    Entry& entry = accounts_.back();
    entry.expires = entry.config.expires;
    if (entry.config.pbx.user.empty()) {
      entry.wanted = true;
      entry.state = State::kWaiting;
      timers_.Set({index, Timer::kDue}, TimePoint::min());
    }
    sip::Message& request = entry.request;
    const PbxUser& pbx = entry.config.pbx;
    request.method = "REGISTER";
    request.request_uri.host = pbx.host;
    request.from.uri.user = pbx.aor;
    request.from.uri.host = pbx.host;
    request.to = request.from;
    request.call_id = random.Token(24);  // one for all registrations of a Contact (section 10.2)
    request.contacts.resize(1);
    request.contacts.front().uri = entry.config.contact;
  }
}

size_t Registrations::Find(size_t trunk, std::string_view user_part) const {
  const auto found = by_target_.find(TargetKey(trunk, user_part));
  return found == by_target_.end() ? kNone : found->second;
}

size_t Registrations::FindUser(std::string_view user) const {
  const auto found = by_user_.find(std::string(user));
  return found == by_user_.end() ? kNone : found->second;
}

RegistrationGauges Registrations::gauges() const {
  RegistrationGauges gauges;
  for (const Entry& entry : accounts_) {
    gauges.registered += entry.confirmed && !entry.config.pbx.user.empty();
    gauges.under_way += entry.state == State::kAsking || entry.state == State::kLeaving ||
                        entry.state == State::kUnregistering;
  }
  return gauges;
}

bool Registrations::IsTrunkRegistered(size_t trunk) const {
  return std::ranges::any_of(accounts_, [&](const Entry& entry) {
    return entry.config.trunk == trunk && entry.config.pbx.user.empty() && entry.confirmed;
  });
}

RegisterFailure Registrations::WhyNotRegistered(size_t trunk) const {
  const auto found = std::ranges::find_if(accounts_, [&](const Entry& entry) {
    return entry.config.trunk == trunk && entry.config.pbx.user.empty();
  });
  return found == accounts_.end() || found->confirmed ? RegisterFailure() : found->failure;
}

Duration Registrations::Between(Duration least, Duration most) {
  const auto range = static_cast<uint64_t>((most - least).count()) + 1;
  return least + Duration(static_cast<int64_t>(random_.Next64() % range));
}

void Registrations::SetState(size_t account, State next, std::string_view reason) {
  static constexpr std::string_view kNames[] = {"idle",       "waiting", "asking",
                                                "registered", "leaving", "unregistering"};
  Entry& entry = accounts_[account];
  if (entry.state == next) return;
  spdlog::debug("leg=trunk trunk={} user={} at the PBX: {} -> {}: {}", entry.config.pbx.trunk,
                Redacted{entry.config.pbx.user}, kNames[static_cast<size_t>(entry.state)],
                kNames[static_cast<size_t>(next)], reason);
  entry.state = next;
}

// --- what is wanted ---

void Registrations::SetPresent(std::string_view user, bool present, TimePoint now) {
  const size_t account = FindUser(user);
  if (account == kNone) return;
  Entry& entry = accounts_[account];
  timers_.Clear({account, Timer::kGrace});
  if (!present) {
    if (entry.wanted) timers_.Set({account, Timer::kGrace}, now + kGrace);
    return;
  }
  entry.wanted = true;
  switch (entry.state) {
    case State::kIdle:
    case State::kLeaving:
      RegisterAt(account, std::max(now, entry.not_before), "a browser is registered");
      return;
    case State::kWaiting:
    case State::kAsking:
    case State::kRegistered:
    case State::kUnregistering:  // its answer leads on
      return;
  }
}

void Registrations::OnGraceOver(size_t account, TimePoint now) {
  Entry& entry = accounts_[account];
  entry.wanted = false;
  // While a REGISTER is unanswered no other may be sent (RFC 3261 section 10.2): its answer leads
  // on.
  if (entry.state == State::kWaiting || entry.state == State::kRegistered) {
    Leave(account, "the last browser is gone", now);
  }
}

void Registrations::RegisterAt(size_t account, TimePoint at, std::string_view reason) {
  Unqueue(account);
  accounts_[account].tries = {};
  SetState(account, State::kWaiting, reason);
  timers_.Set({account, Timer::kDue}, at);
}

void Registrations::Leave(size_t account, std::string_view reason, TimePoint now) {
  Entry& entry = accounts_[account];
  timers_.Clear({account, Timer::kDue});
  Unqueue(account);
  entry.tries = {};
  entry.failures = 0;
  if (entry.bound_until <= now) {
    entry.confirmed = false;
    return SetState(account, State::kIdle, reason);
  }
  SetState(account, State::kLeaving, reason);
  Queue(account, false);
}

void Registrations::UnregisterAll(TimePoint now) {
  for (size_t account = 0; account < accounts_.size(); ++account) {
    timers_.Clear({account, Timer::kGrace});
    if (accounts_[account].wanted) OnGraceOver(account, now);
  }
}

void Registrations::OnFlowLost(size_t trunk, TimePoint now) {
  for (size_t account = 0; account < accounts_.size(); ++account) {
    Entry& entry = accounts_[account];
    if (entry.config.trunk != trunk || entry.state != State::kRegistered) continue;
    entry.confirmed = false;
    RegisterAt(account, now + Between(0s, kReconnectSpread), "the connection is lost");
  }
}

// --- when ---

void Registrations::Queue(size_t account, bool first) {
  accounts_[account].queued = true;
  if (first) {
    queue_.push_front(account);
  } else {
    queue_.push_back(account);
  }
}

void Registrations::Unqueue(size_t account) {
  if (std::exchange(accounts_[account].queued, false)) std::erase(queue_, account);
}

TimePoint Registrations::next_timeout() const {
  return queue_.empty() ? timers_.next() : std::min(timers_.next(), next_send_);
}

void Registrations::OnTimer(TimePoint now) {
  while (const auto key = timers_.PopDue(now)) {
    if (key->timer == Timer::kGrace) {
      OnGraceOver(key->account, now);
      continue;
    }
    if (accounts_[key->account].state == State::kRegistered) {
      SetState(key->account, State::kWaiting, "it is time to refresh");
    }
    Queue(key->account, false);
  }
  SendNext(now);
}

void Registrations::SendNext(TimePoint now) {
  if (queue_.empty() || now < next_send_) return;
  next_send_ = now + kSpacing;
  const size_t account = queue_.front();
  queue_.pop_front();
  accounts_[account].queued = false;
  Send(account);
}

void Registrations::Send(size_t account) {
  Entry& entry = accounts_[account];
  const bool leaving = entry.state == State::kLeaving;
  sip::Message& request = entry.request;
  ++request.cseq.number;
  request.expires = leaving ? 0 : entry.expires;
  // One that answers a challenge has its credentials already.
  if (entry.tries.answered.empty()) entry.digest.Preempt(request);
  SetState(account, leaving ? State::kUnregistering : State::kAsking, "its turn");
  requests_.push_back({account, request});
}

// --- answers ---

void Registrations::OnAnswered(size_t account, int status, const sip::Message* response,
                               TimePoint now) {
  Entry& entry = accounts_[account];
  const bool leaving = entry.state == State::kUnregistering;
  if (!leaving && entry.state != State::kAsking) return;
  std::string fault;
  if ((status == 401 || status == 407) && response && TakeChallenge(account, *response, fault)) {
    return;
  }
  entry.tries = {};
  if (leaving) return OnLeft(account, status, now);
  if (status == 401 || status == 407) return OnRefused(account, status, fault, now);
  OnRegisterAnswered(account, status, response, now);
}

void Registrations::OnLeft(size_t account, int status, TimePoint now) {
  Entry& entry = accounts_[account];
  const bool success = status >= 200 && status < 300;
  spdlog::info("leg=trunk trunk={} user={} {} at the PBX: {}", entry.config.pbx.trunk,
               Redacted{entry.config.pbx.user},
               success ? "unregistered" : "could not be unregistered, and expires", status);
  entry.confirmed = false;
  entry.bound_until = TimePoint::min();
  SetState(account, State::kIdle, "unregistered");
  if (entry.wanted) RegisterAt(account, now, "a browser is registered again");
}

// True: the request is on its way again, before all others.
bool Registrations::TakeChallenge(size_t account, const sip::Message& response,
                                  std::string& fault) {
  Entry& entry = accounts_[account];
  const auto answered = entry.digest.Answer(response, entry.request, entry.tries);
  if (!answered) {
    fault = answered.error().message;
    return false;
  }
  const bool leaving = entry.state == State::kUnregistering;
  SetState(account, leaving ? State::kLeaving : State::kWaiting, "challenged");
  Queue(account, true);
  return true;
}

bool Registrations::TakeMinExpires(size_t account, const sip::Message& response) {
  Entry& entry = accounts_[account];
  const auto least = Seconds(response.FindExtra("Min-Expires"));
  const bool again = std::exchange(entry.raised, true);
  if (again || !least || *least <= entry.expires || *least > kMaxExpires) return false;
  entry.expires = *least;
  SetState(account, State::kWaiting, "the PBX asks for longer registrations");
  Queue(account, true);
  return true;
}

void Registrations::OnRegisterAnswered(size_t account, int status, const sip::Message* response,
                                       TimePoint now) {
  if (status >= 200 && status < 300 && response) {
    OnRegistered(account, *response, now);
  } else if (status == 423 && response && TakeMinExpires(account, *response)) {
    return;
  } else if (status == 403 || status == 404) {
    OnRefused(account, status, "the PBX does not want this account", now);
  } else {
    OnFailed(account, status, response, now);
  }
}

void Registrations::OnRegistered(size_t account, const sip::Message& response, TimePoint now) {
  Entry& entry = accounts_[account];
  const uint32_t granted = std::clamp(
      GrantedSeconds(response, entry.config.contact.user, entry.expires), kMinExpires, kMaxExpires);
  const Duration life = std::chrono::seconds(granted);
  if (!entry.confirmed) {
    spdlog::info("leg=trunk trunk={} user={} registered at the PBX for {} s",
                 entry.config.pbx.trunk, Redacted{entry.config.pbx.user}, granted);
  }
  entry.confirmed = true;
  entry.raised = false;
  entry.failures = 0;
  entry.bound_until = now + life;
  if (!entry.wanted) return Leave(account, "the last browser is gone", now);
  SetState(account, State::kRegistered, "200");
  timers_.Set({account, Timer::kDue}, now + Between(life / 2, life * 17 / 20));
}

void Registrations::OnRefused(size_t account, int status, std::string_view reason, TimePoint now) {
  Entry& entry = accounts_[account];
  const Duration wait = Between(kRefusedRetry / 2, kRefusedRetry);
  spdlog::warn("leg=trunk trunk={} user={} refused by the PBX: {}, {}; not tried again for {} min",
               entry.config.pbx.trunk, Redacted{entry.config.pbx.user}, status, reason,
               std::chrono::round<std::chrono::minutes>(wait).count());
  entry.failure = {status, fmt::format("refused with {}: {}", status, reason)};
  entry.confirmed = false;
  entry.bound_until = TimePoint::min();
  entry.not_before = now + wait;
  if (!entry.wanted) return Leave(account, "refused", now);
  RegisterAt(account, entry.not_before, "refused");
}

void Registrations::OnFailed(size_t account, int status, const sip::Message* response,
                             TimePoint now) {
  Entry& entry = accounts_[account];
  entry.confirmed = entry.raised = false;
  if (response) {
    entry.failure = {status, fmt::format("answered {}", status)};
  } else {
    entry.failure = {0, status == 408 ? "not answered" : "the connection was lost"};
  }
  if (!entry.wanted) return Leave(account, "the last browser is gone", now);
  constexpr int kMaxDoublings = 16;
  const Duration most =
      std::min(kLastRetry, kFirstRetry * (1 << std::min(entry.failures++, kMaxDoublings)));
  Duration wait = Between(most / 2, most);
  if (const auto after = Seconds(response ? response->FindExtra("Retry-After") : nullptr)) {
    wait = std::max(wait, std::min(Duration(std::chrono::seconds(*after)), kRefusedRetry));
  }
  spdlog::warn("leg=trunk trunk={} user={} could not register at the PBX: {}; again in {} s",
               entry.config.pbx.trunk, Redacted{entry.config.pbx.user}, status,
               std::chrono::ceil<std::chrono::seconds>(wait).count());
  RegisterAt(account, now + wait, "failed");
}

}  // namespace lastmile::trunk
