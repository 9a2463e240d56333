#ifndef LASTMILE_TESTS_COMPONENT_USERS_HTTP_PEER_H_
#define LASTMILE_TESTS_COMPONENT_USERS_HTTP_PEER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/endpoint.h"

namespace lastmile::test {

// A web application of one page: every request is answered with what the test says. One request a
// connection, each on a thread of its own. Thread: the test's; the answer is made on others.
class HttpPeer {
 public:
  struct Request {
    std::string head;
    std::string body;
  };
  struct Options {
    // The whole answer, from "HTTP/1.1" on; "": none, until the peer goes.
    std::function<std::string(const Request&)> answer;
    std::string cert_file = {};  // "": no TLS
    std::string key_file = {};
  };

  explicit HttpPeer(Options options);
  ~HttpPeer();
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  uint16_t port() const { return port_; }
  std::vector<Request> requests();
  int most_at_once() const { return most_at_once_; }

  static std::string Ok(const std::string& body);
  static std::string Status(int status);

 private:
  struct Tls;

  void Run();
  void Serve(int fd);

  const Options options_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> at_once_ = 0;
  std::atomic<int> most_at_once_ = 0;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<std::thread> workers_;
  std::thread thread_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_COMPONENT_USERS_HTTP_PEER_H_
