#ifndef LASTMILE_DEMO_CARRIER_CALL_H_
#define LASTMILE_DEMO_CARRIER_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "demo_carrier/dial_plan.h"
#include "demo_carrier/rtp_session.h"
#include "demo_carrier/sdp_answer.h"
#include "demo_carrier/sofia.h"

namespace lastmile::demo_carrier {

// What a call needs of the program around it.
class CallHost {
 public:
  virtual ~CallHost() = default;
  virtual nta_agent_t* agent() = 0;
  virtual const std::string& contact() const = 0;   // "<sip:...;transport=tcp>", or tls
  virtual const std::string& identity() const = 0;  // From of the calls we place, without its user
  // Where calls are placed now: "host:port;transport=tcp", as in a Request-URI.
  virtual std::string gateway() const = 0;
  virtual double tone_hz() const = 0;
  virtual Result<std::unique_ptr<RtpSession>> OpenMedia(RtpSession::Events events) = 0;
  virtual void CloseMedia(std::unique_ptr<RtpSession> session) = 0;
  virtual Endpoint MediaAddress(const RtpSession& session) const = 0;
  virtual void Print(const std::string& line) = 0;  // one machine-readable line
  virtual void PlaceCall(const std::string& user) = 0;
};

// One call in either direction: a dialog of nta's, its script and its media. Thread: the carrier's.
// nta's objects must not go from inside their callbacks, so a call that is over stays until its
// owner finds done() outside of them.
class Call final : public RequestHandler {
 public:
  enum class Direction { kIn, kOut };

  Call(CallHost& host, uint64_t id, Direction direction, std::string number);
  ~Call() override;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Direction::kIn: the INVITE that asks for it. The status to return to nta.
  int Take(nta_incoming_t* invite, const sip_t* sip, TimePoint now);
  // Direction::kOut.
  void Place();
  void OnTick(TimePoint now);
  void HangUp(const char* cause);  // BYE, CANCEL or 480, as it has to be
  bool done() const { return state_ == State::kEnded; }

  int OnRequest(nta_incoming_t* request, const sip_t* sip) override;

 private:
  enum class State { kNew, kEarly, kAnswered, kHangingUp, kEnded };

  static int AckCancelThunk(Call* self, nta_incoming_t* request, const sip_t* sip) noexcept;
  static int InviteThunk(Call* self, nta_outgoing_t* request, const sip_t* sip) noexcept;
  static int ByeThunk(Call* self, nta_outgoing_t* request, const sip_t* sip) noexcept;

  int Refuse(nta_incoming_t* invite, int code, const char* reason, int retry_after_s);
  bool OpenMedia();
  void StartDialog(nta_incoming_t* invite, const sip_t* sip);
  void StartScript(TimePoint now);
  void Answer();
  void Reply(nta_incoming_t* invite, int code, const char* reason, const std::string& sdp);
  int OnReinvite(nta_incoming_t* request, const sip_t* sip);
  void OnAck(const sip_t* sip);
  void OnInviteResponse(const sip_t* sip);
  void OnPlacedCallAnswered(const sip_t* sip);
  void SendAck();
  void SendBye(const char* cause);
  void End(int code, const char* cause);
  void PrintState(const char* state, int code, const char* cause = nullptr);
  std::string LocalSdp();

  CallHost& host_;
  const uint64_t id_;
  const Direction direction_;
  const std::string number_;  // whom they dialled, or whom we call
  State state_ = State::kNew;
  Plan plan_;
  std::string caller_;  // the user part of an incoming call's From
  bool awaits_answer_in_ack_ = false;
  uint64_t sdp_version_ = 0;
  std::optional<RemoteSdp> remote_;
  TimePoint answer_at_ = kNever;
  TimePoint hang_up_at_ = kNever;
  const char* hang_up_cause_ = "script";
  nta_leg_t* leg_ = nullptr;
  nta_incoming_t* invite_in_ = nullptr;
  nta_outgoing_t* invite_out_ = nullptr;
  nta_outgoing_t* bye_ = nullptr;
  std::vector<nta_incoming_t*> reinvites_;
  std::unique_ptr<RtpSession> media_;
};

// The body of a message if it is SDP; empty: there is none, or it is something else.
std::string SdpOf(const sip_t* sip);

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_CALL_H_
