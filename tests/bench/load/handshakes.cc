#include "tests/bench/load/handshakes.h"

#include <algorithm>

namespace lastmile::bench {
namespace {

using State = test::SipPhone::Call::State;

}  // namespace

Handshakes::Handshakes(std::vector<Client*> clients, double rate)
    : interval_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate))),
      next_(MonotonicNow()) {
  for (Client* const client : clients) callers_.push_back({client});
}

void Handshakes::OnTurn(TimePoint now) {
  for (Caller& caller : callers_) Advance(caller);
  for (Caller& caller : callers_) {
    if (stopped_ || next_ > now) return;
    if (caller.client->call != nullptr) continue;
    caller.client->Dial();
    next_ += interval_;
  }
}

bool Handshakes::idle() const {
  return std::ranges::all_of(callers_, [](const Caller& c) { return c.client->call == nullptr; });
}

void Handshakes::Advance(Caller& caller) {
  Client& client = *caller.client;
  if (client.call == nullptr) return;
  if (client.call->state == State::kEnded) {
    failed_ += !caller.leaving;
    client.call = nullptr;
    client.phone.ForgetEnded();
    caller.leaving = false;
    return;
  }
  if (caller.leaving || client.call->state != State::kTalking) return;
  if (!client.ready() && !client.audio()->failed()) return;
  if (client.ready()) {
    const auto took = client.audio()->ready_at() - client.dialled;
    set_ups_ms_.push_back(std::chrono::duration<double, std::milli>(took).count());
  } else {
    ++failed_;
  }
  client.phone.HangUp(*client.call);
  caller.leaving = true;
}

}  // namespace lastmile::bench
