#include "media_anchor/io/udp_socket.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>

namespace lastmile::media {
namespace {

const IpAddress kLoopback = *IpAddress::Parse("127.0.0.1");

UdpSocket Make(const char* address = "127.0.0.1:0") {
  auto socket = UdpSocket::Bind(*Endpoint::Parse(address));
  EXPECT_TRUE(socket);
  return std::move(*socket);
}

bool WaitReadable(const UdpSocket& socket, int timeout_ms = 2000) {
  pollfd entry{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

TEST(UdpSocket, ABindErrorNamesAddressPortAndCause) {
  UdpSocket first = Make();
  const auto second = UdpSocket::Bind(first.local());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_EQ(second.error().message, "cannot bind UDP " + first.local().ToString() +
                                        ": the port is in use by another program");
}

TEST(UdpSocket, SendsAndReceives) {
  UdpSocket a = Make();
  UdpSocket b = Make();
  Bytes room(100);
  Endpoint from;
  EXPECT_FALSE(b.Receive(room, from)) << "nothing waits";
  EXPECT_TRUE(a.SendTo(AsBytes("hello"), b.local()));
  ASSERT_TRUE(WaitReadable(b));
  EXPECT_EQ(b.Receive(room, from), 5u);
  EXPECT_EQ(from, a.local());
  EXPECT_TRUE(a.SendTo(Bytes(101), b.local()));
  ASSERT_TRUE(WaitReadable(b));
  EXPECT_EQ(b.Receive(room, from), 0u) << "it did not fit";
}

TEST(UdpSocket, AConnectedSocketHearsItsPeerOnly) {
  UdpSocket a = Make();
  UdpSocket stranger = Make("127.0.0.66:0");
  const Endpoint free = Make().local();
  UdpSocket b = Make(free.ToString().c_str());  // Disconnect() keeps a port asked for by number
  ASSERT_TRUE(b.Connect(a.local()));
  EXPECT_EQ(b.connected(), a.local());
  EXPECT_TRUE(stranger.SendTo(AsBytes("no"), b.local()));
  EXPECT_TRUE(a.SendTo(AsBytes("yes"), b.local()));
  ASSERT_TRUE(WaitReadable(b));
  Bytes room(100);
  Endpoint from;
  EXPECT_EQ(b.Receive(room, from), 3u);
  EXPECT_FALSE(b.Receive(room, from));
  b.Disconnect();
  EXPECT_FALSE(b.connected());
  EXPECT_TRUE(stranger.SendTo(AsBytes("now"), b.local()));
  ASSERT_TRUE(WaitReadable(b));
  EXPECT_EQ(b.Receive(room, from), 3u);
  EXPECT_EQ(from, stranger.local());
}

TEST(UdpSocket, MovesItsDescriptor) {
  UdpSocket a = Make();
  const int fd = a.fd();
  UdpSocket b = std::move(a);
  EXPECT_EQ(b.fd(), fd);
  EXPECT_TRUE(b.SendTo(AsBytes("x"), b.local()));
}

TEST(Batches, CarryManyDatagramsWithTheirPaths) {
  UdpSocket server = Make("0.0.0.0:0");
  ASSERT_TRUE(server.EnableLocalAddress());
  UdpSocket client = Make();
  const uint16_t port = server.local().port;
  BatchReceiver receiver(8, 64, 32);
  EXPECT_EQ(receiver.Receive(server), 0u);
  for (uint8_t i = 0; i < 10; ++i) {
    const Endpoint to{IpAddress::V4(0x7f000002u + i % 2), port};
    ASSERT_TRUE(client.SendTo(Bytes(i == 3 ? 33 : 10, i), to));
  }
  BatchSender sender(4, 64);
  size_t received = 0;
  while (received < 10) {
    ASSERT_TRUE(WaitReadable(server));
    const size_t count = receiver.Receive(server);
    ASSERT_LE(count, 8u);
    for (size_t i = 0; i < count; ++i, ++received) {
      auto& datagram = receiver[i];
      EXPECT_EQ(datagram.path.remote, client.local());
      EXPECT_EQ(datagram.path.local, IpAddress::V4(0x7f000002u + received % 2));
      EXPECT_EQ(datagram.truncated, received == 3);
      EXPECT_EQ(datagram.room.size(), 64u);
      EXPECT_EQ(datagram.room[0], received);
      sender.Add(server, datagram.room.first(datagram.size), datagram.path);
    }
  }
  sender.Add(server, Bytes(65), {client.local(), {}});  // longer than a buffer: dropped
  sender.Add(server, Bytes(5), {{kLoopback, 0}, {}});   // the kernel refuses port 0
  sender.Add(server, Bytes(6, 77), {client.local(), {}});
  sender.Flush(server);
  Bytes room(100);
  for (uint8_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(WaitReadable(client));
    Endpoint from;
    ASSERT_TRUE(client.Receive(room, from));
    EXPECT_EQ(room[0], i);
    EXPECT_EQ(from, (Endpoint{IpAddress::V4(0x7f000002u + i % 2), port}))
        << "an answer leaves from where the datagram came to";
  }
  ASSERT_TRUE(WaitReadable(client));
  Endpoint from;
  EXPECT_EQ(client.Receive(room, from), 6u) << "behind the refused one";
}

}  // namespace
}  // namespace lastmile::media
