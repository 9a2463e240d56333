#include "tests/component/users/http_peer.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/c_handle.h"

namespace lastmile::test {
namespace {

constexpr char kLength[] = "Content-Length: ";

bool IsWhole(const std::string& text) {
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const size_t length = text.find(kLength);
  const size_t body =
      length < end ? std::strtoul(text.c_str() + length + sizeof(kLength) - 1, nullptr, 10) : 0;
  return text.size() >= end + 4 + body;
}

}  // namespace

struct HttpPeer::Tls {
  CHandle<SSL_CTX, SSL_CTX_free> context{SSL_CTX_new(TLS_server_method())};
};

HttpPeer::HttpPeer(Options options) : options_(std::move(options)) {
  std::signal(SIGPIPE, SIG_IGN);  // a client that refuses our certificate is gone at once
  if (!options_.cert_file.empty()) {
    tls_ = std::make_unique<Tls>();
    SSL_CTX_use_certificate_chain_file(tls_->context.get(), options_.cert_file.c_str());
    SSL_CTX_use_PrivateKey_file(tls_->context.get(), options_.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
  listen(listener_, 64);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

HttpPeer::~HttpPeer() {
  stop_ = true;
  thread_.join();
  for (std::thread& worker : workers_) worker.join();
  close(listener_);
}

void HttpPeer::Run() {
  while (!stop_) {
    pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 20) != 1) continue;
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd >= 0) workers_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpPeer::Serve(int fd) {
  // Two at a time may both think they are the most: the larger number stays.
  const int now = ++at_once_;
  for (int most = most_at_once_; most < now && !most_at_once_.compare_exchange_weak(most, now);) {
  }
  const CHandle<SSL, SSL_free> ssl(tls_ ? SSL_new(tls_->context.get()) : nullptr);
  bool is_open = true;
  if (ssl) {
    SSL_set_fd(ssl.get(), fd);
    is_open = SSL_accept(ssl.get()) == 1;
  }
  std::string text;
  char buffer[4096];
  while (is_open && !IsWhole(text)) {
    const int size = ssl ? SSL_read(ssl.get(), buffer, sizeof buffer)
                         : static_cast<int>(read(fd, buffer, sizeof buffer));
    is_open = size > 0;
    if (is_open) text.append(buffer, static_cast<size_t>(size));
  }
  if (is_open) {
    const size_t end = text.find("\r\n\r\n") + 4;
    const Request request{.head = text.substr(0, end), .body = text.substr(end)};
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = options_.answer(request);
    if (ssl && !answer.empty()) {
      SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      SSL_shutdown(ssl.get());
    } else if (!answer.empty()) {
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    while (answer.empty() && !stop_) {
      pollfd gone{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&gone, 1, 20) == 1) break;
    }
  }
  close(fd);
  --at_once_;
}

std::vector<HttpPeer::Request> HttpPeer::requests() {
  std::lock_guard lock(mutex_);
  return requests_;
}

std::string HttpPeer::Ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string HttpPeer::Status(int status) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Answer\r\nConnection: close\r\nContent-Length: 0\r\n"
         "Location: http://127.0.0.1:1/\r\n\r\n";
}

}  // namespace lastmile::test
