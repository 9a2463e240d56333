#include "gateway/browser/ring_group.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lastmile::browser {
namespace {

// RFC 3326 section 3.1 has the words of the first.
constexpr char kAnsweredElsewhere[] = "SIP;cause=200;text=\"Call completed elsewhere\"";

sip::Extras WithReason(std::string reason) {
  sip::Extras extras;
  extras.headers.push_back({"Reason", std::move(reason)});
  return extras;
}

// Lower is better. Section 16.7 step 6 with what a user agent knows better than a proxy: nobody
// follows a browser's redirection, and a leg that never answered says nothing about the user.
int RankOf(const sip::InviteRejected& refusal) {
  if (!refusal.response) return 5;
  if (refusal.status >= 600) return 0;
  if (refusal.status == 486) return 1;  // somebody is there
  if (refusal.status >= 500) return 3;
  return refusal.status >= 400 ? 2 : 4;
}

}  // namespace

sip::DialogId RingGroups::Add(const std::vector<sip::DialogId>& legs) {
  LASTMILE_CHECK(!legs.empty());
  const sip::DialogId name = legs.front();
  rings_[name].legs = legs;
  for (const sip::DialogId leg : legs) ring_of_[leg] = name;
  return name;
}

RingReport RingGroups::On(sip::UserAgentEvent event, TimePoint now) {
  const sip::DialogId leg = std::visit([](const auto& e) { return e.dialog; }, event);
  const sip::DialogId name = ring_of_.at(leg);
  Ring& ring = rings_.at(name);
  if (auto* progress = std::get_if<sip::InviteProgress>(&event)) {
    return OnProgress(name, ring, std::move(*progress));
  }
  if (auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    return OnAccepted(name, ring, std::move(*accepted), now);
  }
  if (auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    return OnRejected(name, ring, std::move(*rejected), now);
  }
  return {.answered = {}, .event = std::move(event)};
}

// The caller hears of the first leg's progress, and of the first 180.
RingReport RingGroups::OnProgress(sip::DialogId name, Ring& ring, sip::InviteProgress event) {
  const bool rings = event.response.status == 180;
  const bool is_new = rings ? !ring.is_ringing : !ring.has_progress;
  if (ring.is_decided || !is_new) return {};
  ring.has_progress = true;
  ring.is_ringing |= rings;
  event.dialog = name;
  return {.answered = {}, .event = std::move(event)};
}

// A leg that answers when another one has won was cancelled: the agent has sent ACK and BYE, and
// InviteRejected follows.
RingReport RingGroups::OnAccepted(sip::DialogId name, Ring& ring, sip::InviteAccepted event,
                                  TimePoint now) {
  if (ring.is_decided) return {};
  const sip::DialogId winner = event.dialog;
  ring.is_decided = true;
  Drop(ring, winner);
  CancelLegs(ring, WithReason(kAnsweredElsewhere), now);
  if (ring.legs.empty()) rings_.erase(name);
  return {.answered = RingAnswered{name, winner}, .event = std::move(event)};
}

RingReport RingGroups::OnRejected(sip::DialogId name, Ring& ring, sip::InviteRejected event,
                                  TimePoint now) {
  Drop(ring, event.dialog);
  RingReport report;
  if (!ring.is_decided) {
    event.dialog = name;
    const bool ends_all = event.response && event.status >= 600;
    if (!ring.best || RankOf(event) < RankOf(*ring.best)) ring.best = std::move(event);
    if (ends_all) {
      CancelLegs(ring,
                 WithReason("SIP;cause=" + std::to_string(ring.best->status) +
                            ";text=\"Call declined elsewhere\""),
                 now);
    }
    if (ends_all || ring.legs.empty()) {
      ring.is_decided = true;
      report.event = *std::exchange(ring.best, std::nullopt);
    }
  }
  if (ring.legs.empty()) rings_.erase(name);
  return report;
}

void RingGroups::Cancel(sip::DialogId name, const sip::Extras& extras, TimePoint now) {
  const auto found = rings_.find(name);
  if (found != rings_.end()) CancelLegs(found->second, extras, now);
}

void RingGroups::Drop(Ring& ring, sip::DialogId leg) {
  std::erase(ring.legs, leg);
  ring_of_.erase(leg);
}

void RingGroups::CancelLegs(const Ring& ring, const sip::Extras& extras, TimePoint now) {
  for (const sip::DialogId leg : ring.legs) agent_.Cancel(leg, extras, now);
}

}  // namespace lastmile::browser
