#include "tests/support/ws_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"

namespace lastmile::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint8_t kMask[4] = {0x37, 0xfa, 0x21, 0x3d};

std::string Lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return out;
}

}  // namespace

int WsClient::Frame::close_code() const {
  return payload.size() < 2 ? 1005 : LoadBe16(AsBytes(payload).data());
}

std::string WsClient::Response::Header(std::string_view name) const {
  const std::string wanted = "\r\n" + Lowered(name) + ": ";
  const size_t at = Lowered(head).find(wanted);
  if (at == std::string::npos) return {};
  const size_t from = at + wanted.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

WsClient::WsClient(const Endpoint& server, const Options& options) {
  sockaddr_storage storage;
  const socklen_t length = server.ToSockaddr(storage);
  fd_ = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (options.receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // as browsers do
  connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&storage), length) == 0;
  if (!connected_ || !options.tls) return;

  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context_.get(), 0);  // old versions must be offered to be refused
  if (options.max_tls_version != 0) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), options.max_tls_version);
  }
  ssl_.reset(SSL_new(context_.get()));
  std::string offered;
  for (const std::string& name : options.alpn) {
    offered.push_back(static_cast<char>(name.size()));
    offered += name;
  }
  if (!offered.empty()) {
    SSL_set_alpn_protos(ssl_.get(), AsBytes(offered).data(), static_cast<unsigned>(offered.size()));
  }
  SSL_set_fd(ssl_.get(), fd_);
  connected_ = SSL_connect(ssl_.get()) == 1;
}

WsClient::~WsClient() {
  if (ssl_ && connected_) SSL_shutdown(ssl_.get());
  if (fd_ >= 0) close(fd_);
}

std::string WsClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  if (ssl_) SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return std::string(reinterpret_cast<const char*>(name), length);
}

std::string WsClient::server_certificate() const {
  const X509* certificate = ssl_ ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
  unsigned char* der = nullptr;
  const int size = certificate ? i2d_X509(certificate, &der) : 0;
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<size_t>(std::max(size, 0)));
  OPENSSL_free(der);
  return bytes;
}

std::string WsClient::tls_version() const { return ssl_ ? SSL_get_version(ssl_.get()) : ""; }

bool WsClient::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

WsClient::Got WsClient::ReadSome(steady_clock::time_point deadline) {
  char buffer[16 * 1024];
  while (true) {
    if (!ssl_ || SSL_pending(ssl_.get()) == 0) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) {
        return Got::kNothing;
      }
    }
    const ssize_t got =
        ssl_ ? SSL_read(ssl_.get(), buffer, sizeof buffer) : recv(fd_, buffer, sizeof buffer, 0);
    if (got > 0) {
      in_.append(buffer, static_cast<size_t>(got));
      return Got::kBytes;
    }
    if (!ssl_ || SSL_get_error(ssl_.get(), static_cast<int>(got)) != SSL_ERROR_WANT_READ) {
      return Got::kEnd;
    }
  }
}

bool WsClient::Fill(size_t size, steady_clock::time_point deadline) {
  while (in_.size() < size) {
    if (ReadSome(deadline) != Got::kBytes) return false;
  }
  return true;
}

std::optional<WsClient::Response> WsClient::ReadResponse(bool head_only) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(5);
  size_t end;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (ReadSome(deadline) != Got::kBytes) return std::nullopt;
  }
  Response response;
  response.head = in_.substr(0, end + 4);
  in_.erase(0, end + 4);
  if (response.head.size() > 12) response.status = std::atoi(response.head.c_str() + 9);
  const size_t length =
      head_only ? 0 : std::strtoul(response.Header("Content-Length").c_str(), nullptr, 10);
  if (!Fill(length, deadline)) return std::nullopt;
  response.body = in_.substr(0, length);
  in_.erase(0, length);
  return response;
}

std::optional<WsClient::Response> WsClient::Upgrade(std::string_view extra, std::string_view host) {
  const std::string request = "GET / HTTP/1.1\r\nHost: " + std::string(host) +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: sip\r\n" +
                              std::string(extra) + "\r\n";
  if (!SendRaw(request)) return std::nullopt;
  return ReadResponse();
}

bool WsClient::SendClose(int code) {
  const std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
  return SendFrame(8, payload);
}

std::string WsClient::BuildFrame(int opcode, std::string_view payload, bool final, bool masked) {
  std::string frame;
  frame.push_back(static_cast<char>((final ? 0x80 : 0) | opcode));
  const int mask_bit = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(mask_bit | static_cast<int>(payload.size())));
  } else if (payload.size() < 65536) {
    frame.push_back(static_cast<char>(mask_bit | 126));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back(static_cast<char>(mask_bit | 127));
    for (int shift = 56; shift >= 0; shift -= 8) {
      frame.push_back(static_cast<char>(uint64_t{payload.size()} >> shift));
    }
  }
  if (!masked) return frame.append(payload);
  frame.append(reinterpret_cast<const char*>(kMask), sizeof kMask);
  for (size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(static_cast<uint8_t>(payload[i]) ^ kMask[i & 3]));
  }
  return frame;
}

std::optional<WsClient::Frame> WsClient::ReadFrame(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  if (!Fill(2, deadline)) return std::nullopt;
  const auto byte = [this](size_t i) { return static_cast<uint8_t>(in_[i]); };
  size_t header = 2;
  uint64_t length = byte(1) & 0x7f;
  if (length == 126) header = 4;
  if (length == 127) header = 10;
  if (!Fill(header, deadline)) return std::nullopt;
  if (header > 2) {
    length = 0;
    for (size_t i = 2; i < header; ++i) length = length << 8 | byte(i);
  }
  if (!Fill(header + length, deadline)) return std::nullopt;
  Frame frame{.opcode = byte(0) & 0x0f,
              .final = (byte(0) & 0x80) != 0,
              .payload = in_.substr(header, length)};
  in_.erase(0, header + length);
  return frame;
}

int WsClient::ReadCloseCode(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return -2;
    const auto frame = ReadFrame(left);
    if (!frame) return steady_clock::now() >= deadline ? -2 : -1;
    if (frame->opcode == 8) return frame->close_code();
  }
}

bool WsClient::ReadToEnd(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (true) {
    switch (ReadSome(deadline)) {
      case Got::kBytes:
        in_.clear();
        break;
      case Got::kEnd:
        return true;
      case Got::kNothing:
        return false;
    }
  }
}

void WsClient::Abort() {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  connected_ = false;
  close(fd_);
  fd_ = -1;
}

}  // namespace lastmile::test
