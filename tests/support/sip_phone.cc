#include "tests/support/sip_phone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "gateway/sip/codec.h"

namespace lastmile::test {
namespace {

using State = SipPhone::Call::State;

constexpr char kSdp[] = "application/sdp";
constexpr uint8_t kPcma = 8;

std::string ReasonOf(const sip::Message& message) {
  const std::string* reason = message.FindExtra("Reason");
  return reason ? *reason : "";
}

}  // namespace

std::string SdpValue(const std::string& sdp, const std::string& start) {
  const size_t at = sdp.find("\r\n" + start);
  if (at == std::string::npos) return "";
  const size_t value = at + 2 + start.size();
  return sdp.substr(value, sdp.find("\r\n", value) - value);
}

// --- what the test does ---

SipPhone::Call& SipPhone::Dial(const std::string& number) {
  Call& call = calls_.emplace_back();
  call.flow = OutgoingFlow();
  call.media = NewMedia();
  call.target = DomainUri();
  call.target.user = number;
  call.invite = NewRequest("INVITE", call.target);
  call.invite.to.uri = call.target;
  call.invite.content_type = kSdp;
  call.invite.body = call.media->Describe(true);
  call.cseq = call.invite.cseq.number;
  call.local = call.invite.from;
  call.remote = call.invite.to;
  Send(call.flow, call.invite);
  return call;
}

void SipPhone::Answer(Call& call) {
  call.status = 200;
  sip::Message ok = sip::MakeResponse(call.invite, 200, "", call.local.tag());
  ok.contacts = {OwnContact()};
  ok.content_type = kSdp;
  ok.body = call.media->Describe(false);
  Send(call.flow, ok);
}

void SipPhone::HangUp(Call& call) { Send(call.flow, InDialog(call, "BYE", ++call.cseq)); }

void SipPhone::Cancel(Call& call) {
  sip::Message cancel = InDialog(call, "CANCEL", call.invite.cseq.number);
  cancel.request_uri = call.invite.request_uri;
  cancel.vias = call.invite.vias;  // RFC 3261 section 9.1
  cancel.to = call.invite.to;
  Send(call.flow, cancel);
}

void SipPhone::Speak(Call& call, const Bytes& payload) {
  ++call.spoken;
  call.media->Send({.payload_type = kPcma,
                    .marker = call.spoken == 1,
                    .sequence = static_cast<uint16_t>(1000 + call.spoken),
                    .timestamp = call.spoken * 160u,
                    .ssrc = 0x5eed,
                    .payload = payload});
}

void SipPhone::ForgetEnded() {
  std::erase_if(calls_, [](const Call& call) { return call.state == State::kEnded; });
}

void SipPhone::AddDescriptors(std::vector<pollfd>& out) const {
  for (const Call& call : calls_) {
    if (call.media) out.push_back({call.media->fd(), POLLIN, 0});
  }
}

void SipPhone::OnTurn(TimePoint now) {
  for (Call& call : calls_) {
    if (!call.media) continue;
    call.media->OnTurn(now);
    while (auto packet = call.media->Receive()) {
      EXPECT_EQ(packet->payload_type, kPcma);
      call.heard.push_back(std::move(packet->payload));
    }
  }
}

// --- messages ---

void SipPhone::Send(uint64_t flow, const sip::Message& message) {
  SendText(flow, sip::Print(message));
}

sip::Message SipPhone::NewRequest(const std::string& method, const sip::Uri& uri) {
  sip::Message request;
  request.method = method;
  request.request_uri = uri;
  request.vias = {OwnVia()};
  request.vias.front().params.Set("branch", "z9hG4bK" + random_.Token(16));
  request.from.uri = DomainUri();
  request.from.uri.user = user_;
  request.from.params.Set("tag", random_.Token(10));
  request.to.uri = request.from.uri;
  request.call_id = random_.Token(20);
  request.cseq = {1, method};
  request.max_forwards = 70;
  request.contacts = {OwnContact()};
  return request;
}

sip::Message SipPhone::InDialog(const Call& call, const std::string& method, uint32_t cseq) {
  sip::Message request = NewRequest(method, call.target);
  request.from = call.local;
  request.to = call.remote;
  request.call_id = call.invite.call_id;
  request.cseq.number = cseq;
  request.contacts.clear();
  return request;
}

std::optional<sip::Message> SipPhone::Authorized(const sip::Message&, const sip::Message&) {
  return std::nullopt;
}

void SipPhone::OnOtherResponse(const sip::Message&) {}

void SipPhone::OnText(uint64_t flow, const std::string& text) {
  const auto message = sip::Parse(text);
  ASSERT_TRUE(message) << message.error().reason << '\n' << text;
  if (message->is_request()) return OnRequest(flow, *message);
  Call* call = Find(message->call_id);
  if (call && message->cseq.method == "INVITE") {
    OnInviteResponse(*call, *message);
  } else if (call && message->cseq.method == "BYE") {
    End(*call);
  } else {
    OnOtherResponse(*message);
  }
}

void SipPhone::OnRequest(uint64_t flow, const sip::Message& request) {
  if (request.method == "INVITE") return OnInvite(flow, request);
  if (request.method == "CANCEL") return OnCancel(flow, request);
  if (request.method == "BYE") return OnBye(flow, request);
  if (request.method != "ACK") return Respond(flow, request, 405, "");
  Call* call = Find(request.call_id);
  if (call && call->status == 200 && call->state == State::kRinging) call->state = State::kTalking;
}

void SipPhone::OnInvite(uint64_t flow, const sip::Message& request) {
  // No test changes a call that stands.
  if (Find(request.call_id)) return Respond(flow, request, 488, "");
  Call& call = calls_.emplace_back();
  call.incoming = true;
  call.state = State::kRinging;
  call.flow = flow;
  call.invite = request;
  call.local = request.to;
  call.local.params.Set("tag", random_.Token(10));
  call.remote = request.from;
  call.target = request.contacts.empty() ? request.from.uri : request.contacts.front().uri;
  call.media = NewMedia();
  call.media->TakeRemote(request.body);
  Respond(flow, request, 180, call.local.tag());
  if (answers_) Answer(call);
}

void SipPhone::OnCancel(uint64_t flow, const sip::Message& request) {
  Call* call = Find(request.call_id);
  if (!call || call->status != 0) return Respond(flow, request, 481, "");
  Respond(flow, request, 200, call->local.tag());
  call->cancelled = true;
  call->status = 487;
  call->reason = ReasonOf(request);
  Respond(flow, call->invite, 487, call->local.tag());
  End(*call);
}

void SipPhone::OnBye(uint64_t flow, const sip::Message& request) {
  Call* call = Find(request.call_id);
  if (!call) return Respond(flow, request, 481, "");
  Respond(flow, request, 200, "");
  call->ended_by_peer = true;
  call->reason = ReasonOf(request);
  End(*call);
}

void SipPhone::OnInviteResponse(Call& call, const sip::Message& response) {
  if (response.status < 200) {
    if (response.status > 100 && call.state == State::kTrying) call.state = State::kRinging;
    return;
  }
  if (response.cseq.number != call.invite.cseq.number) return;
  if (response.status == 401 || response.status == 407) {
    SendAck(call, response);
    if (auto again = Authorized(call.invite, response)) {
      call.invite = *std::move(again);
      call.cseq = call.invite.cseq.number;
      return Send(call.flow, call.invite);
    }
  }
  call.status = response.status;
  if (response.status >= 300) {
    SendAck(call, response);
    call.reason = ReasonOf(response);
    return End(call);
  }
  call.remote = response.to;
  if (!response.contacts.empty()) call.target = response.contacts.front().uri;
  SendAck(call, response);
  if (call.state == State::kTalking) return;  // a 200 again, for an ACK that took its time
  call.media->TakeRemote(response.body);
  call.state = State::kTalking;
}

// RFC 3261 section 13.2.2.4 for a 2xx, 17.1.1.3 for the others.
void SipPhone::SendAck(const Call& call, const sip::Message& response) {
  sip::Message ack = InDialog(call, "ACK", call.invite.cseq.number);
  ack.to = response.to;
  if (response.status >= 300) {
    ack.request_uri = call.invite.request_uri;
    ack.vias = call.invite.vias;
  }
  Send(call.flow, ack);
}

void SipPhone::Respond(uint64_t flow, const sip::Message& request, int status,
                       const std::string& tag) {
  sip::Message response = sip::MakeResponse(request, status, "", tag);
  if (request.method == "INVITE" && status < 300) response.contacts = {OwnContact()};
  Send(flow, response);
}

SipPhone::Call* SipPhone::Find(const std::string& call_id) {
  const auto found = std::ranges::find_if(
      calls_, [&](const Call& call) { return call.invite.call_id == call_id; });
  return found == calls_.end() ? nullptr : &*found;
}

void SipPhone::End(Call& call) {
  call.state = State::kEnded;
  call.media.reset();
}

}  // namespace lastmile::test
