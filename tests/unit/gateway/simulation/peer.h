#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_PEER_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_PEER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/message.h"
#include "tests/unit/gateway/simulation/world.h"

namespace lastmile::simulation {

// One dialog, or an INVITE on its way to one, as a peer sees it.
struct Leg {
  enum class State {
    kTrying,     // its INVITE is out, no final answer
    kRinging,    // the gateway's INVITE has no final answer
    kUnacked,    // 2xx sent, no ACK
    kConfirmed,  // the conversation
    kOver,       // told so, or said so itself
  };
  PlannedCall* plan = nullptr;
  bool caller = false;
  State state = State::kTrying;
  bool excused = false;    // nobody could tell it of the end
  bool disturbed = false;  // a connection broke while it lived
  bool moved = false;      // it transferred the call, which may go on without it

  std::string call_id;
  sip::NameAddr local;
  sip::NameAddr remote;
  sip::Uri target;
  uint32_t cseq = 0;
  uint32_t remote_cseq = 0;
  const Link* request_link = nullptr;  // where the gateway's last request came

  sip::Message invite;       // its own, as sent last
  bool provisional = false;  // to its own INVITE
  bool gives_up = false;     // it wants to cancel
  bool cancel_sent = false;
  int failures = 0;             // 401 answered
  std::string early_sdp;        // of the 18x
  bool accepted = false;        // its INVITE has a 2xx
  bool reinviting = false;      // its re-INVITE has no final answer
  bool loser = false;           // a fork's 2xx after another one's
  uint32_t acked = 0;           // CSeq of the gateway's last ACK
  Link* invite_link = nullptr;  // where its INVITE went or came
};

// What the gateway asked of a callee: one leg a fork.
struct Ringing {
  Link* link = nullptr;
  sip::Message invite;
  PlannedCall* plan = nullptr;
  TimePoint came{};
  TimePoint cancelled_at = kNever;
  bool answered_1xx = false;
  bool final_sent = false;
  bool accepted = false;
  bool rejected = false;
  bool acked = false;  // the failure
  std::vector<Leg*> forks;
};

// What a browser and a carrier have in common: RFC 3261 as far as they keep to it.
class Peer {
 public:
  Peer(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;

  const std::string& name() const { return name_; }
  void OnBytes(Link& link, const std::string& bytes);
  // It was on its way when the connection died.
  void OnLost(const std::string& bytes);
  virtual void OnLinkLost(Link& link) = 0;
  // Ends one of that call's conversations; false: there is none.
  bool HangUp(int number);
  // Whether a connection broke under that call's legs.
  bool Disturbed(int number) const;
  std::vector<const Leg*> LiveLegs() const;
  void CheckEnd();

  static std::string Describe(const std::string& bytes);
  static int NumberIn(const std::string& user);  // the digits behind "6" or "+1555"

 protected:
  // --- what makes them different ---
  virtual Link* link() = 0;  // where a request goes; nullptr: nowhere
  virtual std::string Sdp(bool offer) = 0;
  virtual sip::NameAddr Contact() const = 0;
  virtual void FillRequest(sip::Message& request, Link& link) = 0;
  virtual void Inspect(const sip::Message& message, const std::string& text) = 0;
  virtual bool OnChallenge(Leg&, const sip::Message&) { return false; }
  virtual bool OnOther(Link&, const sip::Message&) { return false; }  // outside dialogs
  virtual void Misbehave(Leg& leg) = 0;
  virtual bool Transfer(Leg&) { return false; }  // false: it knows no such thing
  virtual void OnLeg(Leg&) {}                    // made
  virtual size_t most_forks() const = 0;

  void Place(PlannedCall& plan, sip::Message invite);
  sip::Message Request(Leg& leg, const char* method);
  bool SendRequest(Leg& leg, sip::Message request);
  void Transmit(Link& link, const sip::Message& message);
  void Respond(Link& link, const sip::Message& request, int status, const Leg* leg,
               std::string sdp = "");
  void Later(Leg& leg, Duration most, std::function<void(Leg&)> action);
  void Over(Leg& leg);
  void Bye(Leg& leg);
  std::string Branch();
  sip::Message AckOf(Leg& leg, const sip::Message& response);
  // Legs that live on, but for those whose INVITE was on its way over that connection.
  void Disturb(const Link& link);
  Leg* Find(const std::string& call_id, const std::string& local_tag);

  World& world_;
  const std::string name_;
  std::deque<Leg> legs_;
  std::deque<Ringing> ringing_;
  uint64_t ids_ = 0;

 private:
  void OnRequest(Link& link, const sip::Message& request);
  void OnResponse(Link& link, const sip::Message& response);
  void OnInvite(Link& link, const sip::Message& request);
  void OnReinvite(Link& link, Leg& leg, const sip::Message& request);
  void OnAck(const sip::Message& ack);
  void OnCancel(Link& link, const sip::Message& cancel);
  void OnBye(Link& link, Leg& leg, const sip::Message& bye);
  void OnInviteAnswered(Leg& leg, const sip::Message& response);
  void OnReinviteAnswered(Leg& leg, const sip::Message& response);
  void OnAccepted(Leg& leg, const sip::Message& response);
  void Ring(Ringing& ringing, int step);
  Leg& Fork(Ringing& ringing);
  void Answer(Ringing& ringing);
  void Accept(Ringing& ringing, Leg& leg);
  void RepeatAccept(Ringing& ringing, Leg& leg, Duration interval, Duration left);
  void Reject(Ringing& ringing, int status);
  void Cancel(Leg& leg);
  void Reinvite(Leg& leg);
  void Live(Leg& leg, int actions);
  void Act(Leg& leg);
  void OnGone(Leg& leg);
  void ExpectAck(Leg& leg, uint32_t cseq);
  bool IsLate(const Ringing& ringing) const;
  Ringing* FindRinging(const sip::Message& request);

  std::set<std::string> unanswered_;  // branches of its requests
  std::set<std::string> reinvites_;   // branches of the gateway's
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_PEER_H_
