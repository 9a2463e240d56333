#include "gateway/net/resolver.h"

#include <ares.h>
#include <fmt/format.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/c_handle.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/uv_handle.h"

namespace lastmile::net {
namespace {

constexpr int kTryTimeoutMs = 1500;
constexpr int kTries = 3;

std::string LookupFailure(int status, const std::string& host) {
  switch (status) {
    case ARES_ENOTFOUND:
      return fmt::format("the name {} does not exist", host);
    case ARES_ENODATA:
      return fmt::format("the name {} has no address", host);
    case ARES_EBADNAME:
      return fmt::format("{} is not a host name", host);
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return fmt::format("no name server answered for {}", host);
    default:
      return fmt::format("cannot look up {}: {}", host, ares_strerror(status));
  }
}

std::vector<IpAddress> Addresses(const ares_addrinfo& info) {
  std::vector<IpAddress> addresses;
  for (const ares_addrinfo_node* node = info.nodes; node; node = node->ai_next) {
    if (addresses.size() == NameQuery::kMaxAddresses) break;
    if (node->ai_addrlen > sizeof(sockaddr_storage)) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, node->ai_addr, node->ai_addrlen);
    const IpAddress address = Endpoint::FromSockaddr(storage).address;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  return addresses;
}

}  // namespace

struct NameQuery::Impl {
  Impl(Loop::Impl& the_loop, std::string the_host, Done the_done)
      : loop(the_loop), host(std::move(the_host)), done(std::move(the_done)) {}
  ~Impl();

  void Start(const std::string& servers);
  void Finish(Result<std::vector<IpAddress>> result);
  void OnSocketState(int fd, bool readable, bool writable);
  void OnAnswer(int status, const ares_addrinfo* info);
  void Process(int read_fd, int write_fd);
  void ArmTimer();

  Loop::Impl& loop;
  const std::string host;
  Done done;
  ares_channel channel = nullptr;
  std::unordered_map<int, UvPoll> polls;
  UvTimer timer;
  bool ending = false;
};

NameQuery::Impl::~Impl() {
  ending = true;
  loop.Forget(this);
  if (channel) ares_destroy(channel);  // reports ARES_EDESTRUCTION, closes its sockets
}

void NameQuery::Impl::Start(const std::string& servers) {
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
  if (status != ARES_SUCCESS) return Finish(Fail(LookupFailure(status, host)));
  timer = NewTimer(loop.uv(), this);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  ares_getaddrinfo(
      channel, host.c_str(), nullptr, &hints,
      [](void* self, int answer_status, int, ares_addrinfo* info) {
        const CHandle<ares_addrinfo, ares_freeaddrinfo> owned(info);
        static_cast<Impl*>(self)->OnAnswer(answer_status, info);
      },
      this);
  ArmTimer();
}

void NameQuery::Impl::OnAnswer(int status, const ares_addrinfo* info) {
  if (ending) return;
  if (status != ARES_SUCCESS || !info) return Finish(Fail(LookupFailure(status, host)));
  auto addresses = Addresses(*info);
  if (addresses.empty()) return Finish(Fail(LookupFailure(ARES_ENODATA, host)));
  Finish(std::move(addresses));
}

// Always deferred: c-ares may answer from inside ares_getaddrinfo (hosts file), and its channel
// must not be destroyed from inside its callback.
void NameQuery::Impl::Finish(Result<std::vector<IpAddress>> result) {
  loop.Defer(this, [this, result = std::move(result)]() mutable {
    Done call = std::move(done);
    call(std::move(result));  // may destroy *this
  });
}

void NameQuery::Impl::OnSocketState(int fd, bool readable, bool writable) {
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

void NameQuery::Impl::Process(int read_fd, int write_fd) {
  ares_process_fd(channel, read_fd, write_fd);
  ArmTimer();
}

void NameQuery::Impl::ArmTimer() {
  timeval wait{};
  if (!ares_timeout(channel, nullptr, &wait)) {
    uv_timer_stop(timer.get());
    return;
  }
  const uint64_t ms = static_cast<uint64_t>(wait.tv_sec) * 1000 + wait.tv_usec / 1000 + 1;
  uv_timer_start(
      timer.get(),
      [](uv_timer_t* handle) {
        if (handle->data) {
          static_cast<Impl*>(handle->data)->Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
      },
      ms, 0);
}

NameQuery::NameQuery(Loop::Impl& loop, const std::string& host, const std::string& servers,
                     Done done)
    : impl_(std::make_unique<Impl>(loop, host, std::move(done))) {
  impl_->Start(servers);
}

NameQuery::~NameQuery() = default;

}  // namespace lastmile::net
