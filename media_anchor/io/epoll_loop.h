#ifndef LASTMILE_MEDIA_ANCHOR_IO_EPOLL_LOOP_H_
#define LASTMILE_MEDIA_ANCHOR_IO_EPOLL_LOOP_H_

#include <sys/epoll.h>

#include <array>
#include <span>

#include "base/result.h"
#include "base/time.h"

namespace lastmile::media {

// What an event is for: the base of an object that stands for a socket. Thread: its owner's.
struct Watched {
  enum class Kind { kBrowserUdp, kTrunkUdp, kTcpListener, kTcpConnection, kAgent };
  const Kind kind;
};

// A level-triggered epoll set and an eventfd to wake it. Thread: the one that waits; Wake() any.
class EpollLoop {
 public:
  static Result<EpollLoop> Create();
  EpollLoop(EpollLoop&& other) noexcept;
  EpollLoop& operator=(EpollLoop&&) = delete;
  ~EpollLoop();

  // `watched` comes back with every event of the descriptor, as its data.ptr; never null.
  Result<void> Add(int fd, Watched* watched);
  // Before the descriptor is closed. Events of it that Wait() already returned stay in the span.
  void Remove(int fd);

  // Waits until something is readable, Wake() was called or `deadline` is reached. The events are
  // valid until the next call.
  std::span<const epoll_event> Wait(TimePoint now, TimePoint deadline);
  void Wake() const;
  // Whether Wake() was called since the last time this was asked.
  bool TakeWake();

 private:
  EpollLoop(int epoll_fd, int wake_fd) : epoll_fd_(epoll_fd), wake_fd_(wake_fd) {}

  int epoll_fd_;
  int wake_fd_;
  bool woken_ = false;
  std::array<epoll_event, 256> events_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_EPOLL_LOOP_H_
