#ifndef LASTMILE_TESTS_BENCH_LOAD_CLIENT_H_
#define LASTMILE_TESTS_BENCH_LOAD_CLIENT_H_

#include <utility>

#include "base/time.h"
#include "tests/bench/load/call_audio.h"
#include "tests/bench/load/load_loop.h"
#include "tests/support/browser_phone.h"

namespace lastmile::bench {

// A WebRTC client of a load and its one call. Thread: main.
struct Client final : Readable {
  explicit Client(test::BrowserPhone::Options options) : phone(std::move(options)) {}

  void Dial();
  // Its connection has something; notes when the call was answered.
  void OnReadable(TimePoint now) override;
  // Null: no call, or one that is over.
  const ClientAudio* audio() const;
  bool ready() const { return audio() != nullptr && audio()->ready(); }

  test::BrowserPhone phone;
  test::SipPhone::Call* call = nullptr;  // the phone's
  TimePoint dialled{};
  TimePoint answered = kNever;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_CLIENT_H_
