#ifndef LASTMILE_GATEWAY_CALL_BRIDGE_IO_H_
#define LASTMILE_GATEWAY_CALL_BRIDGE_IO_H_

#include <optional>
#include <variant>

#include "gateway/call/call_io.h"
#include "gateway/call/dtmf.h"
#include "gateway/call/trunk_keys.h"
#include "gateway/call/trunk_policy.h"
#include "sdp/offer_answer.h"

// What a Call gives away with its trunk leg, and what comes out of a Bridge, as values.
namespace lastmile::call {

// A trunk's party of a bridge: its leg, what it said last and what it was told.
struct TrunkHalf {
  TrunkPolicy policy;
  TrunkKeys keys = {};  // ours towards it
  sdp::TrunkMedia media = {};
  std::optional<sdp::TrunkLeg> leg = {};  // nothing: a call has it still
  sdp::Direction told = sdp::Direction::kSendRecv;
  int unanswered = 0;        // offers of ours without a final answer
  bool owes_answer = false;  // was offered in a 2xx; answers in its ACK
};

// The browser that asked for the transfer is to hear of it: `status` of the call it asked for, the
// last one is 200 or more.
struct TellTransferor {
  int status = 0;
};
// The calls that still have them give their trunk legs away now: Bridge::TakeOver follows.
struct TakeLegs {};
// Of a call's parties the caller is the bridge's first and the callee its second.
using BridgeOutput =
    std::variant<media::MediaCommand, PlaceCallee, AckCallee, CancelCallee, HangUp, AnswerReoffer,
                 SendOffer, AnswerInfo, SendInfo, TellTransferor, TakeLegs, Ended>;

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_BRIDGE_IO_H_
