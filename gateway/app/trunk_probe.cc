#include "gateway/app/trunk_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "gateway/app/addresses.h"
#include "gateway/app/trunk_tls.h"
#include "gateway/net/sentences.h"

namespace lastmile::app {
namespace {

constexpr Duration kPoll = 100ms;  // how soon an interruption is noticed
constexpr int64_t kFewDays = 14;   // of a certificate's life

std::string Ms(Duration time) {
  return fmt::format("{} ms", std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

const trunk::Trunk& TrunkNamed(const Config& config, std::string_view name) {
  return *std::ranges::find(config.trunks, name, &trunk::Trunk::name);
}

std::string_view NameOf(DnsType type) {
  switch (type) {
    case DnsType::kAddress:
      return "A/AAAA";
    case DnsType::kSrv:
      return "SRV";
    case DnsType::kNaptr:
      return "NAPTR";
  }
  return "";
}

int64_t DaysUntil(int64_t seconds) {
  const auto left =
      std::chrono::seconds(seconds) - std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::floor<std::chrono::days>(left).count();
}

uint16_t PortOf(const Config& config, bool tls) {
  const auto found = std::ranges::find(config.sip, tls, &SipListener::tls);
  const bool known = found != config.sip.end() && found->address.port != 0;
  return known ? found->address.port : trunk::DefaultPort(tls);
}

bool IsServerFailure(int status) { return status >= 500 && status < 600 && status != 501; }

}  // namespace

trunk::TrunkOptions ProbeEdgeOptions(const Config& config,
                                     const std::vector<trunk::Trunk>& trunks) {
  return {.trunks = trunks,
          .local_host = HostOf(TrunkAddressOf(config)),
          .tcp_port = PortOf(config, false),
          .tls_port = PortOf(config, true)};
}

TrunkProbe::TrunkProbe(const Config& config, ProbeOptions options,
                       std::function<void(const ProbeStep&)> on_step)
    : config_(config),
      options_(std::move(options)),
      on_step_(std::move(on_step)),
      trunks_{TrunkNamed(config, options_.trunk)},
      hub_(loop_, static_cast<net::StreamSink&>(*this)) {
  trunks_.front().keepalive = Duration::zero();  // its OPTIONS are sent and judged here
}

TrunkProbe::~TrunkProbe() = default;

void TrunkProbe::Run() {
  const TimePoint now = MonotonicNow();
  limit_at_ = now + options_.limit;
  StartLookUps(now);
  loop_.Run([this] { return OnTurn(); });
}

TimePoint TrunkProbe::OnTurn() {
  const TimePoint now = MonotonicNow();
  if (options_.interrupted && *options_.interrupted != 0) {
    if (call_) {
      call_->HangUp(now);
    } else {
      Finish();
    }
  }
  for (State before = State::kDone; before != state_;) {
    before = state_;
    Flush(now);
    Advance(now);
  }
  Flush(now);
  if (state_ == State::kDone) {
    loop_.Stop();
    return kNever;
  }
  TimePoint next = std::min(deadline_, now + kPoll);
  if (edge_) next = std::min(next, edge_->next_timeout());
  if (call_) next = std::min(next, call_->next_timeout());
  return next;
}

void TrunkProbe::Enter(State next, Duration limit, TimePoint now) {
  state_ = next;
  started_ = now;
  deadline_ = std::min(now + limit, limit_at_);
}

void TrunkProbe::Finish() { state_ = State::kDone; }

void TrunkProbe::Report(ProbeStep step) { on_step_(step); }

void TrunkProbe::Advance(TimePoint now) {
  switch (state_) {
    case State::kResolving:
      return OnResolving(now);
    case State::kConnecting:
      return OnConnecting(now);
    case State::kOptions:
      return OnOptions(now);
    case State::kRegistering:
      return OnRegistering(now);
    case State::kCalling:
      call_->OnTurn(now);
      if (call_->is_done()) Finish();
      return;
    case State::kDone:
      return;
  }
}

// --- where its servers are ---

void TrunkProbe::StartLookUps(TimePoint now) {
  const trunk::Trunk& trunk = trunks_.front();
  std::vector<trunk::ConfiguredServer> servers = trunk.servers;
  if (servers.empty()) servers.push_back({.host = trunk.host, .port = trunk.port});
  for (const trunk::ConfiguredServer& server : servers) {
    look_ups_.push_back({.server = server, .selection = trunk::Selection(server, trunk.tls)});
  }
  Enter(State::kResolving, kAnswerTime, now);
  for (size_t i = 0; i < look_ups_.size(); ++i) Ask(i);
}

void TrunkProbe::Ask(size_t index) {
  for (const trunk::Selection::Query& query : look_ups_[index].selection.TakeQueries()) {
    hub_.LookUp(query.name, query.type, [this, index, query](const DnsAnswer& answer) {
      LookUp& look_up = look_ups_[index];
      const bool known = std::ranges::count(look_up.found, query.type) != 0;
      if (answer.status == DnsStatus::kFound && !known) look_up.found.push_back(query.type);
      look_up.selection.OnAnswer(query, answer);
      Ask(index);
    });
  }
}

void TrunkProbe::OnResolving(TimePoint now) {
  bool all = true;
  for (LookUp& look_up : look_ups_) {
    const bool done = look_up.selection.done() || now >= deadline_;
    if (done && !std::exchange(look_up.reported, true)) ReportLookUp(look_up, now);
    all &= done;
  }
  if (all) StartConnections(now);
}

void TrunkProbe::ReportLookUp(LookUp& look_up, TimePoint now) {
  const auto& [host, port, priority, weight] = look_up.server;
  const std::string name = port == 0 ? host : net::HostPort(host, port);
  if (!look_up.selection.done()) {
    return Report({.name = "resolve",
                   .verdict = ProbeVerdict::kFailed,
                   .detail = name + ": no name server answers",
                   .advice = AdviceFor(net::StreamFault::kName)});
  }
  std::string addresses;
  for (const trunk::ServerHost& found : look_up.selection.hosts()) {
    for (const Endpoint& endpoint : found.endpoints) {
      addresses += (addresses.empty() ? "" : ", ") + endpoint.ToString();
    }
  }
  if (addresses.empty()) {
    return Report({.name = "resolve",
                   .verdict = ProbeVerdict::kFailed,
                   .detail = look_up.selection.failure(),
                   .advice = AdviceFor(net::StreamFault::kName)});
  }
  if (look_up.found.empty()) {
    return Report({.name = "resolve", .detail = addresses + ": nothing to look up"});
  }
  std::string records;
  for (const DnsType type : look_up.found) {
    records += (records.empty() ? "" : ", ") + std::string(NameOf(type));
  }
  Report(
      {.name = "resolve",
       .detail = fmt::format("{} by {} in {}: {}", name, records, Ms(now - started_), addresses)});
}

// --- a connection to each ---

void TrunkProbe::StartConnections(TimePoint now) {
  Enter(State::kConnecting, kConnectTimeout + kAnswerTime, now);
  const trunk::Trunk& trunk = trunks_.front();
  size_t left_out = 0;
  for (const LookUp& look_up : look_ups_) {
    for (const trunk::ServerHost& found : look_up.selection.hosts()) {
      for (const Endpoint& endpoint : found.endpoints) {
        if (attempts_.size() == kMaxEndpoints) {
          ++left_out;
          continue;
        }
        const net::StreamId stream = hub_.Connect({.host = endpoint.address.ToString(),
                                                   .port = endpoint.port,
                                                   .use_tls = trunk.tls,
                                                   .tls = TlsOptionsOf(trunk, look_up.server.host),
                                                   .connect_timeout = kConnectTimeout});
        attempts_[stream] = {.host = look_up.server.host, .endpoint = endpoint, .started = now};
      }
    }
  }
  if (left_out == 0) return;
  Report({.name = "connect",
          .verdict = ProbeVerdict::kNotTold,
          .detail = fmt::format("{} more addresses are left out", left_out)});
}

void TrunkProbe::OnConnecting(TimePoint now) {
  for (auto next = attempts_.begin(); next != attempts_.end();) {
    const auto [stream, attempt] = *next++;
    if (attempt.settled_at > now && now < deadline_) continue;
    attempts_.erase(stream);
    hub_.Close(stream, "it was only a test");
    if (attempt.open) {
      ++connected_;
      Report(*attempt.open);
    } else {
      Report({.name = "connect",
              .verdict = ProbeVerdict::kFailed,
              .detail = attempt.endpoint.ToString() + " did not answer in time",
              .advice = AdviceFor(net::StreamFault::kConnect)});
    }
  }
  if (!attempts_.empty()) return;
  if (connected_ == 0) return Finish();
  StartEdge(now);
}

void TrunkProbe::OnStreamOpen(net::StreamId stream, const net::StreamPeer& peer) {
  const TimePoint now = MonotonicNow();
  const auto found = attempts_.find(stream);
  if (found == attempts_.end()) {
    if (streams_) streams_->OnOpen(stream, peer, now);
    return;
  }
  Attempt& attempt = found->second;
  std::string at = attempt.endpoint.ToString();
  if (!IpAddress::Parse(attempt.host)) at = attempt.host + " at " + at;
  ProbeStep step{.name = "connect",
                 .detail = fmt::format("{} in {}", at, Ms(now - attempt.started))};
  if (const auto& shown = peer.certificate) {
    const int64_t days = DaysUntil(shown->expires_at);
    step.detail += fmt::format(", {}, certificate for {} by {}, ", shown->version,
                               net::NameList(shown->names), net::NameList({shown->issuer}));
    step.detail += days < 0 ? "expired" : fmt::format("{} days left", days);
    if (days < kFewDays) step.advice = "have the carrier renew its certificate in time";
  }
  attempt.settled_at = peer.tls ? now + kSettle : now;
  attempt.open = std::move(step);
}

void TrunkProbe::OnStreamBytes(net::StreamId stream, ByteView bytes) {
  if (streams_) streams_->OnBytes(stream, bytes, MonotonicNow());
}

void TrunkProbe::OnStreamClosed(net::StreamId stream, const net::StreamEnd& end) {
  const TimePoint now = MonotonicNow();
  if (attempts_.erase(stream) == 0) {
    if (end.fault != net::StreamFault::kNone) last_fault_ = end.fault;
    if (streams_) streams_->OnClosed(stream, end, now);
    return;
  }
  Report({.name = "connect",
          .verdict = ProbeVerdict::kFailed,
          .detail = end.reason,
          .advice = AdviceFor(end.fault)});
}

// --- OPTIONS and REGISTER ---

void TrunkProbe::StartEdge(TimePoint now) {
  edge_ = std::make_unique<trunk::TrunkEdge>(ProbeEdgeOptions(config_, trunks_), random_);
  streams_ = std::make_unique<TrunkStreams>(*edge_, trunks_, hub_);
  Enter(State::kOptions, kAnswerTime, now);
  edge_->OnTimer(now);  // it finds its servers
  options_id_ = edge_->SendRequest({.trunk = options_.trunk}, "OPTIONS", {}, now);
}

void TrunkProbe::OnOptions(TimePoint now) {
  if (now < deadline_) {
    if (options_answer_) OnOptionsAnswered(*options_answer_, now);
  } else {
    Report({.name = "options",
            .verdict = ProbeVerdict::kFailed,
            .detail = "not answered in time",
            .advice = "ask the carrier whether SIP is spoken at this port, and whether it takes it "
                      "from this machine's address"});
    AfterOptions(now);
  }
}

void TrunkProbe::OnOptionsAnswered(const sip::RequestAnswered& answered, TimePoint now) {
  // As a call would, it goes on to the next server.
  const trunk::TrunkStatus status = edge_->status().front();
  if (!answered.response && status.servers > 1 && status.up_servers > 0) {
    options_answer_.reset();
    options_id_ = edge_->SendRequest({.trunk = options_.trunk}, "OPTIONS", {}, now);
    return;
  }
  ProbeStep step{.name = "options",
                 .detail = fmt::format("{} in {}", answered.status, Ms(now - started_))};
  if (!answered.response) {
    step.verdict = ProbeVerdict::kFailed;
    const std::string& why = status.last_failure;
    step.detail = answered.status == 408 || why.empty() ? "not answered" : why;
    step.advice = AdviceFor(last_fault_);
  } else if (IsServerFailure(answered.status)) {
    step.verdict = ProbeVerdict::kFailed;
    step.advice = AdviceForCall(answered.status);
  } else if (answered.status >= 300) {
    step.detail += ": it is there, and does not serve OPTIONS";
  }
  Report(std::move(step));
  AfterOptions(now);
}

void TrunkProbe::AfterOptions(TimePoint now) {
  if (trunks_.front().register_expires == 0) return AfterRegister(now);
  Enter(State::kRegistering, kAnswerTime, now);
}

void TrunkProbe::OnRegistering(TimePoint now) {
  const trunk::TrunkStatus status = edge_->status().front();
  if (status.registered) {
    const auto& auth = trunks_.front().auth;
    Report({.name = "register",
            .detail = fmt::format("as {}; it is the gateway's own registration, and stays until it "
                                  "expires",
                                  auth ? auth->user : "")});
  } else if (!status.not_registered.reason.empty()) {
    Report({.name = "register",
            .verdict = ProbeVerdict::kFailed,
            .detail = status.not_registered.reason,
            .advice = AdviceForRegister(status.not_registered.status)});
  } else if (now >= deadline_) {
    Report({.name = "register",
            .verdict = ProbeVerdict::kFailed,
            .detail = "not answered in time",
            .advice = AdviceForRegister(0)});
  } else {
    return;
  }
  AfterRegister(now);
}

void TrunkProbe::AfterRegister(TimePoint now) {
  if (options_.number.empty()) return Finish();
  state_ = State::kCalling;
  deadline_ = kNever;
  call_ = std::make_unique<TrunkProbeCall>(
      TrunkProbeCall::Shells{.config = config_,
                             .edge = *edge_,
                             .loop = loop_,
                             .random = random_,
                             .report = [this](ProbeStep step) { Report(std::move(step)); }},
      trunks_.front(), options_.number);
  call_->Start(now);
}

void TrunkProbe::Flush(TimePoint now) {
  if (!edge_) return;
  if (edge_->next_timeout() <= now) edge_->OnTimer(now);
  for (bool again = true; again;) {
    again = false;
    for (trunk::TrunkEvent& event : edge_->TakeEvents(now)) {
      again = true;
      OnEvent(event, now);
    }
    for (const trunk::TrunkOutput& output : edge_->TakeOutputs()) {
      again |= streams_->Apply(output, now);
    }
  }
}

void TrunkProbe::OnEvent(trunk::TrunkEvent& event, TimePoint now) {
  auto* said = std::get_if<sip::UserAgentEvent>(&event);
  if (!said || std::holds_alternative<sip::IncomingRequest>(*said)) return Decline(event, now);
  auto* answered = std::get_if<sip::RequestAnswered>(said);
  if (answered && answered->id == options_id_) {
    options_answer_ = std::move(*answered);
  } else if (call_) {
    call_->OnEvent(*said, now);
  }
}

// What the carrier wants of us is the gateway's business.
void TrunkProbe::Decline(const trunk::TrunkEvent& event, TimePoint now) {
  const sip::Extras why = sip::Sentence("this is a test of the trunk, which takes nothing");
  if (const auto* invite = std::get_if<trunk::TrunkInvite>(&event)) {
    edge_->Respond(invite->dialog, 480, why, now);
  } else if (const auto* request = std::get_if<trunk::TrunkRequest>(&event)) {
    edge_->user_agent().Respond(request->request.id, 480, why, now);
  } else if (const auto* said = std::get_if<sip::UserAgentEvent>(&event)) {
    const auto& inside = std::get<sip::IncomingRequest>(*said);
    edge_->RespondInDialog(inside.dialog, inside.id, 488, why, now);
  }
}

}  // namespace lastmile::app
