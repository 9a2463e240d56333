#include "tests/component/media_anchor/turn_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/time.h"
#include "tests/support/loopback.h"
#include "tests/support/stun_message.h"

extern char** environ;

namespace lastmile::test {
namespace {

constexpr uint16_t kRelays = 40;

}  // namespace

TurnServer::TurnServer(const std::vector<std::string>& more_arguments) {
  std::string name = std::filesystem::temp_directory_path() / "lastmile-turn-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder_ = name;
  address_ = {Loopback(1), FindFreeRange(kRelays + 2)};
  first_relay_ = static_cast<uint16_t>(address_.port + 2);
  last_relay_ = static_cast<uint16_t>(address_.port + kRelays);
  Start(more_arguments);
  const TimePoint give_up = MonotonicNow() + 10s;
  while (!Answers()) {
    if (MonotonicNow() < give_up) continue;
    ADD_FAILURE() << "coturn does not answer on " << address_.ToString();
    return;
  }
}

TurnServer::~TurnServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);  // it takes seconds to end by itself
    waitpid(pid_, nullptr, 0);
  }
  std::filesystem::remove_all(folder_);
}

bool TurnServer::IsRelay(const Endpoint& address) const {
  return address.address == address_.address && address.port >= first_relay_ &&
         address.port <= last_relay_;
}

void TurnServer::Start(const std::vector<std::string>& more_arguments) {
  const std::string ip = address_.address.ToString();
  std::vector<std::string> words = {"turnserver",
                                    "-n",
                                    "--listening-ip=" + ip,
                                    "--listening-port=" + std::to_string(address_.port),
                                    "--relay-ip=" + ip,
                                    "--min-port=" + std::to_string(first_relay_),
                                    "--max-port=" + std::to_string(last_relay_),
                                    "--lt-cred-mech",
                                    "--user=" + std::string(kUser) + ":" + kPassword,
                                    "--realm=test",
                                    "--allow-loopback-peers",
                                    "--no-cli",
                                    "--no-tcp",
                                    "--no-tls",
                                    "--no-dtls",
                                    "--log-file=" + (folder_ / "log").string(),
                                    "--simple-log",
                                    "--userdb=" + (folder_ / "db").string(),
                                    "--pidfile=" + (folder_ / "pid").string()};
  words.insert(words.end(), more_arguments.begin(), more_arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  EXPECT_EQ(posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0)
      << "is coturn installed? see scripts/install_packages.sh";
  posix_spawn_file_actions_destroy(&actions);
}

bool TurnServer::Answers() const {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  const socklen_t size = address_.ToSockaddr(storage);
  const Bytes request = StunBuilder(kStunBindingRequest, "transaction1").Build();
  sendto(fd, request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&storage), size);
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  std::array<uint8_t, 512> answer;
  const bool answered =
      poll(&entry, 1, 100) == 1 && recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) > 0;
  close(fd);
  return answered;
}

}  // namespace lastmile::test
