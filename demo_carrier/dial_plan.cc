#include "demo_carrier/dial_plan.h"

namespace lastmile::demo_carrier {
namespace {

Plan Refuse(int code, const char* reason, int retry_after_s = 0) {
  Plan plan;
  plan.refuse_code = code;
  plan.refuse_reason = reason;
  plan.retry_after_s = retry_after_s;
  return plan;
}

Plan Answer(Sound sound, Duration after = 0s, bool rings = false) {
  Plan plan;
  plan.sound = sound;
  plan.answer_after = after;
  plan.rings = rings;
  return plan;
}

}  // namespace

Plan PlanFor(std::string_view number) {
  if (number == "600") return Answer(Sound::kEcho, 100ms, true);
  if (number == "601") return Answer(Sound::kTone);
  if (number == "602") return Refuse(486, "Busy Here");
  if (number == "603") {
    Plan plan = Answer(Sound::kTone, 3s);
    plan.early_media = true;
    return plan;
  }
  if (number == "604") return Answer(Sound::kReadDigitsBack);
  if (number == "605") {
    Plan plan = Answer(Sound::kSilence);
    plan.hang_up_after = 1s;
    plan.calls_back = true;
    return plan;
  }
  if (number == "606") return Answer(Sound::kTone, 8s, true);
  if (number == "608") return Refuse(603, "Decline");
  if (number == "609") return Refuse(503, "Service Unavailable", 5);
  if (number == "610") {
    Plan plan;
    plan.rings = true;
    return plan;
  }
  if (number == "611") {
    Plan plan = Answer(Sound::kTone);
    plan.hang_up_after = 2s;
    return plan;
  }
  return Refuse(404, "Not Found");
}

}  // namespace lastmile::demo_carrier
