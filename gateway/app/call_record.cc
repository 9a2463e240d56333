#include "gateway/app/call_record.h"

#include <fmt/chrono.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace lastmile::app {
namespace {

using Json = nlohmann::ordered_json;

std::string Rfc3339(std::chrono::system_clock::time_point time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (milliseconds - seconds).count());
}

Json ToJson(const media::DirectionStats& stats) {
  return {{"packets", stats.packets}, {"bytes", stats.bytes}, {"dropped", stats.dropped}};
}

double Milliseconds(Duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  return std::round(10 * ms) / 10;
}

Json ToJson(const std::optional<media::StreamQuality>& stream) {
  if (!stream) return nullptr;
  return {{"packets", stream->packets},
          {"lost", stream->lost},
          {"loss", std::round(10'000 * stream->loss) / 10'000},
          {"worst_loss", std::round(10'000 * stream->worst_loss) / 10'000},
          {"jitter_ms", Milliseconds(stream->jitter)},
          {"mos", stream->mos ? Json(std::round(100 * *stream->mos) / 100) : Json(nullptr)}};
}

Json OrNull(const auto& value) { return value ? Json(*value) : Json(nullptr); }

Json ToJson(const std::optional<media::HeardQuality>& heard) {
  if (!heard) return nullptr;
  return {{"loss", std::round(10'000 * heard->loss) / 10'000},
          {"discarded", std::round(10'000 * heard->discarded) / 10'000},
          {"r", OrNull(heard->rating)},
          {"mos_lq", OrNull(heard->mos_lq)},
          {"mos_cq", OrNull(heard->mos_cq)},
          {"buffer_ms", Milliseconds(heard->buffer)}};
}

Json ToJson(const media::LegQuality& quality) {
  if (!quality.received && !quality.sent && !quality.heard) return nullptr;
  return {{"received", ToJson(quality.received)},
          {"sent", ToJson(quality.sent)},
          {"rtt_ms", quality.rtt ? Json(Milliseconds(*quality.rtt)) : Json(nullptr)},
          {"heard", ToJson(quality.heard)},
          {"malformed_xr", quality.malformed_xr}};
}

Json QualityToJson(const CallRecord& record) {
  const bool bridge = record.direction == call::CallDirection::kBetweenTrunks;
  Json legs;
  legs[call::NameOf(media::MediaLeg::kBrowser, bridge)] = ToJson(record.summary.media.browser);
  legs[call::NameOf(media::MediaLeg::kTrunk, bridge)] = ToJson(record.summary.media.trunk);
  return legs;
}

Json FaultsToJson(const CallRecord& record, const WallClock& clock) {
  const bool bridge = record.direction == call::CallDirection::kBetweenTrunks;
  Json faults = Json::array();
  for (const call::MediaFault& fault : record.media_faults) {
    faults.push_back(
        {{"leg", call::NameOf(fault.leg, bridge)},
         {"direction", call::NameOfDirection(fault.to_browser, bridge)},
         {"cause", call::ToString(fault.cause)},
         {"at", Rfc3339(clock.At(fault.at))},
         {"until", fault.until ? Json(Rfc3339(clock.At(*fault.until))) : Json(nullptr)},
         {"seen", fault.seen}});
  }
  return faults;
}

}  // namespace

std::string ToJson(const CallRecord& record, const WallClock& clock) {
  const call::CallSummary& summary = record.summary;
  Json json = {{"call", record.id.value},
               {"direction", call::ToString(record.direction)},
               {"trunk", record.parties.trunk},
               {"user", record.parties.user},
               {"number", record.parties.number},
               {"caller", record.parties.caller},
               {"started", Rfc3339(clock.At(record.started))},
               {"answered", nullptr},
               {"ended", Rfc3339(clock.At(record.ended))},
               {"status", summary.status},
               {"reason", summary.reason},
               {"transferred", summary.transferred},
               {"sdp_bytes",
                {{"offer_in", summary.sdp.offer_in},
                 {"offer_out", summary.sdp.offer_out},
                 {"answer_in", summary.sdp.answer_in},
                 {"answer_out", summary.sdp.answer_out}}},
               {"invite_bytes", summary.invite_bytes},
               {"media",
                {{"to_trunk", ToJson(summary.media.browser_to_trunk)},
                 {"to_browser", ToJson(summary.media.trunk_to_browser)},
                 {"video_to_trunk", ToJson(summary.media.video_browser_to_trunk)},
                 {"video_to_browser", ToJson(summary.media.video_trunk_to_browser)}}}};
  json["quality"] = QualityToJson(record);
  json["media_faults"] = FaultsToJson(record, clock);
  for (const call::CallId id : record.continues) json["continues"].push_back(id.value);
  if (summary.answered) json["answered"] = Rfc3339(clock.At(*summary.answered));
  // What a peer wrote need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lastmile::app
