#ifndef LASTMILE_TESTS_COMPONENT_WS_SERVER_FIXTURE_H_
#define LASTMILE_TESTS_COMPONENT_WS_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.h"
#include "tests/support/ws_client.h"
#include "ws/server.h"

namespace lastmile::ws {

// A folder that is gone after the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::filesystem::path path() const { return path_; }
  void Write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// Writes a fresh self-signed EC certificate for localhost and its key.
void WriteCertificate(const std::filesystem::path& cert, const std::filesystem::path& key);

// The signalling side of the mailbox, played by the test's thread.
class EventReader {
 public:
  explicit EventReader(size_t capacity);
  Mailbox<Event>& mailbox() { return mailbox_; }

  // The next event; none within the limit.
  std::optional<Event> Next(std::chrono::milliseconds limit = std::chrono::seconds(5));
  // The next event if it is a T.
  template <class T>
  std::optional<T> Expect(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    auto event = Next(limit);
    if (!event || !std::holds_alternative<T>(*event)) return std::nullopt;
    return std::get<T>(std::move(*event));
  }

 private:
  Mailbox<Event> mailbox_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool awake_ = false;
  std::vector<Event> batch_;
  std::deque<Event> queue_;
};

// Waits without fixed sleeps for what another thread will make true.
bool Eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(5));

size_t OpenFileDescriptors();

// A server with one plain and one TLS listener on free ports of 127.0.0.1.
class ServerTest : public testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;

  void Start(size_t event_capacity = 4096);
  void Stop() { server_->Stop(); }
  const Endpoint& plain() const { return bound_[0]; }
  const Endpoint& secure() const { return bound_[1]; }
  const Endpoint& at(bool tls) const { return tls ? secure() : plain(); }

  TempFolder folder_;
  ServerOptions options_;
  std::unique_ptr<EventReader> events_;
  std::unique_ptr<Server> server_;
  std::vector<Endpoint> bound_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_TESTS_COMPONENT_WS_SERVER_FIXTURE_H_
