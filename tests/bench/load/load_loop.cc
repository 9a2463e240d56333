#include "tests/bench/load/load_loop.h"

#include <unistd.h>

#include <algorithm>

namespace lastmile::bench {

LoadLoop::LoadLoop() : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}
LoadLoop::~LoadLoop() { close(epoll_fd_); }

void LoadLoop::Watch(int fd, Readable& reader) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &reader}};
  if (fd >= 0) epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
}

void LoadLoop::Unwatch(int fd, const Readable& reader) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  // It may end in this very turn, by what another one read.
  for (epoll_event& event : events_) {
    if (event.data.ptr == &reader) event.data.ptr = nullptr;
  }
}

void LoadLoop::Turn(TimePoint until) {
  const auto left = std::max<Duration>(until - MonotonicNow(), 0ns);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec wait{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  const int got = epoll_pwait2(epoll_fd_, events_.data(), events_.size(), &wait, nullptr);
  const TimePoint now = MonotonicNow();
  for (size_t i = 0; i < static_cast<size_t>(std::max(got, 0)); ++i) {
    if (events_[i].data.ptr == nullptr) continue;
    static_cast<Readable*>(events_[i].data.ptr)->OnReadable(now);
  }
}

}  // namespace lastmile::bench
