#include "tests/component/net/openssl_peer.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

#include <array>

namespace lastmile::net {
namespace {

bool IsReadable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, 20) == 1;
}

std::string CommonNameOf(X509* certificate) {
  if (!certificate) return "";
  std::array<char, 100> text{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(),
                            static_cast<int>(text.size()));
  return text.data();
}

}  // namespace

OpenSslPeer::OpenSslPeer(const TestCertificate& shown, const Options& options)
    : context_(SSL_CTX_new(TLS_server_method())),
      address_(listener_.Bind(*Endpoint::Parse("127.0.0.1:0"))) {
  if (options.max_version != 0) {
    SSL_CTX_set_security_level(context_, 0);  // the old versions need it
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, options.max_version);
  }
  EXPECT_EQ(SSL_CTX_use_certificate_file(context_, shown.cert_file().c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, shown.key_file().c_str(), SSL_FILETYPE_PEM), 1);
  if (options.required_issuer) {
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    EXPECT_EQ(SSL_CTX_load_verify_file(context_, options.required_issuer->cert_file().c_str()), 1);
  }
  EXPECT_EQ(listen(listener_.fd(), 8), 0);
  thread_ = std::thread([this] { Serve(); });
}

OpenSslPeer::~OpenSslPeer() {
  stop_.store(true);
  thread_.join();
  SSL_CTX_free(context_);
}

void OpenSslPeer::AwaitHandshake() const {
  const TimePoint deadline = MonotonicNow() + 5s;
  while (handshakes_ == 0 && MonotonicNow() < deadline) std::this_thread::sleep_for(1ms);
}

const std::string& OpenSslPeer::server_name() const {
  AwaitHandshake();
  return server_name_;
}

const std::string& OpenSslPeer::client_name() const {
  AwaitHandshake();
  return client_name_;
}

void OpenSslPeer::Serve() {
  while (!stop_.load()) {
    if (!IsReadable(listener_.fd())) continue;
    const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    Meet(fd);
    close(fd);
  }
}

void OpenSslPeer::Meet(int fd) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    server_name_ = name ? name : "";
    client_name_ = CommonNameOf(SSL_get0_peer_certificate(ssl));
    ++handshakes_;
    std::array<char, 4096> bytes{};
    while (!stop_.load()) {
      if (SSL_pending(ssl) == 0 && !IsReadable(fd)) continue;
      const int count = SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
      if (count <= 0 || SSL_write(ssl, bytes.data(), count) <= 0) break;
    }
  }
  ERR_clear_error();
  SSL_free(ssl);
}

}  // namespace lastmile::net
