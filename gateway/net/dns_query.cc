#include "gateway/net/dns_query.h"

#include <ares.h>
#include <fmt/format.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "gateway/net/dns_message.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/uv_handle.h"

namespace lastmile::net {
namespace {

// The second try waits twice as long: both fit into kTimeLimit, so that one lost packet is made up
// for.
constexpr int kTryTimeoutMs = 1300;
constexpr int kTries = 2;
constexpr size_t kMaxName = 253;
// RFC 1035 section 3.2.2, RFC 2782 and RFC 3403.
constexpr int kClassIn = 1;
constexpr int kTypeSrv = 33;
constexpr int kTypeNaptr = 35;

DnsAnswer Without(DnsStatus status, std::string reason) {
  return {.status = status,
          .reason = std::move(reason),
          .addresses = {},
          .services = {},
          .pointers = {}};
}

DnsAnswer LookupFailure(int status, const std::string& name, DnsType type) {
  switch (status) {
    case ARES_ENOTFOUND:
      return Without(DnsStatus::kNoName, fmt::format("the name {} does not exist", name));
    case ARES_ENODATA:
      return Without(DnsStatus::kNoRecord, NoRecordSentence(name, type));
    case ARES_EBADNAME:
      return Without(DnsStatus::kFailed, fmt::format("{} is not a host name", name));
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
      return Without(DnsStatus::kFailed, fmt::format("no name server answered for {}", name));
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
      return Without(DnsStatus::kFailed, fmt::format("the name servers have failed for {}", name));
    default:
      return Without(DnsStatus::kFailed,
                     fmt::format("cannot look up {}: {}", name, ares_strerror(status)));
  }
}

DnsAnswer AddressesIn(const ares_addrinfo& info, const std::string& name) {
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_cname* alias = info.cnames; alias; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  DnsAnswer answer = Without(DnsStatus::kFound, "");
  for (const ares_addrinfo_node* node = info.nodes; node; node = node->ai_next) {
    if (answer.addresses.size() == DnsQuery::kMaxAddresses) break;
    if (node->ai_addrlen > sizeof(sockaddr_storage)) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, node->ai_addr, node->ai_addrlen);
    const IpAddress address = Endpoint::FromSockaddr(storage).address;
    if (std::ranges::find(answer.addresses, address) != answer.addresses.end()) continue;
    answer.addresses.push_back(address);
    ttl = std::min(ttl, node->ai_ttl);
  }
  if (answer.addresses.empty()) return LookupFailure(ARES_ENODATA, name, DnsType::kAddress);
  answer.ttl = std::chrono::seconds(std::max(ttl, 0));
  return answer;
}

}  // namespace

struct DnsQuery::Impl {
  Impl(Loop::Impl& the_loop, std::string the_name, DnsType the_type, Done the_done)
      : loop(the_loop), name(std::move(the_name)), type(the_type), done(std::move(the_done)) {}
  ~Impl();

  void Start(const std::string& servers);
  void Ask();
  void Finish(DnsAnswer answer);
  void OnSocketState(int fd, bool readable, bool writable);
  void OnAddresses(int status, const ares_addrinfo* info);
  void OnRecords(int status, ByteView message);
  void Process(int read_fd, int write_fd);
  void OnTimer();
  void ArmTimer();

  Loop::Impl& loop;
  const std::string name;
  const DnsType type;
  Done done;
  ares_channel channel = nullptr;
  std::unordered_map<int, UvPoll> polls;
  UvTimer timer;
  const TimePoint deadline = MonotonicNow() + kTimeLimit;
  bool ending = false;
};

DnsQuery::Impl::~Impl() {
  ending = true;
  loop.Forget(this);
  if (channel) ares_destroy(channel);  // reports ARES_EDESTRUCTION, closes its sockets
}

void DnsQuery::Impl::Start(const std::string& servers) {
  if (name.empty() || name.size() > kMaxName) {
    return Finish(LookupFailure(ARES_EBADNAME, name.substr(0, kMaxName), type));
  }
  static std::once_flag library;
  std::call_once(library, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options options{};
  options.timeout = kTryTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Impl*>(self)->OnSocketState(fd, readable != 0, writable != 0);
  };
  int status = ares_init_options(&channel, &options,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !servers.empty()) {
    status = ares_set_servers_ports_csv(channel, servers.c_str());
  }
  if (status != ARES_SUCCESS) return Finish(LookupFailure(status, name, type));
  timer = NewTimer(loop.uv(), this);
  Ask();
  ArmTimer();
}

void DnsQuery::Impl::Ask() {
  if (type == DnsType::kAddress) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    ares_getaddrinfo(
        channel, name.c_str(), nullptr, &hints,
        [](void* self, int status, int, ares_addrinfo* info) {
          const CHandle<ares_addrinfo, ares_freeaddrinfo> owned(info);
          static_cast<Impl*>(self)->OnAddresses(status, info);
        },
        this);
    return;
  }
  ares_query(
      channel, name.c_str(), kClassIn, type == DnsType::kSrv ? kTypeSrv : kTypeNaptr,
      [](void* self, int status, int, unsigned char* bytes, int size) {
        static_cast<Impl*>(self)->OnRecords(status, ByteView(bytes, static_cast<size_t>(size)));
      },
      this);
}

void DnsQuery::Impl::OnAddresses(int status, const ares_addrinfo* info) {
  if (ending) return;
  Finish(status == ARES_SUCCESS && info ? AddressesIn(*info, name)
                                        : LookupFailure(status, name, type));
}

void DnsQuery::Impl::OnRecords(int status, ByteView message) {
  if (ending) return;
  Finish(status == ARES_SUCCESS ? ReadDnsMessage(message, name, type)
                                : LookupFailure(status, name, type));
}

// Always deferred: c-ares may answer from inside ares_getaddrinfo (hosts file), and its channel
// must not be destroyed from inside its callback.
void DnsQuery::Impl::Finish(DnsAnswer answer) {
  loop.Defer(this, [this, answer = std::move(answer)]() mutable {
    Done call = std::move(done);
    call(std::move(answer));  // may destroy *this
  });
}

void DnsQuery::Impl::OnSocketState(int fd, bool readable, bool writable) {
  if (!readable && !writable) {
    polls.erase(fd);
    return;
  }
  UvPoll& poll = polls[fd];
  if (!poll) poll = NewPoll(loop.uv(), fd, this);
  if (!poll) return;  // the look-up then ends by its own timeout
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  uv_poll_start(poll.get(), events, [](uv_poll_t* handle, int status, int ready) {
    auto* self = static_cast<Impl*>(handle->data);
    if (!self) return;
    uv_os_fd_t ready_fd = -1;
    uv_fileno(reinterpret_cast<uv_handle_t*>(handle), &ready_fd);
    // An error is told to c-ares as "both": its recv() or send() then finds it.
    const bool read = status < 0 || (ready & UV_READABLE);
    const bool write = status < 0 || (ready & UV_WRITABLE);
    self->Process(read ? ready_fd : ARES_SOCKET_BAD, write ? ready_fd : ARES_SOCKET_BAD);
  });
}

void DnsQuery::Impl::Process(int read_fd, int write_fd) {
  ares_process_fd(channel, read_fd, write_fd);
  ArmTimer();
}

void DnsQuery::Impl::OnTimer() {
  if (MonotonicNow() >= deadline) {
    ares_cancel(channel);
    return;
  }
  Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void DnsQuery::Impl::ArmTimer() {
  timeval wait{};
  if (!ares_timeout(channel, nullptr, &wait)) {
    uv_timer_stop(timer.get());
    return;
  }
  const auto own = std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec);
  const auto left =
      std::clamp<Duration>(own, 0s, std::max<Duration>(deadline - MonotonicNow(), 0s));
  uv_update_time(loop.uv());
  uv_timer_start(
      timer.get(),
      [](uv_timer_t* handle) {
        if (handle->data) static_cast<Impl*>(handle->data)->OnTimer();
      },
      static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count()) + 1, 0);
}

DnsQuery::DnsQuery(Loop::Impl& loop, const std::string& name, DnsType type,
                   const std::string& servers, Done done)
    : impl_(std::make_unique<Impl>(loop, name, type, std::move(done))) {
  impl_->Start(servers);
}

DnsQuery::~DnsQuery() = default;

}  // namespace lastmile::net
