#ifndef LASTMILE_TESTS_BENCH_LOAD_RELAY_RUN_H_
#define LASTMILE_TESTS_BENCH_LOAD_RELAY_RUN_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/endpoint.h"
#include "base/result.h"
#include "tests/bench/load/process_meter.h"
#include "tests/bench/load/pump.h"

namespace lastmile::bench {

struct RelayOptions {
  Endpoint ng;
  int calls = 0;
  bool gcm = false;  // AEAD_AES_128_GCM, else AES_CM_128_HMAC_SHA1_80
  PumpOptions pump;
};

// The media relay of rtpengine alone: `calls` pairs of an SRTP end, with keys in SDP, and a plain
// one, set up over ng. Besides what PumpMedia() tells: `setup_ms`, CPU a call.
Result<nlohmann::json> RunRelay(const RelayOptions& options, const ProcessMeter& meter);

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_RELAY_RUN_H_
