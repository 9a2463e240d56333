#ifndef LASTMILE_GATEWAY_APP_PROBE_REPORT_H_
#define LASTMILE_GATEWAY_APP_PROBE_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/stream_hub.h"
#include "media_anchor/core/tone_echo.h"

// What a test of a trunk has found out, as values and as people and programs read it. Pure. Thread:
// any.
namespace lastmile::app {

enum class ProbeVerdict {
  kOk,
  kFailed,
  kNotTold,  // it could not be tried, or tells neither
};

struct ProbeStep {
  std::string name;  // "resolve", "connect", "options", "register", "call", "audio"
  ProbeVerdict verdict = ProbeVerdict::kOk;
  std::string detail;       // may have text of the peer in it
  std::string advice = {};  // what to try next; "" for none
};

// Whether none has failed.
bool IsGood(const std::vector<ProbeStep>& steps);

// --- how it is shown ---
// A line, and one with the advice if there is one. What is not printable ASCII is shown as '?'.
std::string ToText(const ProbeStep& step, bool colour);
// All steps of a trunk in one line: its first failure, or what its last steps said.
std::string ToLine(std::string_view trunk, const std::vector<ProbeStep>& steps, bool colour);
// {"trunk": ..., "ok": ..., "steps": [{"name", "verdict", "detail", "advice"}]}
std::string ToJson(std::string_view trunk, const std::vector<ProbeStep>& steps);

// --- what to try ---
std::string AdviceFor(net::StreamFault fault);
// Of a call's final failure.
std::string AdviceForCall(int status);
// Of `TrunkStatus::not_registered`, whose status this is; 0: there was no answer.
std::string AdviceForRegister(int status);

// --- the call's audio ---
struct HeardAudio {
  media::ToneEchoReport tone;
  size_t packets = 0;        // of any kind, that reached the test's end
  bool latched = false;      // nothing came at first, and then any address was taken
  bool ended_early = false;  // the other side hung up before all of the tone was sent
};
ProbeStep JudgeAudio(const HeardAudio& heard);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_PROBE_REPORT_H_
