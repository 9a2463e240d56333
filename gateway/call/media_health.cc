#include "gateway/call/media_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lastmile::call {
namespace {

using media::MediaLeg;
using media::SilenceCause;

static_assert(static_cast<size_t>(SilenceCause::kWrongFingerprint) + 1 == media::kSilenceCauses);

// What was seen instead of the audio, for the record.
std::string SeenOf(const media::DirectionSilent& silent) {
  if (silent.cause == SilenceCause::kWrongSource) return silent.source.ToString();
  if (silent.cause == SilenceCause::kWrongPayloadType) return std::to_string(silent.payload_type);
  return "";
}

std::string WhatIsReceived(const media::DirectionSilent& silent, bool trunk) {
  switch (silent.cause) {
    case SilenceCause::kNothingReceived:
      return trunk ? "no RTP arrives: see whether the carrier reaches `media.trunk` at its ports, "
                     "and whether a firewall is between"
                   : "its path stands and no audio arrives: see whether the page has a microphone "
                     "and its track is enabled";
    case SilenceCause::kWrongSource:
      return fmt::format("{} packets came from {} and none from the address of its SDP: {}",
                         silent.refused, Redacted{silent.source},
                         trunk ? "if the carrier is behind a NAT, `nat: true` of the trunk takes "
                                 "who sends within 3 s of the answer"
                               : "media is taken only from addresses that passed a check of ICE");
    case SilenceCause::kWrongPayloadType:
      return fmt::format("{} packets came with payload type {}, which was not agreed on: {}",
                         silent.refused, silent.payload_type,
                         trunk ? "compare the carrier's answer with what it sends, or narrow "
                                 "`codecs` of the trunk"
                               : "compare the browser's SDP with what it sends");
    case SilenceCause::kNotAuthentic:
      return fmt::format("{} packets did not authenticate: {}", silent.refused,
                         trunk ? "it sends plain RTP though SRTP was agreed on, or under another "
                                 "key than the one of its SDP"
                               : "they are not under the keys of its handshake");
    default:
      return fmt::format("{} packets came and none was new RTP", silent.refused);
  }
}

// What it means, and what to try.
std::string Explain(const media::DirectionSilent& silent, bool trunk) {
  switch (silent.cause) {
    case SilenceCause::kOnHold:
      return "its SDP takes or sends no audio";
    case SilenceCause::kNothingReceived:
    case SilenceCause::kWrongSource:
    case SilenceCause::kWrongPayloadType:
    case SilenceCause::kNotAuthentic:
    case SilenceCause::kUnusable:
      return WhatIsReceived(silent, trunk);
    case SilenceCause::kNoIce:
      return "no check of ICE arrives: see whether UDP reaches `media.browser` from there, and "
             "whether it advertises an address that the browser can reach; a network without UDP "
             "needs its `tcp_port`";
    case SilenceCause::kNoNomination:
      return "it checks and chooses no path: answers to its checks may not reach it";
    case SilenceCause::kNoConsent:
      return "it sends no checks any more: its network is gone, or its page is";
    case SilenceCause::kDtlsUnfinished:
      return "its DTLS handshake does not end: large datagrams may be lost on the way";
    case SilenceCause::kDtlsFailed:
      return "its DTLS handshake failed: the line of the session has the alert";
    case SilenceCause::kWrongFingerprint:
      return "its certificate is not the one of its SDP: something between has changed the one or "
             "the other";
  }
  return "";
}

}  // namespace

std::string_view NameOf(MediaLeg leg, bool bridge) {
  if (bridge) return leg == MediaLeg::kBrowser ? "first" : "second";
  return leg == MediaLeg::kBrowser ? "browser" : "trunk";
}

std::string_view NameOfDirection(bool to_browser, bool bridge) {
  if (bridge) return to_browser ? "to-first" : "to-second";
  return to_browser ? "to-browser" : "to-trunk";
}

void MediaHealth::On(const media::DirectionSilent& silent, TimePoint now) {
  End(silent.to_browser, now);
  const bool trunk = bridge_ || silent.leg == MediaLeg::kTrunk;
  const bool fault = silent.cause != SilenceCause::kOnHold;
  spdlog::log(fault ? spdlog::level::warn : spdlog::level::info,
              "call={} leg={} direction={} silent: {}: {}", id_.value, NameOf(silent.leg, bridge_),
              NameOfDirection(silent.to_browser, bridge_), ToString(silent.cause),
              Explain(silent, trunk));
  const MediaFault noted{.to_browser = silent.to_browser,
                         .leg = silent.leg,
                         .cause = silent.cause,
                         .at = now,
                         .until = std::nullopt,
                         .seen = SeenOf(silent)};
  Now(silent.to_browser) = noted;
  Note(noted);
}

void MediaHealth::On(const media::DirectionFlows& flows, TimePoint now) {
  const auto was = End(flows.to_browser, now);
  if (!was) return;
  spdlog::info("call={} leg={} direction={} flows again: it was {} for {} s", id_.value,
               NameOf(was->leg, bridge_), NameOfDirection(flows.to_browser, bridge_),
               ToString(was->cause),
               std::chrono::duration_cast<std::chrono::seconds>(now - was->at).count());
}

std::optional<MediaFault> MediaHealth::End(bool to_browser, TimePoint now) {
  for (MediaFault& fault : faults_) {
    if (fault.to_browser == to_browser && !fault.until) fault.until = now;
  }
  return std::exchange(Now(to_browser), std::nullopt);
}

void MediaHealth::Note(const MediaFault& fault) {
  if (faults_.size() == kMaxFaults) {
    const auto hold = std::ranges::find(faults_, SilenceCause::kOnHold, &MediaFault::cause);
    if (hold == faults_.end()) return;
    faults_.erase(hold);
  }
  faults_.push_back(fault);
}

MediaSnapshot MediaHealth::Snapshot(TimePoint now) const {
  const auto taken = [&](const std::optional<MediaFault>& silent) {
    return silent.transform([&](const MediaFault& fault) {
      return SilenceSnapshot{
          .leg = fault.leg,
          .cause = fault.cause,
          .seen = fault.seen,
          .noticed_ago = std::chrono::floor<std::chrono::milliseconds>(now - fault.at)};
    });
  };
  return {.to_trunk = taken(to_trunk_), .to_browser = taken(to_browser_)};
}

}  // namespace lastmile::call
