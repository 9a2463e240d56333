#ifndef LASTMILE_GATEWAY_NET_UV_HANDLE_H_
#define LASTMILE_GATEWAY_NET_UV_HANDLE_H_

#include <memory>

struct uv_loop_s;
struct uv_poll_s;
struct uv_tcp_s;
struct uv_timer_s;

// Inside gateway/net only. Thread: the loop's.
namespace lastmile::net {

// libuv frees nothing at once: closing takes a turn of the loop, and requests under way still call
// back. So a handle owns itself once it is let go: its `data` becomes null, which tells the
// callbacks that nobody listens any more, and it is deleted when libuv is done with it.
struct UvClose {
  void operator()(uv_poll_s* handle) const noexcept;
  void operator()(uv_tcp_s* handle) const noexcept;
  void operator()(uv_timer_s* handle) const noexcept;
};
using UvPoll = std::unique_ptr<uv_poll_s, UvClose>;
using UvTcp = std::unique_ptr<uv_tcp_s, UvClose>;
using UvTimer = std::unique_ptr<uv_timer_s, UvClose>;

// `data`: what the handle's callbacks find; it outlives the returned pointer.
UvTcp NewTcp(uv_loop_s* loop, void* data);
UvTimer NewTimer(uv_loop_s* loop, void* data);
UvPoll NewPoll(uv_loop_s* loop, int fd, void* data);  // null: the kernel cannot poll this fd

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_UV_HANDLE_H_
