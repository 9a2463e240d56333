#ifndef LASTMILE_MEDIA_ANCHOR_IO_WORKER_H_
#define LASTMILE_MEDIA_ANCHOR_IO_WORKER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mailbox.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/core/anchor_session.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/io/epoll_loop.h"
#include "media_anchor/io/media_engine.h"
#include "media_anchor/io/nice_agents.h"
#include "media_anchor/io/port_pool.h"
#include "media_anchor/io/tcp_paths.h"
#include "media_anchor/io/udp_socket.h"

namespace lastmile::media {

// One media thread: its epoll set, its UDP port (and TCP port, if there is one) for all its
// browsers, two trunk sockets a session and two more for its video, or for the second trunk of a
// bridge.
// All packets of a session are handled here, in the order read, without a lock, an allocation or a
// log line each. Thread: Create(), Start() and Stop() the engine's owner's; Post() and the gauges
// any; all else the worker's own.
class Worker {
 public:
  // Binds the browser ports, if there are no `agents` of full ICE (null). All of these outlive the
  // worker.
  static Result<std::unique_ptr<Worker>> Create(const MediaOptions& options, size_t index,
                                                const DtlsContext& context,
                                                Mailbox<MediaEvent>& events, NiceAgents* agents);
  ~Worker();

  void Start();
  // Closes all sessions and joins. Idempotent.
  void Stop();
  [[nodiscard]] bool Post(MediaCommand command) { return commands_.Push(std::move(command)); }

  const UdpSocket* browser_socket() const { return browser_socket_ ? &*browser_socket_ : nullptr; }
  const TcpPaths* tcp() const { return tcp_.get(); }  // null: there is no TCP port
  uint32_t sessions() const { return session_gauge_.load(std::memory_order_relaxed); }
  uint32_t ports_in_use() const { return port_gauge_.load(std::memory_order_relaxed); }

 private:
  struct Session;
  struct TrunkPort;
  struct TrunkSide;
  struct AgentPipe;
  struct Timer {
    TimePoint at;
    SessionId session;
    bool operator>(const Timer& other) const { return at > other.at; }
  };
  // A full event mailbox is tried again so often.
  static constexpr Duration kEventRetry = 10ms;
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Worker(const MediaOptions& options, size_t index, const DtlsContext& context,
         Mailbox<MediaEvent>& events, EpollLoop loop, NiceAgents* agents);
  Result<void> BindForBrowsers();

  void Run();
  TimePoint NextDeadline(TimePoint now) const;

  void OnReadable(Watched& watched, TimePoint now);
  void ReadBrowser(TimePoint now);
  // False: it is no session's.
  bool OnBrowserDatagram(BatchReceiver::Datagram& datagram, TimePoint now);
  Session* FindBrowser(ByteView datagram, const Path& path, bool is_stun);
  void LearnAddress(Session& session, const Endpoint& remote, TimePoint now);
  void ReadTrunk(TrunkPort& port, TimePoint now);

  Result<void> ListenForTcp(size_t index);
  void ReadTcp(TcpPaths::Connection& connection, TimePoint now);
  void LearnTcp(Session& session, const Path& path);
  void DropTcp(TcpId id);
  static bool IsOverTcp(const Session& session);
  void TellTransport(Session& session, TimePoint now);

  Result<void> OpenAgentFor(Session& session, bool controlling);
  void CloseAgentOf(Session& session);
  void ReadAgent(AgentPipe& pipe, TimePoint now);
  void TellAgent(Session& session);
  void LoseAgent(Session& session);
  void RunAgentEvents(TimePoint now);
  void On(AgentGathered& event, TimePoint now);
  void On(AgentConnected& event, TimePoint now);
  void On(AgentLost& event, TimePoint now);

  void RunCommands(TimePoint now);
  void On(OpenSession& command, TimePoint now);
  void On(UpdateSession& command, TimePoint now);
  void On(OpenBridge& command, TimePoint now);
  void On(UpdateBridge& command, TimePoint now);
  void On(SendDigit& command, TimePoint now);
  void On(WatchMedia& command, TimePoint now);
  void On(CloseSession& command, TimePoint now);
  Result<std::unique_ptr<Session>> Open(const OpenSession& command, TimePoint now);
  Result<std::unique_ptr<Session>> OpenBetweenTrunks(SessionId id, TimePoint now);
  void RefuseOpening(SessionId id, const Error& why);
  Session* Find(SessionId id);  // null: there is none that is open
  Result<void> OpenTrunk(Session& session, MediaKind kind);
  void CloseTrunk(Session& session, MediaKind kind);
  void SetVideo(Session& session, bool open, TimePoint now);
  // False: a session has it.
  bool AddUfrag(Session& session, const std::string& ufrag);
  void DropOldUfrags(Session& session);
  TrunkPorts DescribePorts(const Session& session, MediaKind kind) const;
  SessionOpened DescribeOpened(const Session& session) const;
  void Close(std::unique_ptr<Session> session);
  void CloseAll();

  void Send(Session& session, const Outgoing& outgoing);
  void Settle(Session& session);
  void ConnectTrunk(Session& session, MediaKind kind);
  void Schedule(Session& session);
  void RunTimers(TimePoint now);
  void PostEvent(MediaEvent event);
  void FlushEvents();

  const MediaOptions& options_;
  const DtlsContext& context_;
  Mailbox<MediaEvent>& events_;
  Mailbox<MediaCommand> commands_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> session_gauge_{0};
  std::atomic<uint32_t> port_gauge_{0};

  SystemRandom random_;
  EpollLoop loop_;
  NiceAgents* const agents_;  // null: ICE-lite
  std::vector<AgentEvent> agent_batch_;
  const size_t index_;
  std::optional<UdpSocket> browser_socket_;  // of ICE-lite
  Watched browser_watched_{Watched::Kind::kBrowserUdp};
  std::unique_ptr<TcpPaths> tcp_;  // null: there is no TCP port
  PortPool ports_;
  BatchReceiver receiver_;
  BatchSender sender_;
  Bytes trunk_room_;
  // A session that found no port is here without a value until signalling closes it.
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
  std::unordered_map<std::string, Session*, TextHash, std::equal_to<>> by_ufrag_;
  std::unordered_map<Endpoint, Session*> by_address_;
  std::unordered_map<TcpId, Session*> by_tcp_;
  std::vector<Timer> timers_;  // a heap; entries of closed or rescheduled sessions are skipped
  std::vector<MediaCommand> batch_;
  std::vector<MediaEvent> waiting_events_;
  size_t taken_ = 0;  // datagrams, in this turn
  std::thread thread_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_WORKER_H_
