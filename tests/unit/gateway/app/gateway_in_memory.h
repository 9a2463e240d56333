#ifndef LASTMILE_TESTS_UNIT_GATEWAY_APP_GATEWAY_IN_MEMORY_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_APP_GATEWAY_IN_MEMORY_H_

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "gateway/app/call_manager.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/digest.h"
#include "tests/support/sdp_samples.h"

namespace lastmile::app {

// The CallManager with a browser, a carrier and a media relay made of values: no socket, no thread,
// a fake clock. Messages to both peers are parsed back and wait in a queue for the test.
class GatewayInMemory {
 public:
  GatewayInMemory() : GatewayInMemory(DefaultOptions()) {}
  explicit GatewayInMemory(CallManagerOptions options);
  static CallManagerOptions DefaultOptions();

  // --- the browser ---
  void OpenBrowser(uint64_t conn, const std::string& peer = "192.0.2.7:1000");
  void CloseBrowser(uint64_t conn, uint16_t code = 1006);  // of RFC 6455 section 7.4.1
  void FromBrowser(uint64_t conn, const std::string& text);
  void FromBrowser(uint64_t conn, const sip::Message& message);
  // The next message to that browser; fails the test if there is none.
  sip::Message ToBrowser(uint64_t conn);
  bool BrowserIsQuiet(uint64_t conn) { return to_browser_[conn].empty(); }
  // A request of the browser's user agent; repeated with credentials if it is challenged. Returns
  // the answer to the last one.
  sip::Message Ask(uint64_t conn, sip::Message request, const std::string& password);
  sip::Message MakeRegister(const std::string& user, int expires = 600) const;
  sip::Message MakeInvite(const std::string& user, const std::string& target) const;
  void Register(uint64_t conn, const std::string& user);
  struct Dialled {
    sip::Message invite;        // the user's, with credentials
    sip::Message trunk_invite;  // what came of it
  };
  // Registers the user, calls the number and goes on up to the trunk's INVITE.
  Dialled Dial(uint64_t conn, const std::string& user, const std::string& number);

  // --- the carrier ---
  // The next message to the carrier, by whatever stream.
  sip::Message ToTrunk();
  bool TrunkIsQuiet() const { return to_trunk_.empty(); }
  void FromTrunk(const sip::Message& message);  // on the stream the last message went to
  void FromTrunkBytes(const std::string& bytes);
  void CloseTrunkStream();
  // An inbound stream; becomes the current one.
  sip::FlowId ConnectTrunk(const std::string& peer, bool tls = false);
  sip::Message TrunkAnswer(const sip::Message& request, int status, const std::string& sdp) const;
  sip::Message MakeTrunkInvite(const std::string& target) const;
  // Of the carrier that called by `invite`, in the dialog that `response` made.
  sip::Message MakeTrunkRequest(const std::string& method, const sip::Message& invite,
                                const sip::Message& response, uint32_t cseq,
                                const std::string& sdp) const;

  // --- media ---
  void FailMedia(media::SessionFault fault);
  void FromMedia(const media::MediaEvent& event);
  void SilenceBrowser();  // the relay hears nothing of it any more
  void HearBrowser();

  // --- the source of users ---
  void AnswerLookup(const browser::UserAnswer& answer);

  void Wait(Duration duration);  // in steps, as timers ask for it
  bool IsEmpty() const;          // no call, dialog, transaction or media session
  void Pump();

  SystemRandom random;  // before `manager`, which uses it
  CallManager manager;
  TimePoint now{};
  std::set<media::SessionId> sessions;
  bool refuse_media = false;
  std::vector<std::string> browser_allows;  // Allow of MakeInvite; empty: none
  int streams_opened = 0;
  std::vector<std::string> raw_to_trunk;     // everything, for greps
  std::vector<std::string> raw_to_browsers;  // likewise
  std::vector<CallRecord> records;           // of calls that are over
  std::vector<media::UpdateSession> updates;
  std::vector<media::SendDigit> digits;  // for the trunk's media
  std::vector<std::string> lookups;      // names the source of users was asked for
  std::vector<ws::Close> closings;       // of browsers' connections, by the gateway
  std::vector<media::UpdateBridge> bridge_updates;
  std::vector<media::WatchMedia> watches;

 private:
  void Execute(const CallManagerOutputs& outputs);

  std::map<uint64_t, std::deque<sip::Message>> to_browser_;
  std::deque<sip::Message> to_trunk_;
  sip::FlowId trunk_flow_;
  std::deque<media::MediaEvent> media_events_;
  mutable int cseq_ = 0;
};

}  // namespace lastmile::app

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_APP_GATEWAY_IN_MEMORY_H_
