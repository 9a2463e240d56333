#include "ws/server.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "ws/connection.h"
#include "ws/http_response.h"
#include "ws/listen_socket.h"
#include "ws/log_limit.h"
#include "ws/page.h"
#include "ws/server_certificate.h"
#include "ws/server_library.h"
#include "ws/signals_blocked.h"
#include "ws/turn_pace.h"

// Connections are adopted in lws's raw role: lws gives them TLS, readiness and buffered writes on
// our libuv loop, and Connection reads HTTP and WebSocket. lws 4.1.6's own WebSocket role takes
// unmasked frames from clients and any Sec-WebSocket-Version, ends over-long control frames and
// lengths of 2^63 without a Close frame, and Debian's build lacks the fixes for its upgrade,
// extension and HTTP/2 paths. None of that code runs here.

namespace lastmile::ws {
namespace {

constexpr size_t kCommandCapacity = 16 * 1024;
constexpr size_t kWriteBytes = 16 * 1024;  // one TLS record
constexpr size_t kReadBytes = 32 * 1024;   // more than one, so that none stays inside OpenSSL
constexpr int kAcceptsPerWake = 64;
constexpr Duration kAcceptPause = 100ms;  // after running out of file descriptors
constexpr Duration kRetryClosed = 10ms;
constexpr Duration kStopLimit = 1s;    // for Close frames and their answers
constexpr int kDeadlinesPerTurn = 64;  // packets that are due then wait about a millisecond

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Mailbox<Event>& events)
      : options_(std::move(options)), events_(events), commands_(kCommandCapacity) {}
  ~Impl() { Stop(); }

  // Any thread.
  Result<std::vector<Endpoint>> Start();
  bool Post(Command command) { return running_ && commands_.Push(std::move(command)); }
  void Stop();
  Gauges gauges() const { return {connections_.load(std::memory_order_relaxed)}; }

 private:
  // One listening socket. Its address is the callback data of its poll handle.
  struct Port {
    Impl* server = nullptr;
    ListenSocket socket;
    bool tls = false;
    std::string name;                              // lws keeps a pointer to it
    std::optional<ServerCertificate> certificate;  // with TLS
    lws_vhost* vhost = nullptr;
    uv_poll_t poll{};
  };
  // One accepted connection. Its address is lws's opaque user data until RAW_CLOSE.
  struct Peer {
    Peer(Impl* owner, ConnId peer_id, const ConnectionRules& rules, bool with_tls,
         TimePoint http_from)
        : server(owner), id(peer_id), connection(rules, with_tls, http_from) {}

    Impl* const server;
    const ConnId id;
    Connection connection;
    lws* wsi = nullptr;
    Endpoint address;
    bool tls = false;
    TimePoint tls_deadline = kNever;
    TimePoint scheduled = kNever;  // its entry in deadlines_
    Fd body;                       // the page file being sent
    uint64_t body_left = 0;
    bool told = false;    // signalling knows it
    bool cut = false;     // signalling gets no more messages of it
    bool reading = true;  // lws may read from it
    bool half_closed = false;
  };

  // Any thread.
  Result<void> OpenPorts();
  void Wake();

  // The ws thread, from here on.
  void Run(std::promise<Result<void>>& started);
  Result<void> SetUp();
  bool MakeContext();
  bool MakeVhost(Port& port, const Listener& listener);
  void TearDown();

  static void WakeThunk(uv_async_t* handle) noexcept;
  static void TimerThunk(uv_timer_t* handle) noexcept;
  static void PaceThunk(uv_prepare_t* handle) noexcept;
  static void AcceptThunk(uv_poll_t* handle, int status, int events) noexcept;
  static int LwsThunk(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                      size_t size) noexcept;

  void OnWake();
  void OnTimer();
  void OnAcceptable(Port& port);
  void Adopt(Port& port, Fd fd, const Endpoint& address);
  void PauseAccepting();
  void ResumeAccepting();

  int OnLws(Peer& peer, lws_callback_reasons reason, char* in, size_t size);
  bool OnBytes(Peer& peer, char* in, size_t size);
  bool OnWritable(Peer& peer);
  bool Write(Peer& peer);
  size_t FillWriteBuffer(Peer& peer);
  void HalfClose(Peer& peer);
  void OnGone(Peer& peer);
  void OnDeadline(Peer& peer);

  bool Advance(Peer& peer);
  bool WriteSoon(Peer& peer);
  void AdvanceOrKill(Peer& peer);
  void Kill(Peer& peer);
  void HandleEvents(Peer& peer);
  void On(Peer& peer, const Connection::PageWanted& wanted);
  void On(Peer& peer, const Connection::Refused& refused);
  void On(Peer& peer, const Connection::OpenedUp& opened);
  void On(Peer& peer, Connection::MessageIn& message);
  void On(Peer& peer, const Connection::ClosedDown& closed);
  void On(Send& send);
  void On(Close& close);

  void TellClosed(Closed closed);
  void FlushClosed();
  void Schedule(Peer& peer, TimePoint when);
  void ArmTimer();
  void BeginStop();
  void StopLoopIfDone();
  Peer* Find(ConnId id);

  const ServerOptions options_;
  Mailbox<Event>& events_;
  Mailbox<Command> commands_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::atomic<uint32_t> connections_{0};
  std::atomic<bool> running_{false};
  std::atomic<bool> stop_asked_{false};
  std::mutex stop_mutex_;  // joins once
  std::thread thread_;
  std::mutex wake_mutex_;
  bool wakeable_ = false;  // wake_ may be signalled; by wake_mutex_

  // The ws thread's.
  ConnectionRules rules_{.origins = OriginPolicy({}, false, {})};
  uv_loop_t loop_{};
  uv_async_t wake_{};
  uv_timer_t timer_{};
  uv_prepare_t pace_handle_{};
  TurnPace pace_;
  lws_context* context_ = nullptr;
  IdSource<ConnId> ids_;
  std::unordered_map<ConnId, std::unique_ptr<Peer>> peers_;
  std::set<std::pair<TimePoint, uint64_t>> deadlines_;
  TimePoint armed_ = kNever;
  TimePoint accept_again_ = kNever;
  std::vector<Closed> untold_closed_;  // did not fit into events_ yet
  TimePoint stop_deadline_ = kNever;
  bool stopping_ = false;
  std::vector<Command> command_batch_;
  std::vector<ConnId> commanded_;  // by the batch
  std::vector<char> read_buffer_ = std::vector<char>(kReadBytes);
  std::vector<unsigned char> write_buffer_ = std::vector<unsigned char>(LWS_PRE + kWriteBytes);
  LogLimit log_limit_;
};

// --- start and stop ---

Result<std::vector<Endpoint>> Server::Impl::Start() {
  LASTMILE_CHECK(!thread_.joinable());
  if (auto opened = OpenPorts(); !opened) {
    ports_.clear();
    return std::unexpected(opened.error());
  }
  std::vector<Endpoint> bound;
  for (const auto& port : ports_) bound.push_back(port->socket.address);
  std::promise<Result<void>> started;
  {
    const SignalsBlocked blocked;
    thread_ = std::thread([this, &started] { Run(started); });
  }
  const Result<void> result = started.get_future().get();
  if (!result) {
    Stop();
    return std::unexpected(result.error());
  }
  return bound;
}

Result<void> Server::Impl::OpenPorts() {
  if (options_.listeners.empty()) return Fail("listen: at least one of ws and wss is needed");
  for (const Listener& listener : options_.listeners) {
    auto port = std::make_unique<Port>();
    if (listener.tls) {
      port->certificate.emplace(listener.cert_file, listener.key_file, listener.config_path);
      if (auto checked = port->certificate->Check(); !checked) return checked;
    }
    auto socket = Listen(listener.address, listener.config_path);
    if (!socket) return std::unexpected(socket.error());
    port->server = this;
    port->socket = std::move(*socket);
    port->tls = listener.tls;
    port->name = listener.config_path;
    ports_.push_back(std::move(port));
  }
  return {};
}

void Server::Impl::Stop() {
  std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  stop_asked_ = true;
  Wake();
  thread_.join();
}

void Server::Impl::Wake() {
  std::lock_guard lock(wake_mutex_);
  if (wakeable_) uv_async_send(&wake_);
}

void Server::Impl::Run(std::promise<Result<void>>& started) {
  pthread_setname_np(pthread_self(), "ws-0");
  Result<void> result = SetUp();
  const bool good = result.has_value();
  running_ = good;
  started.set_value(std::move(result));
  if (good) uv_run(&loop_, UV_RUN_DEFAULT);
  running_ = false;
  TearDown();
}

Result<void> Server::Impl::SetUp() {
  RedirectLibraryLog();
  std::vector<OriginPolicy::OwnPort> own;
  for (const auto& port : ports_) own.push_back({port->tls, port->socket.address.port});
  rules_.max_message = options_.max_message;
  rules_.max_send_queue = options_.max_send_queue;
  rules_.ping_interval = options_.ping_interval;
  rules_.handshake_timeout = options_.handshake_timeout;
  rules_.origins = OriginPolicy(options_.origins, options_.allow_no_origin, std::move(own));
  rules_.accept_key = AcceptKeyOf;

  uv_loop_init(&loop_);
  uv_async_init(&loop_, &wake_, WakeThunk);
  uv_timer_init(&loop_, &timer_);
  uv_prepare_init(&loop_, &pace_handle_);
  uv_prepare_start(&pace_handle_, PaceThunk);
  wake_.data = timer_.data = pace_handle_.data = this;
  {
    std::lock_guard lock(wake_mutex_);
    wakeable_ = true;
  }
  if (!MakeContext()) {
    return Fail("listen: libwebsockets did not start; is libwebsockets-evlib-uv installed?");
  }
  for (size_t i = 0; i < ports_.size(); ++i) {
    Port& port = *ports_[i];
    if (!MakeVhost(port, options_.listeners[i])) {
      return Fail(port.name + ": libwebsockets did not take the certificate and key");
    }
    uv_poll_init_socket(&loop_, &port.poll, port.socket.fd.get());
    port.poll.data = &port;
    uv_poll_start(&port.poll, UV_READABLE, AcceptThunk);
  }
  commands_.SetWake([this] { Wake(); });
  return {};
}

bool Server::Impl::MakeContext() {
  void* loops[] = {&loop_};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV |
                 LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                 LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
  info.foreign_loops = loops;  // a loop of our own: lws installs no signal handlers on it
  info.pcontext = &context_;   // lws sets it to null when the context is gone
  info.pt_serv_buf_size = kReadBytes;
  info.alpn = "http/1.1";
  // Only a backstop for its own TLS and first-byte timers; ours are exact and shorter.
  info.timeout_secs =
      static_cast<unsigned>(
          std::chrono::ceil<std::chrono::seconds>(options_.handshake_timeout * 2).count()) +
      1;
  context_ = lws_create_context(&info);
  return context_ != nullptr;
}

bool Server::Impl::MakeVhost(Port& port, const Listener& listener) {
  static const lws_protocols kProtocols[] = {
      {"lastmile", LwsThunk, 0, 0, 0, nullptr, kWriteBytes},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0},
  };
  port.vhost = ws::MakeVhost(context_, listener, port.name, kProtocols);
  return port.vhost != nullptr;
}

// lws on a loop of ours is destroyed in two calls: the first closes its handles, and when the loop
// has run their closing callbacks the second frees the context they lay in.
void Server::Impl::TearDown() {
  stopping_ =
      false;  // from here on nothing stops the loop: it runs until its last handle is closed
  while (!peers_.empty()) Kill(*peers_.begin()->second);
  if (!untold_closed_.empty()) {
    spdlog::warn("ws: stopped with {} closings that signalling did not take",
                 untold_closed_.size());
  }
  commands_.SetWake(nullptr);
  {
    std::lock_guard lock(wake_mutex_);
    wakeable_ = false;
  }
  const auto close = [](auto& handle) {
    auto* generic = reinterpret_cast<uv_handle_t*>(&handle);
    if (generic->loop != nullptr && uv_is_closing(generic) == 0) uv_close(generic, nullptr);
  };
  close(wake_);
  close(timer_);
  close(pace_handle_);
  for (const auto& port : ports_) close(port->poll);
  for (int call = 0; call < 2; ++call) {
    if (context_ != nullptr) lws_context_destroy(context_);
    while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
    }
  }
  const int closed = uv_loop_close(&loop_);
  LASTMILE_CHECK(closed == 0);
  static_cast<void>(closed);
  ports_.clear();
}

void Server::Impl::BeginStop() {
  stopping_ = true;
  stop_deadline_ = MonotonicNow() + kStopLimit;
  for (const auto& port : ports_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&port->poll), nullptr);
    port->socket.fd.Reset();
  }
  std::vector<ConnId> ids;
  for (const auto& [id, peer] : peers_) ids.push_back(id);
  for (const ConnId id : ids) {
    Peer* peer = Find(id);
    if (peer == nullptr) continue;
    peer->connection.Close(kCloseGoingAway, "the gateway stops", MonotonicNow());
    AdvanceOrKill(*peer);
  }
  ArmTimer();
  StopLoopIfDone();
}

void Server::Impl::StopLoopIfDone() {
  if (!stopping_) return;
  const bool quiet = peers_.empty() && untold_closed_.empty();
  if (quiet || MonotonicNow() >= stop_deadline_) uv_stop(&loop_);
}

// --- loop callbacks ---

void Server::Impl::WakeThunk(uv_async_t* handle) noexcept {
  static_cast<Impl*>(handle->data)->OnWake();
}

void Server::Impl::TimerThunk(uv_timer_t* handle) noexcept {
  static_cast<Impl*>(handle->data)->OnTimer();
}

// libuv is about to wait. What comes while this sleeps is taken in one turn.
void Server::Impl::PaceThunk(uv_prepare_t* handle) noexcept {
  if (uv_backend_timeout(handle->loop) == 0) return;
  Impl& self = *static_cast<Impl*>(handle->data);
  const Duration rest = self.pace_.RestBeforeTurn(MonotonicNow());
  if (rest > 0ns) std::this_thread::sleep_for(rest);
}

void Server::Impl::AcceptThunk(uv_poll_t* handle, int status, int events) noexcept {
  Port& port = *static_cast<Port*>(handle->data);
  if (status == 0 && (events & UV_READABLE) != 0) port.server->OnAcceptable(port);
}

int Server::Impl::LwsThunk(lws* wsi, lws_callback_reasons reason, void* user, void* in,
                           size_t size) noexcept {
  switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
      // A browser connects once and stays: two tickets a handshake would be made for nobody.
      SSL_CTX_set_num_tickets(static_cast<SSL_CTX*>(user), 0);
      return 0;
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_RAW_CLOSE:
      break;
    default:
      return 0;
  }
  auto* peer = static_cast<Peer*>(lws_get_opaque_user_data(wsi));
  if (peer == nullptr) return 0;
  peer->wsi = wsi;
  return peer->server->OnLws(*peer, reason, static_cast<char*>(in), size);
}

void Server::Impl::OnWake() {
  commands_.Drain(command_batch_);
  for (Command& command : command_batch_) {
    std::visit([this](auto& one) { On(one); }, command);
  }
  // Now, so that what a batch has for one connection leaves together.
  for (const ConnId id : commanded_) {
    if (Peer* peer = Find(id)) AdvanceOrKill(*peer);
  }
  commanded_.clear();
  FlushClosed();
  if (stop_asked_ && !stopping_) BeginStop();
}

void Server::Impl::OnTimer() {
  const TimePoint now = MonotonicNow();
  armed_ = kNever;
  if (now >= accept_again_) ResumeAccepting();
  FlushClosed();
  for (int i = 0; i < kDeadlinesPerTurn; ++i) {
    if (deadlines_.empty() || deadlines_.begin()->first > now) break;
    Peer* peer = Find(ConnId{deadlines_.begin()->second});
    LASTMILE_CHECK(peer != nullptr);
    if (peer != nullptr) {
      OnDeadline(*peer);
    } else {
      deadlines_.erase(deadlines_.begin());
    }
  }
  ArmTimer();
  StopLoopIfDone();
}

// --- accepting ---

void Server::Impl::OnAcceptable(Port& port) {
  for (int i = 0; i < kAcceptsPerWake; ++i) {
    sockaddr_storage storage;
    socklen_t length = sizeof storage;
    Fd fd(accept4(port.socket.fd.get(), reinterpret_cast<sockaddr*>(&storage), &length,
                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      Adopt(port, std::move(fd), Endpoint::FromSockaddr(storage));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return PauseAccepting();
    }
    // Anything else is a client that went away before it was accepted.
  }
}

void Server::Impl::Adopt(Port& port, Fd fd, const Endpoint& address) {
  const TimePoint now = MonotonicNow();
  if (peers_.size() >= options_.max_connections) {
    if (log_limit_.Admit(now)) spdlog::warn("{}: refused a connection: full", port.name);
    return;
  }
  const int on = 1;
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  const ConnId id = ids_.Next();
  // TLS has its own time before HTTP's begins.
  const TimePoint http_from = port.tls ? now + options_.handshake_timeout : now;
  Peer& peer = *peers_.emplace(id, std::make_unique<Peer>(this, id, rules_, port.tls, http_from))
                    .first->second;
  connections_ = static_cast<uint32_t>(peers_.size());
  peer.address = address;
  peer.tls = port.tls;
  if (port.tls) peer.tls_deadline = now + options_.handshake_timeout;

  if (port.certificate) port.certificate->Refresh(context_, now);
  lws_adopt_desc_t adoption{};
  adoption.vh = port.vhost;
  adoption.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL);
  adoption.fd.sockfd = fd.Release();  // lws closes it, also when it fails
  adoption.opaque = &peer;
  if (lws_adopt_descriptor_vhost_via_info(&adoption) == nullptr) {
    // RAW_CLOSE has removed the peer already, unless lws failed before it made a connection.
    if (Peer* left = Find(id)) OnGone(*left);
    return;
  }
  Schedule(peer, std::min(peer.connection.deadline(), peer.tls_deadline));
  ArmTimer();
}

// Level-triggered readiness would spin while no descriptor is free.
void Server::Impl::PauseAccepting() {
  const TimePoint now = MonotonicNow();
  if (log_limit_.Admit(now)) spdlog::warn("ws: out of file descriptors, accepting pauses");
  for (const auto& port : ports_) uv_poll_stop(&port->poll);
  accept_again_ = now + kAcceptPause;
  ArmTimer();
}

void Server::Impl::ResumeAccepting() {
  accept_again_ = kNever;
  if (stopping_) return;
  for (const auto& port : ports_) uv_poll_start(&port->poll, UV_READABLE, AcceptThunk);
}

// --- one connection, from lws ---

// What lws wants: 0, or -1 to close. It calls RAW_CLOSE afterwards.
int Server::Impl::OnLws(Peer& peer, lws_callback_reasons reason, char* in, size_t size) {
  switch (reason) {
    case LWS_CALLBACK_RAW_RX:
      return OnBytes(peer, in, size) && Advance(peer) ? 0 : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
      return OnWritable(peer) && Advance(peer) ? 0 : -1;
    case LWS_CALLBACK_RAW_CLOSE:
      OnGone(peer);
      return 0;
    default:
      return 0;
  }
}

// After the handshake OpenSSL takes from the socket what is there, not a record's header first. lws
// does not know of what then waits in OpenSSL, so it is fetched here.
bool Server::Impl::OnBytes(Peer& peer, char* in, size_t size) {
  const TimePoint now = MonotonicNow();
  if (peer.tls_deadline != kNever) {
    peer.tls_deadline = kNever;
    // lws leaves the timer of its TLS handshake running in this role.
    lws_set_timeout(peer.wsi, NO_PENDING_TIMEOUT, 0);
    SSL_set_read_ahead(lws_get_ssl(peer.wsi), 1);
  }
  peer.connection.OnBytes(in, size, now);
  if (!peer.tls) return true;
  SSL* const ssl = lws_get_ssl(peer.wsi);
  while (SSL_has_pending(ssl) != 0) {
    ERR_clear_error();
    const int count = SSL_read(ssl, read_buffer_.data(), static_cast<int>(read_buffer_.size()));
    if (count <= 0) return SSL_get_error(ssl, count) == SSL_ERROR_WANT_READ;
    peer.connection.OnBytes(read_buffer_.data(), static_cast<size_t>(count), now);
  }
  return true;
}

bool Server::Impl::OnWritable(Peer& peer) {
  if (!peer.reading) {
    peer.reading = true;
    lws_rx_flow_control(peer.wsi, 1);
  }
  return peer.half_closed || Write(peer);
}

// One TLS record at most. False: the connection is broken.
bool Server::Impl::Write(Peer& peer) {
  const size_t size = FillWriteBuffer(peer);
  if (size > 0 && lws_write(peer.wsi, &write_buffer_[LWS_PRE], size, LWS_WRITE_RAW) < 0) {
    return false;
  }
  if (lws_partial_buffered(peer.wsi)) {
    // lws reads nothing while it holds unsent bytes, yet leaves read readiness on: it would spin.
    peer.reading = false;
    lws_rx_flow_control(peer.wsi, 0);
  } else if (peer.connection.wants_half_close()) {
    HalfClose(peer);
  }
  return true;
}

// Gathers what there is to write, up to one TLS record, from the connection and its page file.
size_t Server::Impl::FillWriteBuffer(Peer& peer) {
  const TimePoint now = MonotonicNow();
  size_t filled = 0;
  while (filled < kWriteBytes) {
    const std::string_view output = peer.connection.output();
    if (!output.empty()) {
      const size_t count = std::min(output.size(), kWriteBytes - filled);
      std::copy_n(output.begin(), count, write_buffer_.begin() + LWS_PRE + filled);
      filled += count;
      peer.connection.TakeOutput(count, now);
    } else if (peer.connection.awaiting_body()) {
      std::string piece = ReadPiece(peer.body, std::min<uint64_t>(peer.body_left, kWriteBytes));
      if (piece.empty()) {  // the file shrank: the announced length cannot be kept
        peer.connection.Close(kCloseGoingAway, {}, now);
        break;
      }
      peer.body_left -= piece.size();
      if (peer.body_left == 0) peer.body.Reset();
      peer.connection.Body(std::move(piece), peer.body_left == 0, now);
    } else {
      break;
    }
  }
  return filled;
}

void Server::Impl::HalfClose(Peer& peer) {
  peer.half_closed = true;
  if (peer.tls) {
    SSL_shutdown(lws_get_ssl(peer.wsi));
    ERR_clear_error();
  }
  shutdown(lws_get_socket_fd(peer.wsi), SHUT_WR);
}

void Server::Impl::OnGone(Peer& peer) {
  if (peer.wsi != nullptr) lws_set_opaque_user_data(peer.wsi, nullptr);
  peer.connection.OnGone();
  HandleEvents(peer);
  Schedule(peer, kNever);
  peers_.erase(ConnId{peer.id});
  connections_ = static_cast<uint32_t>(peers_.size());
  StopLoopIfDone();
}

void Server::Impl::OnDeadline(Peer& peer) {
  const TimePoint now = MonotonicNow();
  if (now >= peer.tls_deadline) {
    if (SSL_is_init_finished(lws_get_ssl(peer.wsi)) == 0) return Kill(peer);
    peer.tls_deadline = kNever;
  }
  peer.connection.OnTime(now);
  AdvanceOrKill(peer);
}

// --- one connection, onwards ---

// After every input: events out, output asked for, deadline set. False: the connection must end.
bool Server::Impl::Advance(Peer& peer) {
  HandleEvents(peer);
  if (peer.connection.done()) return false;
  if (!peer.half_closed && !WriteSoon(peer)) return false;
  Schedule(peer, std::min(peer.connection.deadline(), peer.tls_deadline));
  ArmTimer();
  return true;
}

// A message is written at once if the socket has room, which spares two changes of what the loop
// waits for and a turn of it. What is more than a record, or of a page, waits until lws says so.
// False: the connection is broken.
bool Server::Impl::WriteSoon(Peer& peer) {
  const bool message = !peer.connection.output().empty() && peer.connection.is_websocket();
  if (message && lws_send_pipe_choked(peer.wsi) == 0) {
    if (!Write(peer)) return false;
    if (peer.half_closed) return true;
  }
  const bool more = !peer.connection.output().empty() || peer.connection.awaiting_body() ||
                    peer.connection.wants_half_close() || lws_partial_buffered(peer.wsi);
  if (more) lws_callback_on_writable(peer.wsi);
  return true;
}

void Server::Impl::AdvanceOrKill(Peer& peer) {
  if (!Advance(peer)) Kill(peer);
}

// Not from inside a callback of lws for this peer. Ends in OnGone.
void Server::Impl::Kill(Peer& peer) {
  lws_set_timeout(peer.wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void Server::Impl::HandleEvents(Peer& peer) {
  for (auto events = peer.connection.TakeEvents(); !events.empty();
       events = peer.connection.TakeEvents()) {
    for (Connection::Event& event : events) {
      std::visit([&](auto& one) { On(peer, one); }, event);
    }
  }
}

void Server::Impl::On(Peer& peer, const Connection::PageWanted& wanted) {
  PageFile page = OpenPage(options_.page_dir, wanted.target);
  const bool found = page.status == 200;
  const bool with_body = wanted.method != "HEAD";
  std::string head = BuildResponseHead({.status = page.status,
                                        .content_type = page.content_type,
                                        .content_length = found ? page.size : page.message.size(),
                                        .keep_alive = wanted.keep_alive});
  if (!found && with_body) head += page.message;
  const bool body_follows = found && with_body && page.size > 0;
  if (body_follows) {
    peer.body = std::move(page.file);
    peer.body_left = page.size;
  }
  peer.connection.Respond(std::move(head), body_follows, MonotonicNow());
}

void Server::Impl::On(Peer& peer, const Connection::Refused& refused) {
  if (!log_limit_.Admit(MonotonicNow())) return;
  spdlog::info("ws: conn={} refused with {}: {}", peer.id.value, refused.status, refused.reason);
}

void Server::Impl::On(Peer& peer, const Connection::OpenedUp& /*opened*/) {
  peer.told = untold_closed_.empty() && events_.Push(Opened{peer.id, peer.address, peer.tls});
  if (peer.told) {
    spdlog::info("ws: conn={} opened, {}", peer.id.value, peer.tls ? "wss" : "ws");
  } else {
    peer.connection.Close(kCloseTryAgainLater, "signalling is full", MonotonicNow());
  }
}

void Server::Impl::On(Peer& peer, Connection::MessageIn& message) {
  if (!peer.told || peer.cut) return;
  if (events_.Push(Message{peer.id, std::move(message.text)})) return;
  peer.cut = true;
  peer.connection.Close(kCloseTryAgainLater, "signalling is full", MonotonicNow());
}

void Server::Impl::On(Peer& peer, const Connection::ClosedDown& closed) {
  if (!peer.told) return;
  spdlog::info("ws: conn={} closed with {}: {}", peer.id.value, closed.code, closed.reason);
  TellClosed(Closed{peer.id, closed.code});
}

// --- commands and events ---

void Server::Impl::On(Send& send) {
  Peer* peer = Find(send.conn);
  if (peer == nullptr) return;  // closed meanwhile; its Closed is on the way
  peer->connection.Send(send.text, MonotonicNow());
  commanded_.push_back(send.conn);
}

void Server::Impl::On(Close& close) {
  Peer* peer = Find(close.conn);
  if (peer == nullptr) return;
  peer->connection.Close(close.code, close.reason, MonotonicNow());
  commanded_.push_back(close.conn);
}

// While one waits here no connection is opened, so there is at most one for each open connection.
void Server::Impl::TellClosed(Closed closed) {
  if (untold_closed_.empty() && events_.Push(closed)) return;
  untold_closed_.push_back(closed);
  ArmTimer();
}

void Server::Impl::FlushClosed() {
  size_t told = 0;
  while (told < untold_closed_.size() && events_.Push(untold_closed_[told])) ++told;
  untold_closed_.erase(untold_closed_.begin(),
                       untold_closed_.begin() + static_cast<ptrdiff_t>(told));
}

void Server::Impl::Schedule(Peer& peer, TimePoint when) {
  if (when == peer.scheduled) return;
  if (peer.scheduled != kNever) deadlines_.erase({peer.scheduled, peer.id.value});
  if (when != kNever) deadlines_.insert({when, peer.id.value});
  peer.scheduled = when;
}

void Server::Impl::ArmTimer() {
  const TimePoint now = MonotonicNow();
  TimePoint next = std::min(accept_again_, stop_deadline_);
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  if (!untold_closed_.empty()) next = std::min(next, now + kRetryClosed);
  if (next >= armed_) return;  // an early wake-up finds nothing due and arms again
  armed_ = next;
  // At least 1 ms: libuv runs a timer of 0 ms again in the same round, for ever.
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(next - now, 1ms));
  uv_update_time(&loop_);
  uv_timer_start(&timer_, TimerThunk, static_cast<uint64_t>(wait.count()), 0);
}

Server::Impl::Peer* Server::Impl::Find(ConnId id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : found->second.get();
}

// --- the public face ---

Server::Server(ServerOptions options, Mailbox<Event>& events)
    : impl_(std::make_unique<Impl>(std::move(options), events)) {}
Server::~Server() = default;

Result<std::vector<Endpoint>> Server::Start() { return impl_->Start(); }
bool Server::Post(Command command) { return impl_->Post(std::move(command)); }
void Server::Stop() { impl_->Stop(); }
Gauges Server::gauges() const { return impl_->gauges(); }

}  // namespace lastmile::ws
