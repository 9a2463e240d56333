#include "tests/component/net/fake_dns.h"

#include <poll.h>

#include "base/bytes.h"

namespace lastmile::net {
namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kTypeA = 1;

std::string Be16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

// The labels of the question with dots between them; `end` is set behind its type and class.
std::string NameIn(const std::string& question, size_t& end) {
  std::string name;
  size_t at = kHeader;
  while (at < question.size() && question[at] != 0) {
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, static_cast<uint8_t>(question[at]));
    at += 1 + static_cast<uint8_t>(question[at]);
  }
  end = at + 5;
  return name;
}

}  // namespace

FakeDns::FakeDns(std::map<std::string, std::vector<IpAddress>> names)
    : names_(std::move(names)),
      address_(socket_.Bind(*Endpoint::Parse("127.0.0.1:0"))),
      thread_([this] { Serve(); }) {}

FakeDns::~FakeDns() {
  stop_.store(true);
  thread_.join();
}

void FakeDns::Serve() {
  while (!stop_.load()) {
    pollfd ready{socket_.fd(), POLLIN, 0};
    if (poll(&ready, 1, 20) != 1) continue;
    std::string question(512, '\0');
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t count = recvfrom(socket_.fd(), question.data(), question.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &length);
    if (count <= static_cast<ssize_t>(kHeader)) continue;
    question.resize(static_cast<size_t>(count));
    const std::string answer = Answer(question);
    if (answer.empty()) continue;
    sendto(socket_.fd(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
           length);
  }
}

std::string FakeDns::Answer(const std::string& question) const {
  size_t end = 0;
  const std::string name = NameIn(question, end);
  if (name.starts_with("silent.") || end > question.size()) return "";
  if (name.starts_with("broken.")) return question.substr(0, 2) + "\x81\x80 not an answer";
  const auto known = names_.find(name);
  const bool is_a = LoadBe16(reinterpret_cast<const uint8_t*>(question.data()) + end - 4) == kTypeA;
  std::string records;
  uint16_t count = 0;
  if (known != names_.end() && is_a) {
    for (const IpAddress& address : known->second) {
      records += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04", 12);
      records.append(reinterpret_cast<const char*>(address.bytes().data()), 4);
      ++count;
    }
  }
  const uint16_t flags = known == names_.end() ? 0x8183 : 0x8180;  // NXDOMAIN or no error
  return question.substr(0, 2) + Be16(flags) + Be16(1) + Be16(count) + Be16(0) + Be16(0) +
         question.substr(kHeader, end - kHeader) + records;
}

}  // namespace lastmile::net
