#ifndef LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_
#define LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/dns.h"
#include "base/endpoint.h"
#include "tests/component/net/hub_world.h"

namespace lastmile::net {

// A record as it goes over the wire (RFC 1035 section 3.2.1).
struct FakeRecord {
  uint16_t type = 0;
  std::string data;
  uint32_t ttl = 60;
  std::string owner = "";  // "": the name that was asked for
};
FakeRecord AddressRecord(const IpAddress& address, uint32_t ttl = 60);
FakeRecord AliasRecord(const std::string& target, const std::string& owner = "", uint32_t ttl = 60);
FakeRecord ServiceRecord(const SrvRecord& record, uint32_t ttl = 60);
FakeRecord PointerRecord(const NaptrRecord& record, const std::string& flags = "s",
                         const std::string& regular_expression = "", uint32_t ttl = 60);

// What a name server knows of a name. Of its records the ones asked for and all aliases are sent.
struct FakeName {
  std::vector<FakeRecord> records;
  int rcode = 0;                          // 2: SERVFAIL
  std::set<uint16_t> unanswered_types{};  // of questions
};

constexpr uint16_t kFakeTypeA = 1;
constexpr uint16_t kFakeTypeAaaa = 28;

// A DNS server (RFC 1035) at `address`, UDP and TCP, on a thread of its own. Names it does not know
// do not exist; names below "silent." are never answered; "broken." gets bytes that are no answer.
// Over UDP an answer of more than 512 bytes is cut off.
class FakeDns {
 public:
  explicit FakeDns(std::map<std::string, std::vector<IpAddress>> names);
  explicit FakeDns(std::map<std::string, FakeName> names,
                   const std::string& address = "127.0.0.1:0");
  ~FakeDns();

  std::string servers() const { return address_.ToString(); }
  int tcp_questions() const { return tcp_questions_; }
  // Any thread: what the next question is answered with, and how often one about `name` was.
  void Change(std::map<std::string, FakeName> names);
  int Answered(const std::string& name);

 private:
  void BindBoth(const Endpoint& address);
  void Serve();
  void ServeDatagram();
  void ServeStream();
  std::string Answer(const std::string& question);

  std::mutex mutex_;
  std::map<std::string, FakeName> names_;  // guarded by mutex_, as the next one
  std::map<std::string, int> answered_;
  std::optional<RawSocket> socket_;
  std::optional<RawSocket> listener_;
  Endpoint address_;
  std::atomic<int> tcp_questions_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_TESTS_COMPONENT_NET_FAKE_DNS_H_
