#include "gateway/net/loop.h"

#include <uv.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "gateway/net/loop_impl.h"

namespace lastmile::net {

Loop::Impl::Impl()
    : loop(std::make_unique<uv_loop_t>()),
      wake(std::make_unique<uv_async_t>()),
      before_sleep(std::make_unique<uv_prepare_t>()) {
  // libuv writes to sockets with write(2): without this a peer that resets ends the process.
  std::signal(SIGPIPE, SIG_IGN);
  const bool made = uv_loop_init(loop.get()) == 0 &&
                    uv_async_init(loop.get(), wake.get(), [](uv_async_t*) {}) == 0;
  // Out of file descriptors at start-up: there is nothing to run without a loop.
  if (!made) throw std::bad_alloc();
  timer = NewTimer(loop.get(), this);
  uv_prepare_init(loop.get(), before_sleep.get());
  before_sleep->data = this;
  // libuv runs due timers before it sleeps: what they left to do must not wait for the next packet.
  uv_prepare_start(before_sleep.get(), [](uv_prepare_t* handle) {
    const auto* self = static_cast<const Impl*>(handle->data);
    if (self->timer_fired || !self->deferred.empty()) uv_stop(handle->loop);
  });
}

Loop::Impl::~Impl() {
  timer.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(before_sleep.get()), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(wake.get()), nullptr);
  uv_run(loop.get(), UV_RUN_DEFAULT);  // until every closed handle has been freed
  [[maybe_unused]] const int left = uv_loop_close(loop.get());
  LASTMILE_CHECK(left == 0);
}

void Loop::Impl::Defer(const void* owner, std::function<void()> task) {
  deferred.push_back({owner, std::move(task)});
}

void Loop::Impl::Forget(const void* owner) {
  std::erase_if(deferred, [owner](const Task& task) { return task.owner == owner; });
}

void Loop::Impl::RunDeferred() {
  // Only what is there now: tasks that defer more tasks do not starve the sockets.
  for (size_t left = deferred.size(); left > 0 && !deferred.empty(); --left) {
    auto task = std::move(deferred.front().run);
    deferred.pop_front();
    task();
  }
}

void Loop::Impl::ArmTimer(TimePoint deadline) {
  timer_fired = false;
  if (deadline == kNever) {
    uv_timer_stop(timer.get());
    return;
  }
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline - MonotonicNow());
  uv_update_time(loop.get());
  uv_timer_start(
      timer.get(),
      [](uv_timer_t* handle) {
        if (handle->data) static_cast<Impl*>(handle->data)->timer_fired = true;
      },
      static_cast<uint64_t>(std::max<int64_t>(wait.count(), 0)), 0);
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::Run(std::function<TimePoint()> on_turn) {
  while (!impl_->stop.load()) {
    impl_->RunDeferred();
    impl_->ArmTimer(on_turn());
    uv_run(impl_->uv(), UV_RUN_ONCE);
  }
  impl_->stop.store(false);
}

void Loop::Wake() { uv_async_send(impl_->wake.get()); }

void Loop::Stop() {
  impl_->stop.store(true);
  Wake();
}

}  // namespace lastmile::net
