#include "tests/bench/load/call_run.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace lastmile::bench {
namespace {

using State = test::SipPhone::Call::State;

constexpr Duration kPatience = 20s;
constexpr Duration kUpkeep = 5ms;
constexpr Duration kRest = 2s;         // until a program that has worked shows its true size
constexpr double kHangUpsPerCall = 4;  // so much faster than they are set up

Duration Seconds(double count) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
}

double Ms(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

double KibOf(size_t now, size_t before) {
  return (static_cast<double>(now) - static_cast<double>(before)) / 1024;
}

double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<size_t>(static_cast<double>(values.size() - 1) * share)];
}

}  // namespace

void CallRun::CarrierReader::OnReadable(TimePoint now) {
  run.carrier_.OnTurn(now);
  run.WatchCarrier();
}

CallRun::CallRun(uint16_t carrier_port) : carrier_(carrier_port) {
  carrier_.set_media([this] { return std::make_unique<CarrierAudio>(loop_, next_leg_++, tally_); });
  WatchCarrier();
}

void CallRun::WatchCarrier() {
  std::vector<pollfd> descriptors;
  carrier_.AddDescriptors(descriptors);
  for (const pollfd& entry : descriptors) loop_.Watch(entry.fd, carrier_reader_);
}

Result<nlohmann::json> CallRun::Run(const CallOptions& options, const ProcessMeter& meter) {
  options_ = &options;
  meter_ = &meter;
  result_ = {{"calls", options.calls}, {"clients", options.clients}};
  Rest();
  const size_t bare = meter.PssBytes();
  auto done = Measure("connect_ms", options.clients, [this] { return Connect(); });
  if (done) done = Measure("register_ms", options.clients, [this] { return Register(); });
  if (!done) return std::unexpected(done.error());
  Rest();
  const size_t registered = meter.PssBytes();
  result_["client_kib"] = KibOf(registered, bare) / options.clients;
  BeIdle();
  if (options.calls == 0) return result_;
  return options.step == 0 ? CallOnce() : FindCapacity();
}

Result<nlohmann::json> CallRun::CallOnce() {
  const int calls = options_->calls;
  const size_t before = meter_->PssBytes();
  auto done = Measure("setup_ms", calls, [&] { return SetUp(0, calls); });
  if (!done) return std::unexpected(done.error());
  TellLatencies();
  Rest();
  result_["call_kib"] = KibOf(meter_->PssBytes(), before) / calls;
  result_.update(Talk(calls));
  result_["threads"] = meter_->threads();
  if (options_->handshakes > 0) done = TalkBesideHandshakes(calls);
  if (!done) return std::unexpected(done.error());
  done = Measure("release_ms", calls, [this] { return HangUp(); });
  if (!done) return std::unexpected(done.error());
  return result_;
}

// Whether so many get through; a disturbance of the machine is not yet a no.
bool CallRun::GetThrough(int calls) {
  constexpr int kTries = 3;
  constexpr double kMostLoss = 0.001;
  constexpr double kMostDelayMs = 20;  // of 99 %
  constexpr double kLeastPace = 0.99;  // less: the load does not keep up
  for (int i = 0; i < kTries; ++i) {
    const nlohmann::json media = Talk(calls);
    result_["tried"].push_back({calls, media["core"], media["loss"], media["p99_ms"]});
    result_["load_was_full"] = media["pace"] < kLeastPace;
    if (media["pace"] < kLeastPace) continue;
    if (media["loss"] <= kMostLoss && media["p99_ms"] <= kMostDelayMs) return true;
  }
  return false;
}

Result<nlohmann::json> CallRun::FindCapacity() {
  result_["capacity"] = 0;
  int from = 0;
  for (int to = options_->calls; to <= options_->clients; to += options_->step) {
    if (const auto done = SetUp(from, to); !done) return std::unexpected(done.error());
    if (!GetThrough(to)) return result_;
    result_["capacity"] = to;
    from = to;
  }
  result_["load_was_full"] = true;  // it has no more clients
  return result_;
}

Result<void> CallRun::Measure(const std::string& name, int count,
                              const std::function<Result<void>()>& step) {
  const Duration before = meter_->Cpu();
  auto done = step();
  result_[name] = Ms(meter_->Cpu() - before) / count;
  return done;
}

Result<void> CallRun::Connect() {
  for (int i = 0; i < options_->clients; ++i) {
    Client& client =
        clients_.emplace_back(test::BrowserPhone::Options{.server = options_->gateway,
                                                          .origin = options_->origin,
                                                          .domain = options_->domain,
                                                          .user = "user" + std::to_string(i),
                                                          .password = "secret",
                                                          .tls = options_->tls});
    if (!client.phone.connected()) return Fail("client " + std::to_string(i) + " cannot connect");
    client.phone.set_media(
        [this] { return std::make_unique<ClientAudio>(loop_, next_leg_++, tally_); });
    loop_.Watch(client.phone.connection(), client);
    TurnUntil(MonotonicNow());
  }
  return {};
}

Result<void> CallRun::Register() {
  constexpr size_t kAtOnce = 32;
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].phone.Register();
    const size_t oldest = i < kAtOnce ? 0 : i - kAtOnce;
    if (!Until([&] { return i < kAtOnce || clients_[oldest].phone.register_status() != 0; })) break;
  }
  const bool all = Until([this] {
    return std::ranges::all_of(clients_, [](const Client& c) { return c.phone.register_status(); });
  });
  if (!all) return Fail("not every REGISTER was answered");
  const auto refused = std::ranges::find_if(
      clients_, [](const Client& c) { return c.phone.register_status() != 200; });
  if (refused == clients_.end()) return {};
  return Fail("REGISTER was answered " + std::to_string(refused->phone.register_status()));
}

void CallRun::Rest() { TurnUntil(MonotonicNow() + kRest); }

void CallRun::BeIdle() {
  if (options_->idle == Duration{}) return;
  const Duration before = meter_->Cpu();
  TurnUntil(MonotonicNow() + options_->idle);
  result_["idle_core"] = Ms(meter_->Cpu() - before) / Ms(options_->idle);
  const auto connected = std::ranges::count_if(
      clients_, [](const Client& client) { return client.phone.connected(); });
  result_["idle_connected"] = connected;
}

bool CallRun::AllReady(int calls) const {
  return std::ranges::all_of(clients_.begin(), clients_.begin() + calls,
                             [](const Client& client) { return client.ready(); });
}

Result<void> CallRun::SetUp(int from, int to) {
  const TimePoint start = MonotonicNow();
  for (int i = from; i < to; ++i) {
    TurnUntil(start + Seconds((i - from) / options_->rate));
    clients_[static_cast<size_t>(i)].Dial();
  }
  if (Until([&] { return AllReady(to); })) return {};
  for (const Client& client : clients_) {
    if (client.call == nullptr) continue;
    if (client.call->status >= 300) {
      return Fail("INVITE was answered " + std::to_string(client.call->status));
    }
    if (client.audio() && client.audio()->failed()) return Fail("a DTLS handshake failed");
  }
  return Fail("not every call has media");
}

void CallRun::TellLatencies() {
  std::vector<double> answers;
  std::vector<double> media;
  for (const Client& client : clients_) {
    if (client.audio() == nullptr) continue;
    answers.push_back(Ms(client.answered - client.dialled));
    media.push_back(Ms(client.audio()->ready_at() - client.dialled));
  }
  result_["answer_p50_ms"] = Quantile(answers, 0.5);
  result_["answer_p99_ms"] = Quantile(answers, 0.99);
  result_["media_p50_ms"] = Quantile(media, 0.5);
  result_["media_p99_ms"] = Quantile(media, 0.99);
}

nlohmann::json CallRun::Talk(int calls, Handshakes* beside) {
  std::vector<MediaLeg*> legs;
  auto at_carrier = carrier_.calls().begin();
  for (int i = 0; i < calls; ++i, ++at_carrier) {
    legs.push_back(&static_cast<CallAudio&>(*clients_[static_cast<size_t>(i)].call->media).leg());
    legs.push_back(&static_cast<CallAudio&>(*at_carrier->media).leg());
  }
  return PumpMedia(loop_, legs, tally_, *meter_, options_->pump, [&](TimePoint now) {
    Upkeep(now);
    if (beside != nullptr) beside->OnTurn(now);
  });
}

Result<void> CallRun::TalkBesideHandshakes(int calls) {
  std::vector<Client*> others;
  for (auto at = clients_.begin() + calls; at != clients_.end(); ++at) others.push_back(&*at);
  const TimePoint start = MonotonicNow();
  Handshakes beside(others, options_->handshakes);
  const nlohmann::json media = Talk(calls, &beside);
  for (const auto& [name, value] : media.items()) result_["beside_" + name] = value;
  const Duration took = MonotonicNow() - start;
  std::vector<double> set_ups_ms = beside.set_ups_ms();
  result_["handshakes"] = static_cast<double>(set_ups_ms.size()) * 1000 / Ms(took);
  result_["handshake_p50_ms"] = Quantile(set_ups_ms, 0.5);
  result_["handshake_p99_ms"] = Quantile(set_ups_ms, 0.99);
  beside.Stop();
  const bool over = Until([&] {
    beside.OnTurn(MonotonicNow());
    return beside.idle();
  });
  result_["handshakes_failed"] = beside.failed();
  if (!over) return Fail("not every call beside the others came to its end");
  return {};
}

Result<void> CallRun::HangUp() {
  const TimePoint start = MonotonicNow();
  for (int i = 0; i < options_->calls; ++i) {
    TurnUntil(start + Seconds(i / (kHangUpsPerCall * options_->rate)));
    Client& client = clients_[static_cast<size_t>(i)];
    client.phone.HangUp(*client.call);
  }
  const bool over = Until([this] {
    return std::ranges::all_of(clients_.begin(), clients_.begin() + options_->calls,
                               [](const Client& c) { return c.call->state == State::kEnded; });
  });
  if (!over) return Fail("not every BYE was answered");
  return {};
}

bool CallRun::Until(const std::function<bool()>& done) {
  const TimePoint give_up = MonotonicNow() + kPatience;
  while (!done()) {
    if (MonotonicNow() > give_up) return false;
    TurnUntil(MonotonicNow() + 1ms);
  }
  return true;
}

void CallRun::TurnUntil(TimePoint until) {
  do {
    loop_.Turn(std::min(until, next_upkeep_));
    const TimePoint now = MonotonicNow();
    if (now < next_upkeep_) continue;
    Upkeep(now);
    next_upkeep_ = now + kUpkeep;
  } while (MonotonicNow() < until);
}

// ICE's checks and DTLS' retransmissions.
void CallRun::Upkeep(TimePoint now) {
  for (Client& client : clients_) {
    if (client.call != nullptr && client.call->media) client.call->media->OnTurn(now);
  }
}

}  // namespace lastmile::bench
