#include "media_anchor/io/nice_agents.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <nice/agent.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/c_handle.h"
#include "base/log.h"
#include "media_anchor/core/anchor_session.h"
#include "media_anchor/io/nice_names.h"

namespace lastmile::media {
namespace {

constexpr size_t kMaxCommands = 65536;
constexpr size_t kMaxEvents = 65536;
constexpr guint kComponent = 1;
// Bounds how long one agent can keep the others waiting.
constexpr int kMaxReadsPerTurn = 16;
// An agent looks its STUN server's address up, though it is one already, in two turns of the loop.
// In between it may not be closed: what it has in hand would be left over.
constexpr int kTurnsToSettle = 4;

using Context = CHandle<GMainContext, g_main_context_unref>;

Endpoint ToEndpoint(const NiceAddress& address) {
  sockaddr_storage storage{};
  nice_address_copy_to_sockaddr(&address, reinterpret_cast<sockaddr*>(&storage));
  return Endpoint::FromSockaddr(storage);
}

void Assign(NiceAddress& address, const Endpoint& from) {
  sockaddr_storage storage{};
  from.ToSockaddr(storage);
  nice_address_set_from_sockaddr(&address, reinterpret_cast<const sockaddr*>(&storage));
}

IceCandidate::Type TypeOf(NiceCandidateType type) {
  switch (type) {
    case NICE_CANDIDATE_TYPE_HOST:
      return IceCandidate::Type::kHost;
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
      return IceCandidate::Type::kServerReflexive;
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
      return IceCandidate::Type::kPeerReflexive;
    case NICE_CANDIDATE_TYPE_RELAYED:
      return IceCandidate::Type::kRelayed;
  }
  return IceCandidate::Type::kHost;
}

NiceCandidateType ToNice(IceCandidate::Type type) {
  switch (type) {
    case IceCandidate::Type::kHost:
      return NICE_CANDIDATE_TYPE_HOST;
    case IceCandidate::Type::kServerReflexive:
      return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    case IceCandidate::Type::kPeerReflexive:
      return NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
    case IceCandidate::Type::kRelayed:
      return NICE_CANDIDATE_TYPE_RELAYED;
  }
  return NICE_CANDIDATE_TYPE_HOST;
}

const char* NameOf(NiceCandidateType type) {
  constexpr std::array kNames = {"host", "srflx", "prflx", "relay"};
  const auto at = static_cast<size_t>(type);
  return at < kNames.size() ? kNames[at] : "unknown";
}

// The caller's to free, with those of a list by nice_candidate_free().
NiceCandidate* NewCandidate(const IceCandidate& from, guint stream) {
  NiceCandidate* const made = nice_candidate_new(ToNice(from.type));
  made->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  made->stream_id = stream;
  made->component_id = kComponent;
  made->priority = from.priority;
  Assign(made->addr, from.at);
  if (from.related) Assign(made->base_addr, *from.related);
  g_strlcpy(made->foundation, from.foundation.c_str(), sizeof made->foundation);
  return made;
}

void LogFromLibrary(const gchar*, GLogLevelFlags, const gchar* message, gpointer) noexcept {
  const std::string_view text = message;
  spdlog::warn("ice: libnice: {}", Redacted(text));
}

}  // namespace

// The `ice` thread: agents, and what they are told. Thread: that one, but for Post() and inbox().
class NiceAgents::Impl {
 public:
  Impl(FullIceOptions options, const IpAddress& local, size_t workers);
  ~Impl();

  bool Post(AgentCommand command) { return commands_.Push(std::move(command)); }
  Mailbox<AgentEvent>& inbox(size_t worker) { return *inboxes_[worker]; }

 private:
  class Agent;

  void Run();
  void RunCommands();
  void On(OpenAgent& command);
  void On(SetAgentRemote& command);
  // What agents have asked for, when no callback of libnice is running.
  void Settle();
  void CloseAll();
  // Turns the loop until `done`, at most so long.
  void TurnFor(Duration limit, const auto& done);

  const FullIceOptions options_;
  const IpAddress local_;
  std::vector<std::unique_ptr<Mailbox<AgentEvent>>> inboxes_;
  Mailbox<AgentCommand> commands_{kMaxCommands};
  std::vector<AgentCommand> batch_;
  std::atomic<bool> stopping_{false};
  Context context_{g_main_context_new()};
  std::unordered_map<SessionId, std::unique_ptr<Agent>> agents_;
  size_t closing_ = 0;    // agents of libnice that are not gone yet
  size_t next_stun_ = 0;  // which of options_.stun is asked
  NiceNames names_;
  std::vector<SessionId> over_;
  std::vector<SessionId> lost_;
  std::array<uint8_t, AnchorSession::kRoom> room_;
  std::thread thread_;
};

// One NiceAgent and its end of the pipe to the worker. Not movable: callbacks have its address
// until Close(), which the destructor calls.
class NiceAgents::Impl::Agent {
 public:
  // Nothing goes wrong without being told: an agent that cannot work closes its pipe.
  Agent(Impl& owner, OpenAgent command);
  ~Agent() { Close(); }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // False: libnice has begun what must not be interrupted.
  bool may_close() const { return turns_to_settle_ == 0; }
  void SetRemote(IceRemote remote);
  void LookAgain();

 private:
  void Configure(const OpenAgent& command);
  void Gather();
  void TellGathered();
  void StartOver(const IceCredentials& local);
  void GiveRemote();
  void OnPair(NiceCandidate* local, NiceCandidate* remote);
  void OnState(guint state);
  void OnReadable();
  void Tell(AgentEvent event);
  void End();
  void Close();

  static gboolean ReadableThunk(gint, GIOCondition, gpointer self) noexcept {
    static_cast<Agent*>(self)->OnReadable();
    return G_SOURCE_CONTINUE;
  }
  static gboolean PatienceThunk(gpointer self) noexcept {
    static_cast<Agent*>(self)->OnPatienceOver();
    return G_SOURCE_CONTINUE;
  }
  static gboolean SettledThunk(gpointer self) noexcept {
    return static_cast<Agent*>(self)->OnTurn() ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  }
  static void GatheredThunk(::NiceAgent*, guint, gpointer self) noexcept {
    static_cast<Agent*>(self)->TellGathered();
  }
  static void StateThunk(::NiceAgent*, guint, guint, guint state, gpointer self) noexcept {
    static_cast<Agent*>(self)->OnState(state);
  }
  static void PairThunk(::NiceAgent*, guint, guint, NiceCandidate* local, NiceCandidate* remote,
                        gpointer self) noexcept {
    static_cast<Agent*>(self)->OnPair(local, remote);
  }
  static void ReceiveThunk(::NiceAgent*, guint, guint, guint size, gchar* bytes,
                           gpointer self) noexcept {
    auto* const agent = static_cast<Agent*>(self);
    agent->pipe_.Send({reinterpret_cast<const uint8_t*>(bytes), size});
  }
  static void ClosedThunk(GObject* agent, GAsyncResult*, gpointer owner) noexcept {
    g_object_unref(agent);
    --static_cast<Impl*>(owner)->closing_;
  }

  void OnPatienceOver();
  bool OnTurn();
  GSource* Attach(GSource* source, GSourceFunc callback);

  Impl& owner_;
  const SessionId session_;
  const size_t worker_;
  PipeEnd pipe_;
  IceCredentials local_;
  ::NiceAgent* agent_ = nullptr;
  guint stream_ = 0;
  GSource* readable_ = nullptr;
  GSource* patience_ = nullptr;
  GSource* settling_ = nullptr;
  std::optional<IceRemote> remote_;
  std::optional<IceCandidate> last_remote_;  // of the pair in use, or the last one that was
  int turns_to_settle_ = kTurnsToSettle;     // of the loop
  bool is_over_ = false;                     // and waits for that
  bool gathered_ = false;                    // was told
  bool may_send_ = false;                    // there is a pair, with consent
  uint64_t unsent_ = 0;
};

// --- the thread ---

NiceAgents::Impl::Impl(FullIceOptions options, const IpAddress& local, size_t workers)
    : options_(std::move(options)), local_(local), names_(local) {
  for (const auto& server : options_.stun) names_.Add(server.host);
  for (const auto& relay : options_.turn) names_.Add(relay.server.host);
  for (size_t i = 0; i < workers; ++i) {
    inboxes_.push_back(std::make_unique<Mailbox<AgentEvent>>(kMaxEvents));
  }
  commands_.SetWake([this] { g_main_context_wakeup(context_.get()); });
  thread_ = std::thread([this] { Run(); });
}

NiceAgents::Impl::~Impl() {
  stopping_.store(true, std::memory_order_release);
  g_main_context_wakeup(context_.get());
  thread_.join();
}

void NiceAgents::Impl::Run() {
  // What GLib does later on behalf of a caller comes back to this loop.
  g_main_context_push_thread_default(context_.get());
  names_.Refresh(MonotonicNow());
  // The first sessions wait for the names.
  TurnFor(kGatherPatience, [&] { return names_.pending() == 0; });
  while (!stopping_.load(std::memory_order_acquire)) {
    RunCommands();
    Settle();
    g_main_context_iteration(context_.get(), TRUE);
  }
  RunCommands();
  CloseAll();
  g_main_context_pop_thread_default(context_.get());
}

void NiceAgents::Impl::RunCommands() {
  commands_.Drain(batch_);
  for (AgentCommand& command : batch_) {
    std::visit([&](auto& c) { On(c); }, command);
  }
  batch_.clear();
}

void NiceAgents::Impl::On(OpenAgent& command) {
  names_.Refresh(MonotonicNow());
  const SessionId session = command.session;
  agents_.emplace(session, std::make_unique<Agent>(*this, std::move(command)));
}

void NiceAgents::Impl::On(SetAgentRemote& command) {
  const auto found = agents_.find(command.session);
  if (found != agents_.end()) found->second->SetRemote(std::move(command.remote));
}

void NiceAgents::Impl::Settle() {
  for (const SessionId session : over_) agents_.erase(session);
  over_.clear();
  for (const SessionId session : lost_) {
    const auto found = agents_.find(session);
    if (found != agents_.end()) found->second->LookAgain();
  }
  lost_.clear();
}

void NiceAgents::Impl::TurnFor(Duration limit, const auto& done) {
  const TimePoint give_up = MonotonicNow() + limit;
  // A timer ends an iteration that nothing else does.
  GSource* const tick = g_timeout_source_new(10);
  g_source_set_callback(
      tick, [](gpointer) noexcept -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach(tick, context_.get());
  while (!done() && MonotonicNow() < give_up) g_main_context_iteration(context_.get(), TRUE);
  g_source_destroy(tick);
  g_source_unref(tick);
}

void NiceAgents::Impl::CloseAll() {
  TurnFor(kClosePatience, [&] {
    return std::ranges::all_of(agents_,
                               [](const auto& entry) { return entry.second->may_close(); });
  });
  over_.clear();
  agents_.clear();
  names_.Cancel();
  TurnFor(kClosePatience, [&] { return closing_ == 0 && names_.pending() == 0; });
  if (closing_ > 0) spdlog::warn("ice: {} agents did not close in time", closing_);
}

// --- an agent ---

NiceAgents::Impl::Agent::Agent(Impl& owner, OpenAgent command)
    : owner_(owner),
      session_(command.session),
      worker_(command.worker),
      pipe_(std::move(command.pipe)),
      local_(std::move(command.local)) {
  agent_ = nice_agent_new_full(owner_.context_.get(), NICE_COMPATIBILITY_RFC5245,
                               static_cast<NiceAgentOption>(NICE_AGENT_OPTION_REGULAR_NOMINATION |
                                                            NICE_AGENT_OPTION_CONSENT_FRESHNESS));
  Configure(command);
  readable_ =
      Attach(g_unix_fd_source_new(pipe_.fd(), G_IO_IN), G_SOURCE_FUNC(&Agent::ReadableThunk));
  Gather();
}

GSource* NiceAgents::Impl::Agent::Attach(GSource* source, GSourceFunc callback) {
  g_source_set_callback(source, callback, this, nullptr);
  g_source_attach(source, owner_.context_.get());
  return source;
}

void NiceAgents::Impl::Agent::Configure(const OpenAgent& command) {
  g_object_set(agent_, "ice-udp", TRUE, "ice-tcp", FALSE, "upnp", FALSE, "controlling-mode",
               command.controlling ? TRUE : FALSE, nullptr);
  const FullIceOptions& options = owner_.options_;
  if (!options.stun.empty()) {
    const auto& server = options.stun[owner_.next_stun_ % options.stun.size()];
    const std::string& address = owner_.names_.AddressOf(server.host);
    if (!address.empty()) {
      g_object_set(agent_, "stun-server", address.c_str(), "stun-server-port", guint{server.port},
                   nullptr);
    }
  }
  if (!owner_.local_.is_any()) {
    NiceAddress address;
    nice_address_init(&address);
    Assign(address, {owner_.local_, 0});
    nice_agent_add_local_address(agent_, &address);
  }
  stream_ = nice_agent_add_stream(agent_, 1);
  nice_agent_set_local_credentials(agent_, stream_, local_.ufrag.c_str(), local_.pwd.c_str());
  for (const auto& [server, username, password] : options.turn) {
    const std::string& address = owner_.names_.AddressOf(server.host);
    if (address.empty()) continue;
    nice_agent_set_relay_info(agent_, stream_, kComponent, address.c_str(), server.port,
                              username.c_str(), password.c_str(), NICE_RELAY_TYPE_TURN_UDP);
  }
  g_signal_connect(agent_, "candidate-gathering-done", G_CALLBACK(&Agent::GatheredThunk), this);
  g_signal_connect(agent_, "component-state-changed", G_CALLBACK(&Agent::StateThunk), this);
  g_signal_connect(agent_, "new-selected-pair-full", G_CALLBACK(&Agent::PairThunk), this);
  nice_agent_attach_recv(agent_, stream_, kComponent, owner_.context_.get(), &Agent::ReceiveThunk,
                         this);
}

void NiceAgents::Impl::Agent::Gather() {
  const auto patience =
      std::chrono::duration_cast<std::chrono::milliseconds>(kGatherPatience).count();
  patience_ = Attach(g_timeout_source_new(static_cast<guint>(patience)), &Agent::PatienceThunk);
  const bool began = nice_agent_gather_candidates(agent_, stream_);
  settling_ = g_idle_source_new();
  g_source_set_priority(settling_, G_PRIORITY_DEFAULT);
  Attach(settling_, &Agent::SettledThunk);
  if (!began) {
    spdlog::error("session={} leg=browser ICE cannot gather candidates", session_.value);
    End();
  }
}

// Once a turn of the loop; false: that was enough.
bool NiceAgents::Impl::Agent::OnTurn() {
  if (--turns_to_settle_ > 0) return true;
  if (is_over_) owner_.over_.push_back(session_);
  return false;
}

void NiceAgents::Impl::Agent::OnPatienceOver() {
  if (!gathered_) {
    spdlog::warn("session={} leg=browser a STUN or TURN server has not answered for {} s",
                 session_.value,
                 std::chrono::duration_cast<std::chrono::seconds>(kGatherPatience).count());
    ++owner_.next_stun_;
  }
  TellGathered();
}

void NiceAgents::Impl::Agent::TellGathered() {
  if (gathered_) return;
  gathered_ = true;
  g_source_destroy(patience_);
  AgentGathered told{session_, {}};
  GSList* const found = nice_agent_get_local_candidates(agent_, stream_, kComponent);
  std::string types;
  for (GSList* item = found; item != nullptr; item = item->next) {
    const auto& candidate = *static_cast<const NiceCandidate*>(item->data);
    if (candidate.transport != NICE_CANDIDATE_TRANSPORT_UDP) continue;
    const bool is_host = candidate.type == NICE_CANDIDATE_TYPE_HOST;
    told.candidates.push_back(
        {.type = TypeOf(candidate.type),
         .at = ToEndpoint(candidate.addr),
         .priority = candidate.priority,
         .foundation = candidate.foundation,
         .related = is_host ? std::nullopt : std::optional(ToEndpoint(candidate.base_addr))});
    types += std::string(types.empty() ? "" : ", ") + NameOf(candidate.type);
  }
  g_slist_free_full(found, [](gpointer c) { nice_candidate_free(static_cast<NiceCandidate*>(c)); });
  std::ranges::stable_sort(told.candidates, std::greater<>(), &IceCandidate::priority);
  spdlog::info("session={} leg=browser ICE candidates: {}", session_.value,
               types.empty() ? "none" : types);
  Tell(std::move(told));
  if (remote_) GiveRemote();
}

void NiceAgents::Impl::Agent::SetRemote(IceRemote remote) {
  if (remote.restart) {
    spdlog::info("session={} leg=browser ICE starts over", session_.value);
    StartOver(*remote.restart);
  }
  spdlog::info("session={} leg=browser ICE has {} candidates of the browser to check",
               session_.value, remote.candidates.size());
  remote_ = std::move(remote);
  if (gathered_) GiveRemote();
}

// The pair in use goes on until another one is nominated.
void NiceAgents::Impl::Agent::StartOver(const IceCredentials& local) {
  local_ = local;
  nice_agent_restart_stream(agent_, stream_);
  nice_agent_set_local_credentials(agent_, stream_, local_.ufrag.c_str(), local_.pwd.c_str());
}

void NiceAgents::Impl::Agent::GiveRemote() {
  const IceCredentials& theirs = remote_->credentials;
  nice_agent_set_remote_credentials(agent_, stream_, theirs.ufrag.c_str(), theirs.pwd.c_str());
  GSList* list = nullptr;
  for (const IceCandidate& candidate : remote_->candidates) {
    list = g_slist_append(list, NewCandidate(candidate, stream_));
  }
  if (list != nullptr) nice_agent_set_remote_candidates(agent_, stream_, kComponent, list);
  g_slist_free_full(list, [](gpointer c) { nice_candidate_free(static_cast<NiceCandidate*>(c)); });
}

void NiceAgents::Impl::Agent::OnPair(NiceCandidate* local, NiceCandidate* remote) {
  spdlog::info("session={} leg=browser ICE uses {} here and {} of the browser", session_.value,
               NameOf(local->type), NameOf(remote->type));
  may_send_ = true;
  last_remote_ = {.type = TypeOf(remote->type),
                  .at = ToEndpoint(remote->addr),
                  .priority = remote->priority,
                  .foundation = remote->foundation};
  Tell(AgentConnected{session_});
}

void NiceAgents::Impl::Agent::OnState(guint state) {
  if (state != NICE_COMPONENT_STATE_FAILED || !may_send_) return;
  may_send_ = false;
  spdlog::warn("session={} leg=browser ICE has lost its way to the browser", session_.value);
  Tell(AgentLost{session_});
  owner_.lost_.push_back(session_);
}

// libnice gives a pair up for good once its consent is lost, also if the path comes back. To start
// over with the credentials that both sides have already needs no SDP: checks go out for as long as
// libnice repeats them, and the browser's are answered and followed at any time.
void NiceAgents::Impl::Agent::LookAgain() {
  StartOver(IceCredentials(local_));
  const bool is_known = std::ranges::any_of(
      remote_->candidates, [&](const IceCandidate& known) { return known.at == last_remote_->at; });
  if (!is_known) remote_->candidates.push_back(*last_remote_);
  GiveRemote();
}

void NiceAgents::Impl::Agent::OnReadable() {
  for (int i = 0; i < kMaxReadsPerTurn; ++i) {
    std::array<uint8_t, AnchorSession::kRoom>& room = owner_.room_;
    const auto size = pipe_.Receive(room);
    if (!size && pipe_.gone()) return End();
    if (!size) return;
    const bool sent = may_send_ && *size <= room.size() &&
                      nice_agent_send(agent_, stream_, kComponent, static_cast<guint>(*size),
                                      reinterpret_cast<const gchar*>(room.data())) > 0;
    if (!sent) ++unsent_;
  }
}

void NiceAgents::Impl::Agent::Tell(AgentEvent event) {
  if (!owner_.inbox(worker_).Push(std::move(event))) End();
}

void NiceAgents::Impl::Agent::End() {
  is_over_ = true;
  if (may_close()) owner_.over_.push_back(session_);
  if (readable_ != nullptr) g_source_destroy(readable_);
}

// In this order: nothing of libnice calls back once the object is gone, and relays are told.
void NiceAgents::Impl::Agent::Close() {
  for (GSource* const source : {readable_, patience_, settling_}) {
    if (source == nullptr) continue;
    g_source_destroy(source);
    g_source_unref(source);
  }
  g_signal_handlers_disconnect_by_data(agent_, this);
  nice_agent_attach_recv(agent_, stream_, kComponent, owner_.context_.get(), nullptr, nullptr);
  nice_agent_remove_stream(agent_, stream_);
  ++owner_.closing_;
  nice_agent_close_async(agent_, &Agent::ClosedThunk, &owner_);
  if (unsent_ + pipe_.dropped() > 0) {
    spdlog::info("session={} leg=browser {} datagrams found no pair or no room", session_.value,
                 unsent_ + pipe_.dropped());
  }
}

// --- for other threads ---

NiceAgents::NiceAgents(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NiceAgents::~NiceAgents() = default;

Result<std::unique_ptr<NiceAgents>> NiceAgents::Start(FullIceOptions options,
                                                      const IpAddress& local, size_t workers) {
  g_type_ensure(G_TYPE_TASK);  // makes GLib's thread for tasks: now, not in the first call
  g_log_set_handler("libnice",
                    static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL),
                    LogFromLibrary, nullptr);
  return std::unique_ptr<NiceAgents>(
      new NiceAgents(std::make_unique<Impl>(std::move(options), local, workers)));
}

bool NiceAgents::Post(AgentCommand command) { return impl_->Post(std::move(command)); }
Mailbox<AgentEvent>& NiceAgents::inbox(size_t worker) { return impl_->inbox(worker); }

}  // namespace lastmile::media
