#include "gateway/app/relay.h"

#include <fmt/format.h>

#include <utility>

namespace lastmile::app {
namespace {

int RelayedStatus(int status) {
  if (status >= 200 && status < 300) return status == 202 ? 202 : 200;
  switch (status) {
    case 403:
    case 404:
    case 406:
    case 408:
    case 410:
    case 413:
    case 415:
    case 423:
    case 480:
    case 484:
    case 486:
    case 488:
    case 489:
    case 493:
    case 500:
    case 503:
    case 600:
    case 603:
    case 604:
    case 606:
      return status;
    case 401:
    case 407:  // the gateway's credentials, not the asker's: it must not try its own
      return 503;
    case 405:  // of that side; the Allow of this side has the method
    case 501:
      return 501;
    case 504:
      return 408;
    default:
      if (status >= 600) return 603;
      return status >= 500 ? 502 : 480;
  }
}

std::string SentenceFor(const sip::RequestAnswered& answered, std::string_view peer) {
  switch (answered.status) {
    case 401:
    case 407:
      return fmt::format("{} asks for credentials that the gateway does not have", peer);
    case 405:
    case 501:
      return fmt::format("{} does not take this method", peer);
    case 408:
      return fmt::format("{} did not answer in time", peer);
    case 503:
      if (!answered.response) return fmt::format("{} cannot be reached", peer);
      break;
    default:
      break;
  }
  return fmt::format("{} answered {}", peer, answered.status);
}

}  // namespace

Way WayFor(const Router& router, const trunk::TrunkEdge& trunk_edge, const route::Caller& caller,
           const std::string& dialled) {
  using Outcome = route::Decision::Outcome;
  Way way{.decision = router.Outbound(caller, dialled)};
  route::Decision& decision = way.decision;
  if (decision.outcome == Outcome::kUser) {
    decision.trunks = {{std::string(trunk::kLocalTrunk), decision.user}};
  } else if (decision.outcome == Outcome::kNoRoute) {
    const trunk::Trunk* pbx = trunk_edge.PbxOf(caller.user);
    if (pbx) decision.trunks = {{pbx->name, decision.number.text}};
  }
  // A trunk that came into the file while the gateway runs is not there yet.
  std::erase_if(decision.trunks, [&](const route::TrunkTry& to) {
    return trunk_edge.FindTrunk(to.trunk) == nullptr;
  });
  if (!decision.trunks.empty()) {
    way.trunk = trunk_edge.FindTrunk(decision.trunks.front().trunk);
    way.number = decision.trunks.front().number;
  } else if (decision.why.empty()) {
    decision.why = "no route leads to this number";
  }
  return way;
}

const std::string& ShownTo(const trunk::Trunk& trunk, const browser::User& user) {
  return trunk.is_local ? user.name : user.shown_number();
}

sip::Extras BodyOf(const sip::Message& message) {
  sip::Extras extras;
  if (message.body.empty()) return extras;
  for (const char* name : {"Content-Disposition", "Content-Encoding", "Content-Language"}) {
    const std::string* value = message.FindExtra(name);
    if (value) extras.headers.push_back({name, *value});
  }
  extras.content_type = message.content_type + message.content_type_params;
  extras.body = message.body;
  return extras;
}

RelayedAnswer RelayAnswer(const sip::RequestAnswered& answered, std::string_view peer) {
  RelayedAnswer relayed{.status = RelayedStatus(answered.status), .extras = {}};
  if (relayed.status < 300) return relayed;
  relayed.extras = sip::Sentence(SentenceFor(answered, peer));
  if (relayed.status != 423 || !answered.response) return relayed;
  if (const std::string* least = answered.response->FindExtra("Min-Expires")) {
    relayed.extras.headers.push_back({"Min-Expires", *least});
  }
  return relayed;
}

}  // namespace lastmile::app
