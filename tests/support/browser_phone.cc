#include "tests/support/browser_phone.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <utility>

#include "sdp/attributes.h"

namespace lastmile::test {
namespace {

constexpr int kText = 1;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

class BrowserAudio final : public CallMedia {
 public:
  explicit BrowserAudio(const std::vector<std::string>& candidates)
      : candidates_(candidates), peer_({.bind = IpAddress::V4(0x7f000001)}) {}

  std::string Describe(bool offer) override {
    const media::BrowserRemote own = peer_.Description();
    const auto& print = own.fingerprints.front();
    std::string sdp = fmt::format(
        "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\n"
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\na=setup:{}\r\na=mid:0\r\n"
        "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n",
        own.ice_ufrag, own.ice_pwd,
        sdp::ToValue(sdp::Fingerprint{.hash = print.hash, .digest = print.digest}),
        offer ? "actpass" : "active");
    for (const std::string& candidate : candidates_) sdp += "a=candidate:" + candidate + "\r\n";
    return sdp;
  }
  void TakeRemote(const std::string& sdp) override {
    const auto print = sdp::ParseFingerprint(SdpValue(sdp, "a=fingerprint:"));
    const auto candidate = sdp::ParseCandidate(SdpValue(sdp, "a=candidate:"));
    ASSERT_TRUE(print && candidate && candidate->ip) << sdp;
    peer_.SetGateway({.ice_ufrag = SdpValue(sdp, "a=ice-ufrag:"),
                      .ice_pwd = SdpValue(sdp, "a=ice-pwd:"),
                      .candidates = {{*candidate->ip, candidate->port}},
                      .fingerprint = {.hash = print->hash, .digest = print->digest}},
                     MonotonicNow());
  }
  bool ready() const override { return peer_.connected(); }
  void Send(const TestRtp& packet) override { peer_.SendRtp(packet); }
  std::optional<TestRtp> Receive() override { return peer_.PopRtp(); }
  void OnTurn(TimePoint now) override {
    peer_.OnReadable(now);
    if (peer_.next_timeout() <= now) peer_.OnTimer(now);
    EXPECT_FALSE(peer_.failed());
  }
  int fd() const override { return peer_.fd(); }
  void StopChecks() { peer_.StopChecks(); }

 private:
  const std::vector<std::string> candidates_;
  WebrtcPeer peer_;
};

}  // namespace

BrowserPhone::BrowserPhone(Options options)
    : SipPhone(options.user),
      options_(std::move(options)),
      host_(random_.Token(12) + ".invalid"),
      client_(options_.server, {.tls = options_.tls}),
      connected_(client_.Open("Origin: " + options_.origin + "\r\n")) {}

void BrowserPhone::Register() {
  register_ = NewRequest("REGISTER", DomainUri());
  register_.contacts.front().params.Set("expires", "600");
  register_status_ = 0;
  Send(0, register_);
}

void BrowserPhone::LoseConnection() {
  connected_ = false;
  client_.Abort();
}

void BrowserPhone::ClosePage() {
  constexpr int kGoingAway = 1001;
  client_.SendClose(kGoingAway);
  connected_ = false;
}

void BrowserPhone::LoseMedia(Call& call) { static_cast<BrowserAudio&>(*call.media).StopChecks(); }

void BrowserPhone::AddDescriptors(std::vector<pollfd>& out) const {
  SipPhone::AddDescriptors(out);
  if (connected_) out.push_back({client_.fd(), POLLIN, 0});
}

void BrowserPhone::OnTurn(TimePoint now) {
  for (pollfd ready{client_.fd(), POLLIN, 0};
       connected_ && (!client_.pending().empty() || poll(&ready, 1, 0) == 1);) {
    const auto frame = client_.ReadFrame(1ms);
    if (!frame) break;
    if (frame->opcode == kPing) client_.SendFrame(kPong, frame->payload);
    if (frame->opcode == kText) OnText(0, frame->payload);
    if (frame->opcode == kClose) {
      close_code_ = frame->close_code();
      connected_ = false;
    }
  }
  SipPhone::OnTurn(now);
}

void BrowserPhone::SendText(uint64_t, const std::string& text) {
  EXPECT_TRUE(client_.SendText(text));
}

std::unique_ptr<CallMedia> BrowserPhone::MakeMedia() {
  return std::make_unique<BrowserAudio>(options_.candidates);
}

sip::Via BrowserPhone::OwnVia() const {
  return {.transport = options_.tls ? "WSS" : "WS", .sent_by = host_, .params = {}};
}

sip::NameAddr BrowserPhone::OwnContact() const {
  sip::NameAddr contact;
  contact.uri.user = "page";
  contact.uri.host = host_;
  contact.uri.params.Set("transport", "ws");
  return contact;
}

sip::Uri BrowserPhone::DomainUri() const {
  sip::Uri uri;
  uri.host = options_.domain;
  return uri;
}

std::optional<sip::Message> BrowserPhone::Authorized(const sip::Message& request,
                                                     const sip::Message& challenge) {
  if (challenge.www_authenticates.empty() || !request.authorizations.empty()) return std::nullopt;
  auto credentials =
      sip::AnswerChallenge(challenge.www_authenticates.front(), {user_, options_.password},
                           request.method, request.request_uri.ToString(), random_);
  if (!credentials) return std::nullopt;
  sip::Message again = request;
  again.authorizations = {*std::move(credentials)};
  ++again.cseq.number;
  again.vias.front().params.Set("branch", "z9hG4bK" + random_.Token(16));
  return again;
}

void BrowserPhone::OnOtherResponse(const sip::Message& response) {
  if (response.cseq.method != "REGISTER" || response.status < 200) return;
  if (response.status == 401) {
    if (auto again = Authorized(register_, response)) {
      register_ = *std::move(again);
      return Send(0, register_);
    }
  }
  register_status_ = response.status;
}

}  // namespace lastmile::test
