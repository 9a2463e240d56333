#include <utility>
#include <variant>

#include "base/log.h"
#include "media_anchor/io/nice_agents.h"
#include "media_anchor/io/worker.h"
#include "media_anchor/io/worker_session.h"

// Sessions whose ICE is an agent's on the ice thread: all datagrams of the browser come by a pipe.
namespace lastmile::media {
namespace {

// Bounds how long one pipe can keep the others waiting: video comes in bursts.
constexpr int kMaxReadsPerTurn = 8;

}  // namespace

Result<void> Worker::OpenAgentFor(Session& session, bool controlling) {
  auto ends = PipeEnd::MakePair();
  if (!ends) return std::unexpected(ends.error());
  AgentPipe& pipe = session.agent.emplace(&session, std::move(ends->first));
  auto watched = loop_.Add(pipe.end.fd(), &pipe);
  if (!watched) return watched;
  const bool posted = agents_->Post(OpenAgent{.session = session.core->id(),
                                              .worker = index_,
                                              .pipe = std::move(ends->second),
                                              .local = session.anchor->ice(),
                                              .controlling = controlling});
  if (posted) return {};
  CloseAgentOf(session);
  return Fail("too much waits for the ICE thread");
}

void Worker::CloseAgentOf(Session& session) {
  if (!session.agent) return;
  loop_.Remove(session.agent->end.fd());
  if (session.agent->end.dropped() > 0) {
    spdlog::info("session={} leg=browser the ICE thread had no room for {} datagrams",
                 session.core->id().value, session.agent->end.dropped());
  }
  session.agent.reset();
}

void Worker::ReadAgent(AgentPipe& pipe, TimePoint now) {
  Session& session = *pipe.session;
  const MutableByteView room(trunk_room_);
  bool settled = true;
  for (int i = 0; i < kMaxReadsPerTurn; ++i) {
    const auto size = pipe.end.Receive(room.first(AnchorSession::kMaxDatagram));
    if (!size) break;
    ++taken_;
    if (*size > AnchorSession::kMaxDatagram) continue;
    const Outgoing out = session.anchor->OnBrowserDatagram(room, *size, Path::Agent(), now);
    Send(session, out);
    settled = settled && out.settled;
  }
  if (pipe.end.gone()) {
    LoseAgent(session);
    settled = false;
  }
  if (!settled) Settle(session);
}

// What the core has for the agent. The order of commands is kept; datagrams do not depend on it.
void Worker::TellAgent(Session& session) {
  auto remote = session.anchor->TakeIceRemote();
  if (!remote) return;
  if (!agents_->Post(SetAgentRemote{session.core->id(), std::move(*remote)})) LoseAgent(session);
}

// The pipe stays until the session is closed, for what is still sent to it.
void Worker::LoseAgent(Session& session) {
  loop_.Remove(session.agent->end.fd());
  session.anchor->OnIceFailed();
}

void Worker::RunAgentEvents(TimePoint now) {
  if (agents_ == nullptr) return;
  agents_->inbox(index_).Drain(agent_batch_);
  for (AgentEvent& event : agent_batch_) {
    std::visit([&](auto& e) { On(e, now); }, event);
  }
}

void Worker::On(AgentGathered& event, TimePoint) {
  Session* const session = Find(event.session);
  if (session == nullptr) return;
  if (event.candidates.empty()) {
    LoseAgent(*session);
  } else {
    session->gathered = std::move(event.candidates);
    PostEvent(DescribeOpened(*session));
  }
  Settle(*session);
}

void Worker::On(AgentConnected& event, TimePoint now) {
  Session* const session = Find(event.session);
  if (session == nullptr) return;
  session->anchor->OnIceConnected(now);
  Settle(*session);
}

void Worker::On(AgentLost& event, TimePoint now) {
  Session* const session = Find(event.session);
  if (session == nullptr) return;
  session->anchor->OnIceLost(now);
  Settle(*session);
}

}  // namespace lastmile::media
