#ifndef LASTMILE_MEDIA_ANCHOR_IO_UDP_SOCKET_H_
#define LASTMILE_MEDIA_ANCHOR_IO_UDP_SOCKET_H_

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "media_anchor/core/path.h"

namespace lastmile::media {

// One non-blocking UDP socket, closed with the object. Thread: its owner's.
class UdpSocket {
 public:
  struct BindError {
    int code = 0;  // errno
    std::string message;
  };

  // Binds exclusively; port 0 takes any. An IPv6 socket on "::" takes IPv4, too. The error names
  // address, port and cause.
  static Result<UdpSocket, BindError> Bind(const Endpoint& address);

  UdpSocket(UdpSocket&& other) noexcept;
  UdpSocket& operator=(UdpSocket&& other) noexcept;
  ~UdpSocket();

  int fd() const { return fd_; }
  const Endpoint& local() const { return local_; }
  bool is_v6() const { return local_.address.is_v6(); }
  const std::optional<Endpoint>& connected() const { return connected_; }

  // From now on the kernel drops what other sources send. False: the address cannot be reached.
  bool Connect(const Endpoint& remote);
  // Takes every source again. A port that was asked for by its number stays bound; one taken by
  // port 0 is lost (Linux gives it back on disconnecting).
  void Disconnect();
  // The size of the datagram, 0 if it did not fit; nothing: none waits, or an ICMP error was taken.
  std::optional<size_t> Receive(MutableByteView out, Endpoint& from);
  // Datagrams may be lost anyway: what the kernel does not take is dropped. False: dropped.
  bool SendTo(ByteView datagram, const Endpoint& to);

  // The receive buffer wanted; the kernel may give less.
  void SetReceiveBuffer(int bytes);
  // Tells with every datagram which address it came to (IP_PKTINFO, IPV6_PKTINFO).
  Result<void> EnableLocalAddress();

 private:
  UdpSocket(int fd, Endpoint local) : fd_(fd), local_(local) {}

  int fd_;
  Endpoint local_;
  std::optional<Endpoint> connected_;
};

// Reads a socket many datagrams a system call (recvmmsg). Owns the buffers.
class BatchReceiver {
 public:
  // Of the `room` bytes a buffer the kernel fills at most `readable`.
  BatchReceiver(size_t datagrams, size_t room, size_t readable);
  ~BatchReceiver();

  struct Datagram {
    MutableByteView room;  // the datagram and the rest of its buffer
    size_t size = 0;
    Path path;
    bool truncated = false;
  };
  // The datagrams are valid until the next call. Returns how many.
  size_t Receive(const UdpSocket& socket);
  Datagram& operator[](size_t i) { return datagrams_[i]; }
  size_t capacity() const { return datagrams_.size(); }

 private:
  struct Slots;
  std::unique_ptr<Slots> slots_;
  std::vector<Datagram> datagrams_;
  size_t used_;  // slots that the kernel has written to
};

// Collects datagrams for one socket and hands them to the kernel together (sendmmsg), each from the
// local address of its path. Owns the buffers.
class BatchSender {
 public:
  BatchSender(size_t datagrams, size_t room);
  ~BatchSender();

  // Copies. Flushes by itself when full.
  void Add(const UdpSocket& socket, ByteView datagram, const Path& path);
  void Flush(const UdpSocket& socket);

 private:
  struct Slots;
  std::unique_ptr<Slots> slots_;
  size_t count_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_UDP_SOCKET_H_
