#include "tests/bench/load/process_meter.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace lastmile::bench {
namespace {

std::string ProcOf(pid_t pid) { return "/proc/" + std::to_string(pid); }

// The number behind the line's `name`.
size_t NumberIn(const std::string& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return std::stoul(line.substr(name.size()));
  }
  return 0;
}

// Every process with its parent.
std::multimap<pid_t, pid_t> Children() {
  std::multimap<pid_t, pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    if (pid == 0) continue;
    children.emplace(NumberIn(entry.path() / "status", "PPid:"), pid);
  }
  return children;
}

}  // namespace

ProcessMeter::ProcessMeter(const std::vector<pid_t>& programs) : pids_(programs) {
  const auto children = Children();
  for (size_t i = 0; i < pids_.size(); ++i) {
    const auto [from, to] = children.equal_range(pids_[i]);
    for (auto child = from; child != to; ++child) pids_.push_back(child->second);
  }
}

Duration ProcessMeter::Cpu() const {
  Duration sum{};
  for (const pid_t pid : pids_) {
    clockid_t clock;
    timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) continue;
    sum += std::chrono::seconds(used.tv_sec) + Duration(used.tv_nsec);
  }
  return sum;
}

size_t ProcessMeter::PssBytes() const {
  size_t kib = 0;
  for (const pid_t pid : pids_) kib += NumberIn(ProcOf(pid) + "/smaps_rollup", "Pss:");
  return kib * 1024;
}

int ProcessMeter::threads() const {
  size_t sum = 0;
  for (const pid_t pid : pids_) sum += NumberIn(ProcOf(pid) + "/status", "Threads:");
  return static_cast<int>(sum);
}

}  // namespace lastmile::bench
