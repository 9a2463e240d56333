#include "demo_carrier/call.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace lastmile::demo_carrier {
namespace {

constexpr char kSdpType[] = "application/sdp";

// The user part of a From goes into the Request-URI of the call back: only what needs no escaping.
std::string SafeUser(const char* user) {
  const std::string_view text = user ? user : "";
  const bool safe = text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
                      return std::isalnum(c) || c == '+' || c == '-' || c == '_' || c == '.';
                    });
  return safe ? std::string(text) : "";
}

// What somebody dialled, fit for one word of a line.
std::string OneWord(std::string_view text) {
  std::string word(text);
  std::ranges::replace_if(
      word, [](char c) { return c <= 0x20 || c > 0x7e; }, '?');
  return word.empty() ? "-" : word;
}

}  // namespace

std::string SdpOf(const sip_t* sip) {
  const sip_payload_t* payload = sip->sip_payload;
  const sip_content_type_t* type = sip->sip_content_type;
  if (!payload || !payload->pl_data || !type || !type->c_type) return "";
  if (strcasecmp(type->c_type, kSdpType) != 0) return "";
  return {payload->pl_data, payload->pl_len};
}

int RefuseMethod(nta_incoming_t* request, const sip_t* sip) {
  if (sip->sip_request->rq_method == sip_method_unknown) return 501;
  nta_incoming_treply(request, SIP_405_METHOD_NOT_ALLOWED, SIPTAG_ALLOW_STR(kAllow), TAG_END());
  return 405;
}

int AnswerOptions(nta_incoming_t* request) {
  nta_incoming_treply(request, SIP_200_OK, SIPTAG_ALLOW_STR(kAllow), SIPTAG_ACCEPT_STR(kSdpType),
                      TAG_END());
  return 200;
}

Call::Call(CallHost& host, uint64_t id, Direction direction, std::string number)
    : host_(host), id_(id), direction_(direction), number_(std::move(number)) {}

Call::~Call() {
  if (media_) host_.CloseMedia(std::move(media_));
  if (bye_) nta_outgoing_destroy(bye_);
  if (invite_out_) nta_outgoing_destroy(invite_out_);
  if (invite_in_) nta_incoming_destroy(invite_in_);
  for (nta_incoming_t* reinvite : reinvites_) nta_incoming_destroy(reinvite);
  if (leg_) nta_leg_destroy(leg_);
}

int Call::Take(nta_incoming_t* invite, const sip_t* sip, TimePoint now) {
  plan_ = PlanFor(number_);
  if (plan_.refuse_code != 0) {
    return Refuse(invite, plan_.refuse_code, plan_.refuse_reason, plan_.retry_after_s);
  }
  if (const std::string sdp = SdpOf(sip); !sdp.empty()) {
    auto offer = ReadSdp(sdp);
    if (!offer) return Refuse(invite, 488, "Not Acceptable Here", 0);
    remote_ = std::move(*offer);
  } else if (sip->sip_payload) {
    return Refuse(invite, 415, "Unsupported Media Type", 0);
  }
  if (!OpenMedia()) return Refuse(invite, 503, "No Media Port Free", 1);
  if (remote_) media_->SetRemote(remote_->audio);
  caller_ = SafeUser(sip->sip_from->a_url->url_user);
  StartDialog(invite, sip);
  if (!leg_) return Refuse(invite, 500, "No Dialog", 0);
  StartScript(now);
  return 0;
}

int Call::Refuse(nta_incoming_t* invite, int code, const char* reason, int retry_after_s) {
  const std::string seconds = std::to_string(retry_after_s);
  nta_incoming_treply(invite, code, reason,
                      TAG_IF(retry_after_s > 0, SIPTAG_RETRY_AFTER_STR(seconds.c_str())),
                      TAG_END());
  End(code, "refused");
  return code;
}

bool Call::OpenMedia() {
  auto opened = host_.OpenMedia(
      {.on_digit =
           [this](char digit) { host_.Print(fmt::format("dtmf call={} digit={}", id_, digit)); },
       .on_heard =
           [this](const Heard& heard) {
             host_.Print(fmt::format("heard call={} hz={:.1f} level={:.1f}", id_, heard.hz,
                                     heard.level_db));
           }});
  if (opened) media_ = std::move(*opened);
  return media_ != nullptr;
}

void Call::StartDialog(nta_incoming_t* invite, const sip_t* sip) {
  leg_ =
      nta_leg_tcreate(host_.agent(), RequestHandler::Thunk, this, SIPTAG_CALL_ID(sip->sip_call_id),
                      SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from), TAG_END());
  if (!leg_) return;
  nta_leg_tag(leg_, nullptr);
  nta_incoming_tag(invite, nta_leg_get_tag(leg_));
  nta_leg_server_route(leg_, sip->sip_record_route, sip->sip_contact);
  nta_incoming_bind(invite, AckCancelThunk, this);
  invite_in_ = invite;
}

void Call::StartScript(TimePoint now) {
  state_ = State::kEarly;
  if (plan_.answer_after) answer_at_ = now + *plan_.answer_after;
  if (plan_.early_media && remote_) {
    Reply(invite_in_, 183, "Session Progress", LocalSdp());
    media_->Play(Sound::kTone, kEarlyMediaHz, now);
    PrintState("progress", 183);
  } else if (plan_.rings || plan_.early_media) {
    Reply(invite_in_, 180, "Ringing", "");
    PrintState("ringing", 180);
  }
  if (answer_at_ <= now) Answer();
}

void Call::Reply(nta_incoming_t* invite, int code, const char* reason, const std::string& sdp) {
  nta_incoming_treply(invite, code, reason, SIPTAG_CONTACT_STR(host_.contact().c_str()),
                      SIPTAG_ALLOW_STR(kAllow),
                      TAG_IF(!sdp.empty(), SIPTAG_CONTENT_TYPE_STR(kSdpType)),
                      TAG_IF(!sdp.empty(), SIPTAG_PAYLOAD_STR(sdp.c_str())), TAG_END());
}

std::string Call::LocalSdp() {
  const LocalAudio local{host_.MediaAddress(*media_), id_, ++sdp_version_};
  return remote_ ? BuildAnswer(*remote_, local) : BuildOffer(local);
}

void Call::Answer() {
  const TimePoint now = MonotonicNow();
  answer_at_ = kNever;
  state_ = State::kAnswered;
  hang_up_at_ = now + plan_.hang_up_after.value_or(kLongestCall);
  awaits_answer_in_ack_ = !remote_;
  Reply(invite_in_, 200, "OK", LocalSdp());
  media_->Play(plan_.sound, host_.tone_hz(), now);
  PrintState("answered", 200);
}

int Call::AckCancelThunk(Call* self, nta_incoming_t* request, const sip_t* sip) noexcept {
  const bool first = request == self->invite_in_;
  if (sip && sip->sip_request->rq_method == sip_method_ack) {
    self->OnAck(sip);
  } else if (sip && first && self->state_ == State::kEarly) {
    self->End(487, "cancelled");  // nta answers both the CANCEL and the INVITE
  } else if (!sip && first && self->state_ == State::kAnswered) {
    self->SendBye("no-ack");
  }
  return 0;
}

void Call::OnAck(const sip_t* sip) {
  if (!awaits_answer_in_ack_ || state_ != State::kAnswered) return;
  awaits_answer_in_ack_ = false;
  auto answer = ReadSdp(SdpOf(sip));
  if (!answer) return SendBye("no-media");
  remote_ = std::move(*answer);
  media_->SetRemote(remote_->audio);
}

int Call::OnRequest(nta_incoming_t* request, const sip_t* sip) {
  switch (sip->sip_request->rq_method) {
    case sip_method_bye:
      if (state_ != State::kEnded) End(200, "bye-received");
      return 200;
    case sip_method_invite:
      return OnReinvite(request, sip);
    case sip_method_options:
      return AnswerOptions(request);
    case sip_method_ack:
      return 0;
    default:
      return RefuseMethod(request, sip);
  }
}

// Takes the new address and codec and goes on with the same media.
int Call::OnReinvite(nta_incoming_t* request, const sip_t* sip) {
  if (state_ != State::kAnswered) return 491;
  const std::string sdp = SdpOf(sip);
  if (sdp.empty()) {
    remote_.reset();  // our SDP is then an offer
    awaits_answer_in_ack_ = true;
  } else {
    auto offer = ReadSdp(sdp);
    if (!offer) return 488;
    remote_ = std::move(*offer);
    media_->SetRemote(remote_->audio);
  }
  nta_leg_server_route(leg_, sip->sip_record_route, sip->sip_contact);
  nta_incoming_bind(request, AckCancelThunk, this);
  reinvites_.push_back(request);
  Reply(request, 200, "OK", LocalSdp());
  PrintState("updated", 200);
  return 0;
}

void Call::Place() {
  plan_.sound = Sound::kTone;
  if (!OpenMedia()) return End(503, "no-media-port");
  const std::string gateway = host_.gateway();
  const std::string url = fmt::format("sip:{}@{}", number_, gateway);
  const std::string to = fmt::format("<sip:{}@{}>", number_, gateway.substr(0, gateway.find(';')));
  const std::string from = fmt::format("<sip:605@{}>", host_.identity());
  leg_ = nta_leg_tcreate(host_.agent(), RequestHandler::Thunk, this, SIPTAG_FROM_STR(from.c_str()),
                         SIPTAG_TO_STR(to.c_str()), TAG_END());
  if (!leg_) return End(500, "no-dialog");
  nta_leg_tag(leg_, nullptr);
  const std::string sdp = LocalSdp();
  invite_out_ = nta_outgoing_tcreate(
      leg_, InviteThunk, this, nullptr, SIP_METHOD_INVITE, URL_STRING_MAKE(url.c_str()),
      SIPTAG_CONTACT_STR(host_.contact().c_str()), SIPTAG_ALLOW_STR(kAllow),
      SIPTAG_CONTENT_TYPE_STR(kSdpType), SIPTAG_PAYLOAD_STR(sdp.c_str()), TAG_END());
  if (!invite_out_) return End(503, "no-transport");
  hang_up_at_ = MonotonicNow() + kPlacedCall;
  hang_up_cause_ = "no-answer";
  PrintState("calling", 0);
}

int Call::InviteThunk(Call* self, nta_outgoing_t*, const sip_t* sip) noexcept {
  if (sip && sip->sip_status) self->OnInviteResponse(sip);
  return 0;
}

void Call::OnInviteResponse(const sip_t* sip) {
  const int code = sip->sip_status->st_status;
  if (code < 200) {
    if (code > 100 && state_ == State::kNew) {
      state_ = State::kEarly;
      PrintState("ringing", code);
    }
    return;
  }
  if (code < 300) return OnPlacedCallAnswered(sip);
  if (state_ != State::kEnded) End(code, state_ == State::kHangingUp ? "cancelled" : "refused");
}

void Call::OnPlacedCallAnswered(const sip_t* sip) {
  const bool repeated = state_ == State::kAnswered || bye_;
  if (!repeated) {
    nta_leg_rtag(leg_, sip->sip_to->a_tag);
    nta_leg_client_route(leg_, sip->sip_record_route, sip->sip_contact);
  }
  SendAck();
  if (repeated || state_ == State::kEnded) return;
  if (state_ == State::kHangingUp) return SendBye("answered-too-late");
  auto answer = ReadSdp(SdpOf(sip));
  if (!answer) return SendBye("no-media");
  state_ = State::kAnswered;
  remote_ = std::move(*answer);
  media_->SetRemote(remote_->audio);
  const TimePoint now = MonotonicNow();
  media_->Play(plan_.sound, host_.tone_hz(), now);
  hang_up_at_ = now + kPlacedCall;
  hang_up_cause_ = "script";
  PrintState("answered", 200);
}

void Call::SendAck() {
  su_home_t home[1] = {SU_HOME_INIT(home)};
  sip_cseq_t* cseq = sip_cseq_create(home, nta_outgoing_cseq(invite_out_), SIP_METHOD_ACK);
  nta_outgoing_t* ack = nta_outgoing_tcreate(leg_, nullptr, nullptr, nullptr, SIP_METHOD_ACK,
                                             nullptr, SIPTAG_CSEQ(cseq), TAG_END());
  if (ack) nta_outgoing_destroy(ack);
  su_home_deinit(home);
}

void Call::SendBye(const char* cause) {
  if (bye_) return;
  state_ = State::kHangingUp;
  hang_up_cause_ = cause;
  bye_ = nta_outgoing_tcreate(leg_, ByeThunk, this, nullptr, SIP_METHOD_BYE, nullptr, TAG_END());
  if (!bye_) End(200, cause);
}

int Call::ByeThunk(Call* self, nta_outgoing_t*, const sip_t* sip) noexcept {
  const int code = sip && sip->sip_status ? sip->sip_status->st_status : 0;
  if (code >= 200 && self->state_ != State::kEnded) self->End(200, self->hang_up_cause_);
  return 0;
}

void Call::HangUp(const char* cause) {
  if (state_ == State::kEnded || state_ == State::kHangingUp) return;
  if (state_ == State::kAnswered) return SendBye(cause);
  if (direction_ == Direction::kIn) {
    nta_incoming_treply(invite_in_, SIP_480_TEMPORARILY_UNAVAILABLE, TAG_END());
    return End(480, cause);
  }
  state_ = State::kHangingUp;
  hang_up_at_ = kNever;
  nta_outgoing_tcancel(invite_out_, nullptr, nullptr, TAG_END());
}

void Call::OnTick(TimePoint now) {
  if (state_ == State::kEnded) return;
  if (media_) media_->OnTick(now);
  if (now >= answer_at_ && state_ == State::kEarly) Answer();
  if (now >= hang_up_at_) HangUp(hang_up_cause_);
}

void Call::End(int code, const char* cause) {
  state_ = State::kEnded;
  if (media_) host_.CloseMedia(std::move(media_));
  PrintState("ended", code, cause);
  if (plan_.calls_back && code == 200 && !caller_.empty()) host_.PlaceCall(caller_);
}

void Call::PrintState(const char* state, int code, const char* cause) {
  host_.Print(fmt::format("call state={} call={} dir={} number={} code={}{}{}", state, id_,
                          direction_ == Direction::kIn ? "in" : "out", OneWord(number_), code,
                          cause ? " cause=" : "", cause ? cause : ""));
}

}  // namespace lastmile::demo_carrier
