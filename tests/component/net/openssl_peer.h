#ifndef LASTMILE_TESTS_COMPONENT_NET_OPENSSL_PEER_H_
#define LASTMILE_TESTS_COMPONENT_NET_OPENSSL_PEER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/endpoint.h"
#include "tests/component/net/hub_world.h"
#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {

// A TLS server that is none of our code: OpenSSL on a blocking socket of 127.0.0.1, on a thread of
// its own. It takes one peer after the other, notes what it learned in the handshake, echoes until
// the peer is gone.
class OpenSslPeer {
 public:
  struct Options {
    int max_version = 0;                               // TLS1_1_VERSION; 0: the newest
    const TestCertificate* required_issuer = nullptr;  // of the client's certificate
  };

  OpenSslPeer(const TestCertificate& shown, const Options& options);
  ~OpenSslPeer();

  const Endpoint& address() const { return address_; }
  int handshakes() const { return handshakes_; }
  // Of the first handshake, which a client may take for done before the server does: they wait.
  const std::string& server_name() const;
  const std::string& client_name() const;

 private:
  void Serve();
  void Meet(int fd);
  void AwaitHandshake() const;

  SSL_CTX* context_;
  RawSocket listener_{SOCK_STREAM};
  Endpoint address_;
  std::atomic<int> handshakes_ = 0;
  std::string server_name_;  // SNI
  std::string client_name_;  // common name of its verified certificate; "": none
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_TESTS_COMPONENT_NET_OPENSSL_PEER_H_
