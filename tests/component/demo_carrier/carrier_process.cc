#include "tests/component/demo_carrier/carrier_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <thread>

extern char** environ;

namespace lastmile::demo_carrier {

CarrierProcess::CarrierProcess(const std::vector<std::string>& arguments) {
  int pipe_ends[2];
  EXPECT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  std::vector<std::string> words = {DEMO_CARRIER_PROGRAM, "--listen", "127.0.0.1:0", "--rtp-ports",
                                    "42000-42199"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  output_ = pipe_ends[0];
  const auto ready = WaitForLine({"demo carrier: SIP/TCP "});
  if (!ready) {
    ADD_FAILURE() << "the program did not get ready";
    return;
  }
  const size_t start = ready->find("127.0.0.1:");
  sip_ = *Endpoint::Parse(ready->substr(start, ready->find(',') - start));
}

CarrierProcess::~CarrierProcess() {
  // Under a sanitizer a leak or worse is an exit status, too.
  if (pid_ > 0) {
    EXPECT_EQ(Terminate(), 0);
  }
  close(output_);
}

bool CarrierProcess::ReadMore(Duration limit) {
  pollfd ready{output_, POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  if (poll(&ready, 1, static_cast<int>(std::max<int64_t>(ms, 0))) != 1) return false;
  char buffer[4096];
  const ssize_t count = read(output_, buffer, sizeof buffer);
  if (count <= 0) return false;
  unread_.append(buffer, static_cast<size_t>(count));
  for (size_t end; (end = unread_.find('\n')) != std::string::npos; unread_.erase(0, end + 1)) {
    lines_.push_back(unread_.substr(0, end));
  }
  return true;
}

std::optional<std::string> CarrierProcess::WaitForLine(const std::vector<std::string>& words,
                                                       Duration limit) {
  const TimePoint deadline = MonotonicNow() + limit;
  do {
    const auto line = std::ranges::find_if(lines_, [&](const std::string& text) {
      return std::ranges::all_of(words, [&](auto& word) { return text.contains(word); });
    });
    if (line == lines_.end()) continue;
    std::string found = *line;
    lines_.erase(line);
    return found;
  } while (ReadMore(deadline - MonotonicNow()));
  return std::nullopt;
}

void CarrierProcess::Signal(int signal) { kill(pid_, signal); }

int CarrierProcess::Terminate(Duration limit) {
  if (pid_ <= 0) return -1;
  kill(pid_, SIGTERM);
  const TimePoint deadline = MonotonicNow() + limit;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (MonotonicNow() < deadline) {
      std::this_thread::sleep_for(5ms);
      continue;
    }
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
    status = -1;
    break;
  }
  pid_ = -1;
  return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

size_t CarrierProcess::open_files() const {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

}  // namespace lastmile::demo_carrier
