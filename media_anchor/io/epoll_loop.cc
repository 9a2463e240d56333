#include "media_anchor/io/epoll_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace lastmile::media {
namespace {

Error SystemError(const char* what) { return {std::string(what) + ": " + std::strerror(errno)}; }

}  // namespace

Result<EpollLoop> EpollLoop::Create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return std::unexpected(SystemError("cannot make an epoll set"));
  EpollLoop loop(epoll_fd, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (loop.wake_fd_ < 0) return std::unexpected(SystemError("cannot make an eventfd"));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, loop.wake_fd_, &event) != 0) {
    return std::unexpected(SystemError("cannot watch an eventfd"));
  }
  return loop;
}

EpollLoop::EpollLoop(EpollLoop&& other) noexcept
    : epoll_fd_(std::exchange(other.epoll_fd_, -1)),
      wake_fd_(std::exchange(other.wake_fd_, -1)),
      woken_(other.woken_) {}

EpollLoop::~EpollLoop() {
  if (wake_fd_ >= 0) close(wake_fd_);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

Result<void> EpollLoop::Add(int fd, Watched* watched) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = watched}};
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return std::unexpected(SystemError("cannot watch a socket"));
}

void EpollLoop::Remove(int fd) { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

std::span<const epoll_event> EpollLoop::Wait(TimePoint now, TimePoint deadline) {
  int timeout = -1;
  if (deadline != kNever) {
    // Rounded up: a timer is never early.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
    timeout = static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
  }
  int got = epoll_wait(epoll_fd_, events_.data(), static_cast<int>(events_.size()), timeout);
  got = std::max(got, 0);  // EINTR
  for (int i = 0; i < got; ++i) {
    if (events_[i].data.ptr != nullptr) continue;
    uint64_t count;
    woken_ |= read(wake_fd_, &count, sizeof count) == sizeof count;
    events_[i] = events_[--got];
    break;
  }
  return {events_.data(), static_cast<size_t>(got)};
}

void EpollLoop::Wake() const {
  const uint64_t one = 1;
  // The counter cannot overflow in practice, and a set one wakes as well.
  [[maybe_unused]] const ssize_t done = write(wake_fd_, &one, sizeof one);
}

bool EpollLoop::TakeWake() { return std::exchange(woken_, false); }

}  // namespace lastmile::media
