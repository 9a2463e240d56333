#include "gateway/net/uv_handle.h"

#include <uv.h>

namespace lastmile::net {
namespace {

template <class Handle>
void CloseAndDelete(Handle* handle) noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

}  // namespace

void UvClose::operator()(uv_poll_s* handle) const noexcept { CloseAndDelete(handle); }
void UvClose::operator()(uv_tcp_s* handle) const noexcept { CloseAndDelete(handle); }
void UvClose::operator()(uv_timer_s* handle) const noexcept { CloseAndDelete(handle); }

UvTcp NewTcp(uv_loop_s* loop, void* data) {
  auto* tcp = new uv_tcp_t;
  uv_tcp_init(loop, tcp);  // cannot fail: the socket is made later
  tcp->data = data;
  return UvTcp(tcp);
}

UvTimer NewTimer(uv_loop_s* loop, void* data) {
  auto* timer = new uv_timer_t;
  uv_timer_init(loop, timer);
  timer->data = data;
  return UvTimer(timer);
}

UvPoll NewPoll(uv_loop_s* loop, int fd, void* data) {
  auto poll = std::make_unique<uv_poll_t>();
  if (uv_poll_init(loop, poll.get(), fd) != 0) return nullptr;
  poll->data = data;
  return UvPoll(poll.release());
}

}  // namespace lastmile::net
