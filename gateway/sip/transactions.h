#ifndef LASTMILE_GATEWAY_SIP_TRANSACTIONS_H_
#define LASTMILE_GATEWAY_SIP_TRANSACTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "gateway/sip/ids.h"
#include "gateway/sip/message.h"
#include "gateway/sip/timer_queue.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::sip {

struct TransactionTag;
using TransactionId = StrongId<TransactionTag>;

// The transactions of RFC 3261 section 17 with the Accepted states of RFC 6026, over reliable
// transports: nothing is sent again but the last response to a duplicate request; D, I, J and K are
// zero; B, F, H, L and M are 64 * T1. A non-INVITE request that gets no answer of ours is forgotten
// after F of its sender (408 would come too late, RFC 4320 section 4.2).
//
// A transaction belongs to the owner of its flow (FlowInfo): a request or response from anybody
// else never matches it. Messages to send are appended to the vector given to the constructor.
// Sans-IO. Thread: its owner's.
class Transactions {
 public:
  Transactions(Duration t1, std::vector<OutgoingMessage>& outgoing);

  // --- server ---
  // True: the request was a duplicate (its last response is sent again) or the ACK of a non-2xx, or
  // an ACK too early, and is dealt with. False: a new request, or an ACK that may be of a 2xx.
  bool Absorb(uint64_t owner, const Message& request);
  // The same request came on another path and is being dealt with (section 8.2.2.2).
  bool IsMerged(uint64_t owner, const Message& request) const;
  // The INVITE a CANCEL is for, answered or not (section 9.2); 0: none.
  TransactionId FindCancelled(uint64_t owner, const Message& cancel) const;
  // Starts the transaction of a request that Absorb() left alone.
  TransactionId Accept(FlowId flow, uint64_t owner, const Message& request, TimePoint now);
  // Start line and the headers a response takes over. nullptr: ended, or not a server transaction.
  const Message* RequestOf(TransactionId id) const;
  // Whether a final response may still be sent.
  bool IsUnanswered(TransactionId id) const;
  // `response` is complete. Ignored after a final one.
  void Respond(TransactionId id, Message response, TimePoint now);

  // --- client ---
  // `request` is complete with its Via. Not for ACK.
  TransactionId Send(FlowId flow, uint64_t owner, const Message& request, TimePoint now);
  // The transaction the response is news to; 0: drop the response. The ACK of a non-2xx is sent
  // here. After a final response the transaction has ended, except an INVITE after a 2xx.
  TransactionId OnResponse(uint64_t owner, const Message& response, TimePoint now);
  // The CANCEL of an INVITE of ours (section 9.1), ready for Send(). Empty: it has ended.
  std::optional<OutgoingMessage> MakeCancel(TransactionId invite) const;

  // --- both ---
  // The flow turned out to be somebody else's: what it carries is theirs from now on.
  void ChangeOwner(FlowId flow, uint64_t owner);
  void End(TransactionId id);
  // Ends all transactions of a flow and returns them, oldest first.
  std::vector<TransactionId> RemoveFlow(FlowId flow);
  TimePoint next_timeout() const { return timers_.next(); }
  // Ends the next transaction whose time is over.
  std::optional<TransactionId> PopExpired(TimePoint now);
  size_t size() const { return servers_.size() + clients_.size(); }

 private:
  enum class State {
    kTrying,      // no response yet (RFC 3261 also calls it Calling)
    kProceeding,  // a provisional response
    kAccepted,    // INVITE with a 2xx
    kCompleted,   // server INVITE with a non-2xx: waits for its ACK
  };
  struct Server {
    FlowId flow;
    uint64_t owner = 0;
    State state = State::kTrying;
    Message request;  // head only
    std::optional<Message> last_response;
    std::string key;
    std::string merge_key;  // empty: inside a dialog
  };
  struct Client {
    FlowId flow;
    uint64_t owner = 0;
    State state = State::kTrying;
    Message request;  // head only
    std::string key;
  };

  void SendAckOf(const Client& client, const Message& response);
  void AddKeys(TransactionId id, Server& server);
  void RemoveKeys(TransactionId id, const Server& server);
  void Detach(FlowId flow, TransactionId id);

  const Duration timeout_;
  std::vector<OutgoingMessage>& outgoing_;
  IdSource<TransactionId> ids_;
  std::unordered_map<TransactionId, Server> servers_;
  std::unordered_map<TransactionId, Client> clients_;
  std::unordered_map<std::string, TransactionId> server_keys_;
  std::unordered_map<std::string, TransactionId> merge_keys_;
  std::unordered_map<std::string, TransactionId> client_keys_;
  std::unordered_map<FlowId, std::set<TransactionId>> by_flow_;
  TimerQueue<TransactionId> timers_;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_TRANSACTIONS_H_
