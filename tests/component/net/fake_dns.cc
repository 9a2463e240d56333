#include "tests/component/net/fake_dns.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "base/bytes.h"

namespace lastmile::net {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMaxDatagram = 512;
constexpr uint16_t kTypeCname = 5;
constexpr uint16_t kTypeSrv = 33;
constexpr uint16_t kTypeNaptr = 35;

std::string Be16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string Be32(uint32_t value) {
  return Be16(static_cast<uint16_t>(value >> 16)) + Be16(static_cast<uint16_t>(value));
}

std::string Text(const std::string& text) { return static_cast<char>(text.size()) + text; }

std::string Name(const std::string& name) {
  std::string labels;
  for (size_t at = 0; at < name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    if (dot > at) labels += Text(name.substr(at, dot - at));
    at = dot + 1;
  }
  return labels + '\0';
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

std::map<std::string, FakeName> WithAddresses(
    const std::map<std::string, std::vector<IpAddress>>& names) {
  std::map<std::string, FakeName> full;
  for (const auto& [name, addresses] : names) {
    full[name] = {};
    for (const IpAddress& address : addresses) {
      full[name].records.push_back(AddressRecord(address));
    }
  }
  return full;
}

}  // namespace

FakeRecord AddressRecord(const IpAddress& address, uint32_t ttl) {
  const size_t size = address.is_v6() ? 16 : 4;
  return {address.is_v6() ? kFakeTypeAaaa : kFakeTypeA,
          std::string(reinterpret_cast<const char*>(address.bytes().data()), size), ttl};
}

FakeRecord AliasRecord(const std::string& target, const std::string& owner, uint32_t ttl) {
  return {kTypeCname, Name(target), ttl, owner};
}

FakeRecord ServiceRecord(const SrvRecord& record, uint32_t ttl) {
  return {kTypeSrv,
          Be16(record.priority) + Be16(record.weight) + Be16(record.port) + Name(record.target),
          ttl};
}

FakeRecord PointerRecord(const NaptrRecord& record, const std::string& flags,
                         const std::string& regular_expression, uint32_t ttl) {
  return {kTypeNaptr,
          Be16(record.order) + Be16(record.preference) + Text(flags) + Text(record.service) +
              Text(regular_expression) + Name(record.replacement),
          ttl};
}

FakeDns::FakeDns(std::map<std::string, std::vector<IpAddress>> names)
    : FakeDns(WithAddresses(names)) {}

FakeDns::FakeDns(std::map<std::string, FakeName> names, const std::string& address)
    : names_(std::move(names)) {
  BindBoth(*Endpoint::Parse(address));
  EXPECT_EQ(listen(listener_->fd(), 8), 0);
  thread_ = std::thread([this] { Serve(); });
}

// The number that is free for the one may be taken for the other.
void FakeDns::BindBoth(const Endpoint& address) {
  constexpr int kAttempts = 20;
  for (int i = 0; i < kAttempts; ++i) {
    socket_.emplace(SOCK_DGRAM);
    listener_.emplace(SOCK_STREAM);
    const auto bound = listener_->TryBind(address);
    if (bound && socket_->TryBind(*bound)) {
      address_ = *bound;
      return;
    }
  }
  ADD_FAILURE() << address.ToString() << " is in use";
}

FakeDns::~FakeDns() {
  stop_.store(true);
  thread_.join();
}

void FakeDns::Change(std::map<std::string, FakeName> names) {
  const std::lock_guard lock(mutex_);
  names_ = std::move(names);
}

int FakeDns::Answered(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return answered_[name];
}

void FakeDns::Serve() {
  while (!stop_.load()) {
    pollfd ready[] = {{socket_->fd(), POLLIN, 0}, {listener_->fd(), POLLIN, 0}};
    if (poll(ready, 2, 20) < 1) continue;
    if (ready[0].revents != 0) ServeDatagram();
    if (ready[1].revents != 0) ServeStream();
  }
}

void FakeDns::ServeDatagram() {
  std::string question(512, '\0');
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const ssize_t count = recvfrom(socket_->fd(), question.data(), question.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &length);
  if (count <= static_cast<ssize_t>(kHeader)) return;
  question.resize(static_cast<size_t>(count));
  std::string answer = Answer(question);
  if (answer.empty()) return;
  if (answer.size() > kMaxDatagram) {
    size_t end = 0;
    NameIn(question, end);
    answer = question.substr(0, 2) + Be16(0x8380) + Be16(1) + Be16(0) + Be32(0) +
             question.substr(kHeader, end - kHeader);
  }
  sendto(socket_->fd(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
         length);
}

void FakeDns::ServeStream() {
  const int peer = accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) return;
  std::string question(512, '\0');
  // The question is one small segment on loopback.
  const ssize_t count = recv(peer, question.data(), question.size(), 0);
  if (count > static_cast<ssize_t>(kHeader) + 2) {
    ++tcp_questions_;
    question.resize(static_cast<size_t>(count));
    const std::string answer = Answer(question.substr(2));
    const std::string framed = Be16(static_cast<uint16_t>(answer.size())) + answer;
    for (size_t sent = 0; sent < framed.size();) {
      const ssize_t more = send(peer, framed.data() + sent, framed.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<size_t>(more);
    }
  }
  close(peer);
}

std::string FakeDns::Answer(const std::string& question) {
  const std::lock_guard lock(mutex_);
  size_t end = 0;
  const std::string name = NameIn(question, end);
  if (name.starts_with("silent.") || end > question.size()) return "";
  if (name.starts_with("broken.")) return question.substr(0, 2) + "\x81\x80 not an answer";
  const auto known = names_.find(name);
  const uint16_t type = LoadBe16(reinterpret_cast<const uint8_t*>(question.data()) + end - 4);
  std::string records;
  uint16_t count = 0;
  uint16_t flags = 0x8183;  // NXDOMAIN
  ++answered_[name];
  if (known != names_.end()) {
    if (known->second.unanswered_types.contains(type)) return "";
    flags = static_cast<uint16_t>(0x8180 | known->second.rcode);
    for (const FakeRecord& record : known->second.records) {
      if (record.type != type && record.type != kTypeCname) continue;
      records += (record.owner.empty() ? std::string("\xc0\x0c") : Name(record.owner)) +
                 Be16(record.type) + Be16(1) + Be32(record.ttl) +
                 Be16(static_cast<uint16_t>(record.data.size())) + record.data;
      ++count;
    }
  }
  return question.substr(0, 2) + Be16(flags) + Be16(1) + Be16(count) + Be32(0) +
         question.substr(kHeader, end - kHeader) + records;
}

}  // namespace lastmile::net
