#include "tests/bench/load/client.h"

namespace lastmile::bench {

void Client::Dial() {
  answered = kNever;
  dialled = MonotonicNow();
  call = &phone.Dial("600");
}

void Client::OnReadable(TimePoint now) {
  phone.OnTurn(now);
  const bool talking = call != nullptr && call->state == test::SipPhone::Call::State::kTalking;
  if (talking && answered == kNever) answered = now;
}

const ClientAudio* Client::audio() const {
  return call == nullptr ? nullptr : static_cast<const ClientAudio*>(call->media.get());
}

}  // namespace lastmile::bench
