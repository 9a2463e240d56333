#include "gateway/app/trunk_probe_call.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "gateway/app/addresses.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/trunk_policy.h"

namespace lastmile::app {
namespace {

constexpr media::SessionId kSession{1};
constexpr size_t kRoom = 2048;  // bytes of a datagram
constexpr Duration kTurn = 20ms;

IpAddress LocalAddress(const IpAddress& bind) {
  if (!bind.is_any()) return bind;
  return *IpAddress::Parse(bind.is_v6() ? "::1" : "127.0.0.1");
}

media::MediaOptions MediaOptionsOf(const Config& config) {
  const IpAddress address = TrunkAddressOf(config);
  media::MediaOptions options;
  options.browser_bind = LocalAddress(config.trunk_media.bind);
  options.browser_advertise = {address};
  options.browser_port = 0;  // nobody calls there
  options.trunk_bind = config.trunk_media.bind;
  options.trunk_advertise = address;
  options.trunk_port_min = config.trunk_media.port_min;
  options.trunk_port_max = config.trunk_media.port_max;
  return options;
}

std::string SecondsOf(Duration time) {
  if (time < 1s) {
    return fmt::format("{} ms", std::chrono::ceil<std::chrono::milliseconds>(time).count());
  }
  return fmt::format("{:.1f} s", std::chrono::duration<double>(time).count());
}

bool IsRtcp(ByteView packet) {  // RFC 5761 section 4
  return packet.size() > 1 && packet[1] >= 192 && packet[1] <= 223;
}

}  // namespace

// --- the socket ---

ProbeSocket::ProbeSocket(const IpAddress& bind) {
  sockaddr_storage storage{};
  socklen_t length = Endpoint{LocalAddress(bind), 0}.ToSockaddr(storage);
  fd_ = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (fd_ < 0 || ::bind(fd_, address, length) != 0) return;
  length = sizeof storage;
  if (getsockname(fd_, address, &length) == 0) local_ = Endpoint::FromSockaddr(storage);
}

ProbeSocket::~ProbeSocket() {
  if (fd_ >= 0) close(fd_);
}

void ProbeSocket::Send(ByteView packet, uint16_t port) const {
  sockaddr_storage storage{};
  const socklen_t length = Endpoint{local_.address, port}.ToSockaddr(storage);
  sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&storage), length);
}

std::optional<size_t> ProbeSocket::Receive(MutableByteView room) const {
  const ssize_t size = recv(fd_, room.data(), room.size(), 0);
  if (size < 0) return std::nullopt;
  return static_cast<size_t>(size);
}

// --- the call ---

TrunkProbeCall::TrunkProbeCall(Shells shells, const trunk::Trunk& trunk, std::string number)
    : shells_(std::move(shells)),
      trunk_(trunk),
      number_(std::move(number)),
      policy_(shells_.config.trunk_policies.at(trunk.name)),
      leg_(shells_.random.Next64() >> 2),
      socket_(shells_.config.trunk_media.bind) {}

TrunkProbeCall::~TrunkProbeCall() {
  if (engine_) engine_->Stop();
  events_.SetWake(nullptr);
}

void TrunkProbeCall::Start(TimePoint now) {
  events_.SetWake([this] { shells_.loop.Wake(); });
  engine_ = std::make_unique<media::MediaEngine>(MediaOptionsOf(shells_.config), events_);
  auto started = engine_->Start();
  const bool open =
      started && socket_.local().port != 0 && engine_->Post(media::OpenBridge{.session = kSession});
  if (open) {
    deadline_ = now + kEndTime;
    return;
  }
  shells_.report(
      {.name = "call",
       .verdict = ProbeVerdict::kFailed,
       .detail = started ? "no UDP port for the test's own end" : started.error().message,
       .advice = "check `media.trunk.bind`: it has to be an address of this machine"});
  Finish();
}

bool TrunkProbeCall::Post(media::MediaCommand command) { return engine_->Post(std::move(command)); }

void TrunkProbeCall::OnMedia(const media::MediaEvent& event, TimePoint now) {
  if (const auto* opened = std::get_if<media::BridgeOpened>(&event)) {
    if (state_ != State::kOpening) return;
    bridge_port_ = opened->first.rtp.port;
    PlaceCall(opened->second, now);
  } else if (const auto* failed = std::get_if<media::SessionFailed>(&event)) {
    if (state_ != State::kOpening) return;
    shells_.report(
        {.name = "call",
         .verdict = ProbeVerdict::kFailed,
         .detail = failed->reason,
         .advice = "more ports in `media.trunk.ports`: a gateway that runs may have all"});
    Finish();
  } else if (std::holds_alternative<media::SessionClosed>(event)) {
    if (!tone_) return;
    heard_.tone = tone_->report();
    shells_.report(JudgeAudio(heard_));
    tone_.reset();
  }
}

void TrunkProbeCall::PlaceCall(const media::TrunkPorts& ports, TimePoint now) {
  trunk::TrunkEdge::CallRequest request{.trunk = trunk_.name,
                                        .number = number_,
                                        .caller = trunk_.auth ? trunk_.auth->user : "lastmile",
                                        .user = "",
                                        .offer = ""};
  leg_.SetProfile(call::ProfileWithin(policy_, shells_.edge.InviteHeadBytes(request)));
  keys_ = call::MakeTrunkKeys(policy_, shells_.random);
  sdp::TrunkLocalMedia local = call::ToTrunkLocal({.rtp = ports.rtp, .rtcp = ports.rtcp}, keys_);
  local.codecs = sdp::CodecsOfPolicy(policy_.codecs);
  call::KeepEventsIf(policy_.dtmf == call::DtmfMode::kRfc4733, local.codecs);
  local.rtcp_mux = policy_.sdp.rtcp_mux;
  request.offer = leg_.BuildOffer(local);
  dialog_ = shells_.edge.PlaceCall(request, now);
  state_ = State::kRinging;
  placed_ = now;
  deadline_ = now + kRingTime;
}

void TrunkProbeCall::OnEvent(const sip::UserAgentEvent& event, TimePoint now) {
  if (const auto* progress = std::get_if<sip::InviteProgress>(&event)) {
    if (!progress->response.body.empty()) early_answer_ = progress->response.body;
  } else if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    if (rejected->dialog == dialog_) OnRejected(*rejected, now);
  } else if (const auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    if (accepted->dialog == dialog_) OnAccepted(*accepted, now);
  } else if (const auto* ended = std::get_if<sip::DialogEnded>(&event)) {
    if (ended->dialog != dialog_ || state_ != State::kTalking) return;
    heard_.ended_early = true;
    End(now);
  }
}

void TrunkProbeCall::OnRejected(const sip::InviteRejected& rejected, TimePoint now) {
  ProbeStep step{.name = "call", .verdict = ProbeVerdict::kFailed, .detail = ""};
  step.advice = AdviceForCall(rejected.status);
  if (state_ == State::kCancelling) {
    step.detail = "not answered within " + SecondsOf(deadline_ - kEndTime - placed_);
    step.advice = AdviceForCall(408);
  } else if (rejected.response) {
    step.detail = fmt::format("refused with {} {} after {}", rejected.status,
                              rejected.response->reason_phrase, SecondsOf(now - placed_));
    for (const char* header : {"Warning", "Reason"}) {
      const std::string* said = rejected.response->FindExtra(header);
      if (said) step.detail += fmt::format("; {}: {}", header, *said);
    }
    if (!rejected.challenge_fault.empty()) step.detail += ": " + rejected.challenge_fault;
  } else {
    step.detail = !rejected.warning.empty() ? rejected.warning
                  : rejected.status == 408  ? "no answer to INVITE"
                                            : "the connection was lost";
  }
  shells_.report(std::move(step));
  End(now);
}

void TrunkProbeCall::OnAccepted(const sip::InviteAccepted& accepted, TimePoint now) {
  shells_.edge.user_agent().Ack(dialog_, {}, now);
  const std::string& body = accepted.response.body;
  const auto media = leg_.TakeAnswer(body.empty() ? early_answer_ : body);
  ProbeStep step{.name = "call", .detail = "answered in " + SecondsOf(now - placed_)};
  if (!media) {
    step.verdict = ProbeVerdict::kFailed;
    step.detail += ", and its SDP cannot be used: " + media.error().reason;
    step.advice = AdviceForCall(488);
  } else {
    step.detail +=
        fmt::format(" with {}, {}", call::CodecNames(media->codecs), call::NameOfTransport(*media));
  }
  shells_.report(std::move(step));
  std::optional<std::string> why_not;
  if (media) why_not = StartTone(*media, now);
  if (why_not) {
    shells_.report({.name = "audio",
                    .verdict = ProbeVerdict::kNotTold,
                    .detail = "not tried: " + *why_not,
                    .advice = "pcmu or pcma in the trunk's `codecs`: the test's tone is G.711"});
  }
  if (state_ == State::kTalking) return;
  shells_.edge.Bye(dialog_, {}, now);
  tone_.reset();
  End(now);
}

std::optional<std::string> TrunkProbeCall::StartTone(const sdp::TrunkMedia& media, TimePoint now) {
  if (media.held) return "the other side has put the call on hold";
  std::vector<media::PayloadMapping> payloads;
  // In the order of the carrier, whose first one counts.
  call::AddPayloads(sdp::CommonCodecs(leg_.said(), media.codecs), media.codecs, leg_.said(), false,
                    payloads);
  const auto speech = std::ranges::find_if(
      payloads, [](const auto& mapping) { return LawOf(mapping.codec) != media::G711::kNone; });
  if (speech == payloads.end()) return "the call is in " + call::CodecNames(media.codecs);
  tone_.emplace(LawOf(speech->codec), speech->browser_pt, shells_.random);
  const Endpoint here = socket_.local();
  remote_ = call::ToTrunkRemote(media, policy_.nat, keys_);
  remote_.signalled_from = shells_.edge.PeerOf(dialog_);
  const bool posted = Post(
      media::UpdateBridge{.session = kSession,
                          .first = media::TrunkRemote{.rtp = here, .rtcp = here, .rtcp_mux = true},
                          .second = remote_,
                          .payloads = std::move(payloads)});
  if (!posted) return "the media engine is overloaded";
  state_ = State::kTalking;
  // The anchor's thread has to know of it first.
  next_packet_ = now + 2 * kPacketTime;
  tone_ends_ = next_packet_ + kToneTime;
  deadline_ = tone_ends_ + kEchoTime;
  return std::nullopt;
}

void TrunkProbeCall::RunTone(TimePoint now) {
  std::array<uint8_t, kRoom> room;
  for (; next_packet_ <= now && next_packet_ < tone_ends_; next_packet_ += kPacketTime) {
    socket_.Send(tone_->NextPacket(room), bridge_port_);
  }
  while (const auto size = socket_.Receive(room)) {
    const MutableByteView packet(room.data(), *size);
    if (IsRtcp(packet)) continue;
    ++heard_.packets;
    tone_->OnPacket(packet);
  }
  if (heard_.packets == 0 && !remote_.latch && now >= tone_ends_ - kToneTime / 2) {
    // Nothing so far: does it come from anywhere else?
    remote_.latch = heard_.latched = true;
    if (!Post(media::UpdateBridge{.session = kSession, .second = remote_})) return;
  }
  next_ = next_packet_ < tone_ends_ ? next_packet_ : now + kTurn;
}

void TrunkProbeCall::OnTurn(TimePoint now) {
  events_.Drain(batch_);
  for (const media::MediaEvent& event : batch_) OnMedia(event, now);
  next_ = deadline_;
  switch (state_) {
    case State::kTalking:
      RunTone(now);
      [[fallthrough]];
    case State::kOpening:
    case State::kRinging:
      if (now >= deadline_) HangUp(now);
      return;
    case State::kCancelling:
      if (now < deadline_) return;
      shells_.report({.name = "call",
                      .verdict = ProbeVerdict::kFailed,
                      .detail = "not answered, and neither was its CANCEL",
                      .advice = AdviceForCall(503)});
      return End(now);
    case State::kEnding: {
      const bool told = shells_.edge.user_agent().gauges().transactions == 0;
      const bool closed = engine_->gauges().sessions == 0 && !tone_;
      next_ = now + kTurn;
      if ((told && closed) || now >= deadline_) Finish();
      return;
    }
    case State::kDone:
      return;
  }
}

void TrunkProbeCall::HangUp(TimePoint now) {
  switch (state_) {
    case State::kOpening:
      shells_.report({.name = "call",
                      .verdict = ProbeVerdict::kNotTold,
                      .detail = "ended before it was placed"});
      return End(now);
    case State::kRinging:
      if (!dialog_) return;
      state_ = State::kCancelling;
      deadline_ = now + kEndTime;
      return shells_.edge.Cancel(dialog_, {}, now);
    case State::kTalking:
      shells_.edge.Bye(dialog_, {}, now);
      return End(now);
    case State::kCancelling:
    case State::kEnding:
    case State::kDone:
      return;
  }
}

void TrunkProbeCall::End(TimePoint now) {
  state_ = State::kEnding;
  deadline_ = now + kEndTime;
  if (!Post(media::CloseSession{kSession})) Finish();
}

void TrunkProbeCall::Finish() { state_ = State::kDone; }

}  // namespace lastmile::app
