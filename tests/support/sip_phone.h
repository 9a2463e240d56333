#ifndef LASTMILE_TESTS_SUPPORT_SIP_PHONE_H_
#define LASTMILE_TESTS_SUPPORT_SIP_PHONE_H_

#include <poll.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/message.h"
#include "tests/support/webrtc_peer.h"

namespace lastmile::test {

// The media of one call of a SipPhone: one audio section, PCMA as payload type 8.
class CallMedia {
 public:
  virtual ~CallMedia() = default;
  virtual std::string Describe(bool offer) = 0;         // our SDP
  virtual void TakeRemote(const std::string& sdp) = 0;  // the other side's
  virtual bool ready() const = 0;                       // audio can be sent
  virtual void Send(const TestRtp& packet) = 0;
  virtual std::optional<TestRtp> Receive() = 0;  // does not wait
  virtual void OnTurn(TimePoint now) = 0;
  virtual int fd() const = 0;
};

// The value of the first line that starts with `start`; empty: there is none.
std::string SdpValue(const std::string& sdp, const std::string& start);

// A user agent for tests: calls both ways over reliable flows, with the gateway's codec and nothing
// else of the gateway. Flows and media are its subclass's. Thread: one, the test's; works only
// inside OnTurn() and the calls of the test.
class SipPhone {
 public:
  struct Call {
    enum class State { kTrying, kRinging, kTalking, kEnded };
    State state = State::kTrying;
    bool incoming = false;
    uint64_t flow = 0;
    sip::Message invite;     // as sent or received last
    int status = 0;          // of the final answer to it
    bool cancelled = false;  // by the other side
    bool ended_by_peer = false;
    std::string reason;  // Reason of the CANCEL or BYE that ended it
    std::unique_ptr<CallMedia> media;
    std::vector<Bytes> heard;  // payloads, in the order they came
    uint16_t spoken = 0;       // packets sent

    sip::NameAddr local;
    sip::NameAddr remote;
    sip::Uri target;
    uint32_t cseq = 0;
  };

  explicit SipPhone(std::string user) : user_(std::move(user)) {}
  virtual ~SipPhone() = default;
  SipPhone(const SipPhone&) = delete;
  SipPhone& operator=(const SipPhone&) = delete;

  // Calls that come in ring, and are answered at once if this is set.
  void set_answers(bool answers) { answers_ = answers; }
  // The media of the calls from now on instead of the phone's own.
  void set_media(std::function<std::unique_ptr<CallMedia>()> make) {
    make_media_ = std::move(make);
  }

  Call& Dial(const std::string& number);
  void Answer(Call& call);
  void HangUp(Call& call);
  void Cancel(Call& call);  // an outgoing one that rings
  void Speak(Call& call, const Bytes& payload);
  // In the order they began; references stay valid until ForgetEnded().
  std::list<Call>& calls() { return calls_; }
  void ForgetEnded();

  virtual void AddDescriptors(std::vector<pollfd>& out) const;
  virtual void OnTurn(TimePoint now);

 protected:
  virtual void SendText(uint64_t flow, const std::string& text) = 0;
  virtual std::unique_ptr<CallMedia> MakeMedia() = 0;
  virtual uint64_t OutgoingFlow() = 0;
  virtual sip::Via OwnVia() const = 0;  // without a branch
  virtual sip::NameAddr OwnContact() const = 0;
  virtual sip::Uri DomainUri() const = 0;
  // The request repeated with credentials, if this phone has any for the challenge.
  virtual std::optional<sip::Message> Authorized(const sip::Message& request,
                                                 const sip::Message& challenge);
  virtual void OnOtherResponse(const sip::Message& response);

  void OnText(uint64_t flow, const std::string& text);
  void Send(uint64_t flow, const sip::Message& message);
  sip::Message NewRequest(const std::string& method, const sip::Uri& uri);

  const std::string user_;
  SystemRandom random_;

 private:
  void OnRequest(uint64_t flow, const sip::Message& request);
  void OnInvite(uint64_t flow, const sip::Message& request);
  void OnCancel(uint64_t flow, const sip::Message& request);
  void OnBye(uint64_t flow, const sip::Message& request);
  void OnInviteResponse(Call& call, const sip::Message& response);
  void SendAck(const Call& call, const sip::Message& response);
  sip::Message InDialog(const Call& call, const std::string& method, uint32_t cseq);
  void Respond(uint64_t flow, const sip::Message& request, int status, const std::string& tag);
  Call* Find(const std::string& call_id);
  static void End(Call& call);
  std::unique_ptr<CallMedia> NewMedia() { return make_media_ ? make_media_() : MakeMedia(); }

  bool answers_ = true;
  std::function<std::unique_ptr<CallMedia>()> make_media_;
  std::list<Call> calls_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_SIP_PHONE_H_
