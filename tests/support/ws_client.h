#ifndef LASTMILE_TESTS_SUPPORT_WS_CLIENT_H_
#define LASTMILE_TESTS_SUPPORT_WS_CLIENT_H_

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/c_handle.h"
#include "base/endpoint.h"

namespace lastmile::test {

// A browser's side of a WebSocket by hand, so that a test may break every rule: blocking sockets,
// TLS by OpenSSL that trusts anybody, frames made byte by byte. Every read has a deadline.
class WsClient {
 public:
  struct Options {
    bool tls = false;
    std::vector<std::string> alpn = {};
    int receive_buffer = 0;   // bytes of SO_RCVBUF; 0: the system's
    int max_tls_version = 0;  // TLS1_1_VERSION ...; 0: the newest
  };
  struct Frame {
    int opcode = 0;
    bool final = true;
    std::string payload;
    // Of a Close frame: its code, 1005 if there is none.
    int close_code() const;
  };
  struct Response {
    int status = 0;
    std::string head;  // the whole head
    std::string body;  // what came with it, as far as Content-Length says
    // The value of a header, empty if it is not there.
    std::string Header(std::string_view name) const;
  };

  WsClient(const Endpoint& server, const Options& options);
  WsClient(const Endpoint& server) : WsClient(server, Options()) {}
  ~WsClient();
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  std::string alpn() const;
  std::string tls_version() const;
  std::string server_certificate() const;  // DER; empty: none

  // False: the peer has gone.
  bool SendRaw(std::string_view bytes);
  // `head_only`: the response to HEAD has no body.
  std::optional<Response> ReadResponse(bool head_only = false);
  // Sends a good upgrade request with `extra` header lines, and reads the answer.
  std::optional<Response> Upgrade(std::string_view extra = "", std::string_view host = "test");
  bool Open(std::string_view extra = "") {
    const auto response = Upgrade(extra);
    return response && response->status == 101;
  }

  bool SendFrame(int opcode, std::string_view payload, bool final = true) {
    return SendRaw(BuildFrame(opcode, payload, final));
  }
  bool SendText(std::string_view text) { return SendFrame(1, text); }
  bool SendClose(int code);
  static std::string BuildFrame(int opcode, std::string_view payload, bool final = true,
                                bool masked = true);

  std::optional<Frame> ReadFrame(std::chrono::milliseconds limit = std::chrono::seconds(5));
  // Skips everything up to the Close frame and returns its code; -1: the connection ended, -2:
  // time.
  int ReadCloseCode(std::chrono::milliseconds limit = std::chrono::seconds(5));
  // True: the peer ended the connection, whatever it sent before.
  bool ReadToEnd(std::chrono::milliseconds limit = std::chrono::seconds(5));
  // Resets the connection (RST) instead of closing it.
  void Abort();
  // Everything read and not consumed.
  const std::string& pending() const { return in_; }

 private:
  enum class Got { kBytes, kEnd, kNothing };
  Got ReadSome(std::chrono::steady_clock::time_point deadline);
  bool Fill(size_t size, std::chrono::steady_clock::time_point deadline);

  int fd_ = -1;
  bool connected_ = false;
  CHandle<SSL_CTX, SSL_CTX_free> context_;
  CHandle<SSL, SSL_free> ssl_;
  std::string in_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_WS_CLIENT_H_
