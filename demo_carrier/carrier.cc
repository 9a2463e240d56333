#include "demo_carrier/carrier.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "demo_carrier/call.h"
#include "demo_carrier/registrar.h"
#include "demo_carrier/sofia.h"

namespace lastmile::demo_carrier {
namespace {

constexpr size_t kMaxCalls = 400;
constexpr long kTickNs = 10'000'000;  // half a frame: no packet is more than 10 ms late
constexpr Duration kGoodbye = 1s;     // how long the end waits for answers to BYE
constexpr unsigned kIdleConnectionMs = 3'600'000;

void IgnoreLog(void*, const char*, va_list) {}

}  // namespace

// Everything behind Carrier. The sockets of all calls, the tick and the signals sit in one epoll
// set, which sofia's loop watches as one descriptor.
class CarrierCore final : public RequestHandler, public CallHost {
 public:
  explicit CarrierCore(const CarrierOptions& options) : options_(options) {}
  ~CarrierCore() override;

  Result<void> Start();
  void Run();

  int OnRequest(nta_incoming_t* request, const sip_t* sip) override;

  nta_agent_t* agent() override { return agent_; }
  const std::string& contact() const override { return contact_; }
  const std::string& identity() const override { return identity_; }
  std::string gateway() const override;
  double tone_hz() const override { return options_.tone_hz; }
  Result<std::unique_ptr<RtpSession>> OpenMedia(RtpSession::Events events) override;
  void CloseMedia(std::unique_ptr<RtpSession> session) override { sessions_.erase(session->fd()); }
  Endpoint MediaAddress(const RtpSession& session) const override;
  void Print(const std::string& line) override;
  void PlaceCall(const std::string& user) override { to_place_.push_back(user); }

 private:
  Result<void> StartEvents();
  Result<void> StartSip();
  Result<void> StartAgent(const std::string& host);
  const char* transport() const { return options_.tls_folder.empty() ? "tcp" : "tls"; }
  bool Watch(int fd);
  int OnInvite(nta_incoming_t* request, const sip_t* sip);
  int OnRegister(nta_incoming_t* request, const sip_t* sip);
  void OnEvents();
  void OnTick();
  void OnSignal();
  void Reap();
  Call& NewCall(Call::Direction direction, std::string number);
  static int WakeThunk(CarrierCore*, su_wait_t*, CarrierCore* self) noexcept;

  const CarrierOptions options_;
  std::string contact_;
  std::string identity_;
  bool sofia_ready_ = false;
  su_root_t* root_ = nullptr;
  nta_agent_t* agent_ = nullptr;
  nta_leg_t* default_leg_ = nullptr;
  std::unique_ptr<Registrar> registrar_;  // null: nobody has to register
  int epoll_fd_ = -1;
  int timer_fd_ = -1;
  int signal_fd_ = -1;
  uint16_t next_port_ = 0;
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::unique_ptr<Call>> calls_;
  std::unordered_map<int, RtpSession*> sessions_;  // by socket
  std::vector<std::string> to_place_;
  TimePoint stop_at_ = kNever;
};

CarrierCore::~CarrierCore() {
  calls_.clear();
  registrar_.reset();
  if (default_leg_) nta_leg_destroy(default_leg_);
  if (agent_) nta_agent_destroy(agent_);
  if (root_) su_root_destroy(root_);
  if (sofia_ready_) su_deinit();
  for (int fd : {epoll_fd_, timer_fd_, signal_fd_}) {
    if (fd >= 0) close(fd);
  }
}

Result<void> CarrierCore::Start() {
  if (auto events = StartEvents(); !events) return events;
  if (auto sip = StartSip(); !sip) return sip;
  next_port_ = options_.rtp_ports.first;
  fmt::print(
      "demo carrier: SIP/{} {}, dial 600 echo, 601 tone, 602 busy, 603 early media, "
      "604 digits, 605 call back, 606 late answer\n",
      options_.tls_folder.empty() ? "TCP" : "TLS", identity_);
  std::fflush(stdout);
  if (!options_.call_user.empty()) PlaceCall(options_.call_user);
  return {};
}

Result<void> CarrierCore::StartEvents() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  signal_fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec tick{{0, kTickNs}, {0, kTickNs}};
  if (timer_fd_ < 0 || timerfd_settime(timer_fd_, 0, &tick, nullptr) != 0 || !Watch(timer_fd_) ||
      !Watch(signal_fd_)) {
    return Fail("cannot set up timers and signals");
  }
  return {};
}

Result<void> CarrierCore::StartSip() {
  sofia_ready_ = su_init() == 0;
  if (!sofia_ready_) return Fail("sofia-sip does not start");
  su_log_redirect(nullptr, IgnoreLog, nullptr);  // it would write its debugging to our stderr
  root_ = su_root_create(this);
  if (!root_) return Fail("sofia-sip's loop does not start");
  su_root_threading(root_, 0);
  su_wait_t wait[1] = {SU_WAIT_INIT};
  if (su_wait_create(wait, epoll_fd_, SU_WAIT_IN) != 0 ||
      su_root_register(root_, wait, WakeThunk, this, 0) < 0) {
    return Fail("sofia-sip's loop does not take our sockets");
  }
  const std::string host = options_.listen.address.is_v6()
                               ? "[" + options_.listen.address.ToString() + "]"
                               : options_.listen.address.ToString();
  if (auto agent = StartAgent(host); !agent) return agent;
  const sip_via_t* via = nta_agent_via(agent_);
  identity_ = fmt::format("{}:{}", host, via && via->v_port ? via->v_port : "5060");
  contact_ = fmt::format("<sip:carrier@{};transport={}>", identity_, transport());
  default_leg_ =
      nta_leg_tcreate(agent_, RequestHandler::Thunk, this, NTATAG_NO_DIALOG(1), TAG_END());
  if (!default_leg_) return Fail("sofia-sip takes no requests");
  if (options_.user.empty()) return {};
  auto registrar = Registrar::Make(root_, options_.user, options_.password, "demo-carrier");
  if (!registrar) return std::unexpected(registrar.error());
  registrar_ = std::move(*registrar);
  return {};
}

Result<void> CarrierCore::StartAgent(const std::string& host) {
  const std::string port = options_.listen.port ? std::to_string(options_.listen.port) : "*";
  // The only transport: where a request cannot be sent by it, it is not sent at all.
  const std::string url =
      fmt::format("{}:{}:{};transport={}", options_.tls_folder.empty() ? "sip" : "sips", host, port,
                  transport());
  agent_ = nta_agent_create(
      root_, URL_STRING_MAKE(url.c_str()), nullptr, nullptr, NTATAG_UA(1), TPTAG_PONG2PING(1),
      TPTAG_IDLE(kIdleConnectionMs),
      TAG_IF(!options_.tls_folder.empty(), TPTAG_CERTIFICATE(options_.tls_folder.c_str())),
      TAG_END());
  if (agent_) return {};
  return Fail(fmt::format("cannot listen on {} with SIP/{}", options_.listen.ToString(),
                          options_.tls_folder.empty()
                              ? "TCP: is the port in use?"
                              : "TLS: is the port in use, or agent.pem missing?"));
}

std::string CarrierCore::gateway() const {
  const std::string registered = registrar_ ? registrar_->Whereabouts(MonotonicNow()) : "";
  return registered.empty() ? fmt::format("{};transport={}", options_.gateway, transport())
                            : registered;
}

bool CarrierCore::Watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return fd >= 0 && epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void CarrierCore::Run() { su_root_run(root_); }

int CarrierCore::WakeThunk(CarrierCore*, su_wait_t*, CarrierCore* self) noexcept {
  self->OnEvents();
  return 0;
}

void CarrierCore::OnEvents() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<size_t>(i)].data.fd;
    if (fd == timer_fd_) {
      OnTick();
    } else if (fd == signal_fd_) {
      OnSignal();
    } else if (auto session = sessions_.find(fd); session != sessions_.end()) {
      session->second->OnReadable();
    }
  }
}

void CarrierCore::OnTick() {
  uint64_t missed = 0;
  if (read(timer_fd_, &missed, sizeof missed) < 0) return;
  const TimePoint now = MonotonicNow();
  for (auto& [id, call] : calls_) call->OnTick(now);
  Reap();
  for (const std::string& user : std::exchange(to_place_, {})) {
    if (stop_at_ == kNever && calls_.size() < kMaxCalls) {
      NewCall(Call::Direction::kOut, user).Place();
    }
  }
  if (stop_at_ != kNever && (calls_.empty() || now >= stop_at_)) su_root_break(root_);
}

// The only place where calls go: no callback of nta is under way here.
void CarrierCore::Reap() {
  std::erase_if(calls_, [](const auto& entry) { return entry.second->done(); });
}

void CarrierCore::OnSignal() {
  signalfd_siginfo info{};
  while (read(signal_fd_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGUSR1) {
      if (!options_.call_user.empty()) PlaceCall(options_.call_user);
      continue;
    }
    if (stop_at_ != kNever) continue;
    stop_at_ = MonotonicNow() + kGoodbye;
    for (auto& [id, call] : calls_) call->HangUp("shutdown");
  }
}

Call& CarrierCore::NewCall(Call::Direction direction, std::string number) {
  const uint64_t id = ++last_id_;
  auto call = std::make_unique<Call>(*this, id, direction, std::move(number));
  return *calls_.emplace(id, std::move(call)).first->second;
}

int CarrierCore::OnRequest(nta_incoming_t* request, const sip_t* sip) {
  const auto method = sip->sip_request->rq_method;
  if (method == sip_method_ack) return 0;
  if (sip->sip_to && sip->sip_to->a_tag) return 481;  // of a dialog we do not know
  switch (method) {
    case sip_method_invite:
      return OnInvite(request, sip);
    case sip_method_options:
      return AnswerOptions(request);
    case sip_method_register:
      return OnRegister(request, sip);
    case sip_method_bye:
    case sip_method_cancel:
      return 481;
    default:
      return RefuseMethod(request, sip);
  }
}

int CarrierCore::OnInvite(nta_incoming_t* request, const sip_t* sip) {
  if (const int status = nta_check_required(request, sip, nullptr, TAG_END())) return status;
  if (stop_at_ != kNever || calls_.size() >= kMaxCalls) return 503;
  if (registrar_) {
    if (const int status = registrar_->CheckInvite(request, sip)) return status;
  }
  const char* user = sip->sip_request->rq_url->url_user;
  Call& call = NewCall(Call::Direction::kIn, user ? std::string(user).substr(0, 64) : "");
  return call.Take(request, sip, MonotonicNow());
}

int CarrierCore::OnRegister(nta_incoming_t* request, const sip_t* sip) {
  if (!registrar_) return RefuseMethod(request, sip);
  const TimePoint now = MonotonicNow();
  const int status = registrar_->OnRegister(request, sip, now);
  if (status == 200) {
    const std::string where = registrar_->Whereabouts(now);
    Print(where.empty() ? "register state=gone" : "register state=bound contact=" + where);
  }
  return status;
}

Result<std::unique_ptr<RtpSession>> CarrierCore::OpenMedia(RtpSession::Events events) {
  auto session =
      RtpSession::Open(options_.media_address, options_.rtp_ports, next_port_, std::move(events));
  if (!session) return session;
  next_port_ = static_cast<uint16_t>((*session)->port() + 2);
  if (next_port_ > options_.rtp_ports.last) next_port_ = options_.rtp_ports.first;
  if (!Watch((*session)->fd())) return Fail("too many open sockets");
  sessions_[(*session)->fd()] = session->get();
  return session;
}

Endpoint CarrierCore::MediaAddress(const RtpSession& session) const {
  return {options_.media_address, session.port()};
}

void CarrierCore::Print(const std::string& line) {
  if (options_.quiet) return;
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

Carrier::Carrier(std::unique_ptr<CarrierCore> core) : core_(std::move(core)) {}
Carrier::Carrier(Carrier&&) noexcept = default;
Carrier& Carrier::operator=(Carrier&&) noexcept = default;
Carrier::~Carrier() = default;

Result<Carrier> Carrier::Start(const CarrierOptions& options) {
  auto core = std::make_unique<CarrierCore>(options);
  if (auto started = core->Start(); !started) return std::unexpected(started.error());
  return Carrier(std::move(core));
}

void Carrier::Run() { core_->Run(); }

}  // namespace lastmile::demo_carrier
