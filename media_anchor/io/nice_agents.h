#ifndef LASTMILE_MEDIA_ANCHOR_IO_NICE_AGENTS_H_
#define LASTMILE_MEDIA_ANCHOR_IO_NICE_AGENTS_H_

#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/mailbox.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/core/full_ice.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/io/media_engine.h"
#include "media_anchor/io/pipe_end.h"

namespace lastmile::media {

// --- a worker to the ice thread ---

// Makes an agent and gathers candidates. What the agent receives comes out of the other end of
// `pipe`, and what is put in there goes to the browser. To close that end closes the agent; that it
// is gone from the other side means that there is no agent (any more).
struct OpenAgent {
  SessionId session;
  size_t worker = 0;  // who is told
  PipeEnd pipe;
  IceCredentials local;
  bool controlling = false;  // the gateway makes the first offer (RFC 8445 section 6.1.1)
};
struct SetAgentRemote {
  SessionId session;
  IceRemote remote;
};
using AgentCommand = std::variant<OpenAgent, SetAgentRemote>;

// --- the ice thread to a worker ---

// Gathering is over, or kGatherPatience is.
struct AgentGathered {
  SessionId session;
  std::vector<IceCandidate> candidates;  // empty: the agent has no way to anywhere
};
// A pair is nominated: the first, another one, or one after AgentLost.
struct AgentConnected {
  SessionId session;
};
// No consent any more, or no way: nothing is sent until AgentConnected. The agent has begun to look
// for a way again, with the same credentials.
struct AgentLost {
  SessionId session;
};
using AgentEvent = std::variant<AgentGathered, AgentConnected, AgentLost>;

// Full ICE: a thread with a GLib main loop and one NiceAgent of libnice a session. Each is born,
// used and torn down there. Thread: the engine's owner's, but for Post() (any) and inbox() (that
// worker's).
class NiceAgents {
 public:
  // A server that does not answer must not keep a caller waiting longer.
  static constexpr Duration kGatherPatience = 2s;
  static constexpr Duration kClosePatience = 1s;

  // Starts the thread. `local`: the address to gather on; any: all of the machine.
  static Result<std::unique_ptr<NiceAgents>> Start(FullIceOptions options, const IpAddress& local,
                                                   size_t workers);
  // Ends all agents. Those with a relay tell it, for which kClosePatience is waited at most; and as
  // long at most until those that were just opened may be closed.
  ~NiceAgents();

  // False: full, and nothing was done.
  [[nodiscard]] bool Post(AgentCommand command);
  Mailbox<AgentEvent>& inbox(size_t worker);

 private:
  class Impl;
  explicit NiceAgents(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_NICE_AGENTS_H_
