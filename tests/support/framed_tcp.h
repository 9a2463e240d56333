#ifndef LASTMILE_TESTS_SUPPORT_FRAMED_TCP_H_
#define LASTMILE_TESTS_SUPPORT_FRAMED_TCP_H_

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace lastmile::test {

// The active end of a TCP connection for tests: datagrams in frames of RFC 4571, or any bytes.
// Closed with the object. Thread: one, the test's.
class FramedTcp {
 public:
  // Connects from any port of `bind`. Aborts the test program if nobody listens at `to`.
  // `receive_buffer`: bytes of the kernel's; 0: as it likes.
  FramedTcp(const IpAddress& bind, const Endpoint& to, int receive_buffer = 0);
  ~FramedTcp();
  FramedTcp(const FramedTcp&) = delete;
  FramedTcp& operator=(const FramedTcp&) = delete;

  int fd() const { return fd_; }
  const Endpoint& local() const { return local_; }

  void Send(ByteView datagram);
  void SendBytes(ByteView bytes);  // without a frame; what the kernel does not take is lost
  // The next datagram that has come; nothing: none has, whole.
  std::optional<Bytes> Receive();
  // Whether the other end has closed, or reset, the connection within that time.
  bool IsClosed(Duration within = Duration::zero());

 private:
  void Read();

  int fd_;
  Endpoint local_;
  Bytes stream_;
  bool closed_ = false;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_FRAMED_TCP_H_
