#include "gateway/net/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace lastmile::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Be16(int value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

// A response to a question about _s.x with these records.
std::string Message(const std::vector<std::string>& records) {
  std::string message = Be16(7) + Be16(0x8180) + Be16(1) + Be16(static_cast<int>(records.size())) +
                        Be16(0) + Be16(0) + std::string("\2_s\1x\0", 6) + Be16(33) + Be16(1);
  for (const std::string& record : records) message += record;
  return message;
}

std::string Record(const std::string& owner, int type, const std::string& data,
                   const std::string& ttl = std::string("\0\0\0\x3c", 4)) {
  return owner + Be16(type) + Be16(1) + ttl + Be16(static_cast<int>(data.size())) + data;
}

const std::string kAsked = "\xc0\x0c";
const std::string kTarget = std::string("\1h\1x\0", 5);

std::string Srv(const std::string& target, int port = 5060) {
  return Be16(1) + Be16(2) + Be16(port) + target;
}

DnsAnswer Read(const std::string& message) {
  return ReadDnsMessage(AsBytes(message), "_S.x.", DnsType::kSrv);
}

TEST(DnsMessage, ReadsARecordWhateverTheCaseOfItsName) {
  const auto answer = Read(Message({Record(kAsked, 33, Srv(kTarget))}));
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.services, ElementsAre(SrvRecord{1, 2, 5060, "h.x"}));
  EXPECT_EQ(answer.ttl, 60s);
}

TEST(DnsMessage, RecordsOfOtherNamesAndClassesDoNotCount) {
  std::string chaos = Record(kAsked, 33, Srv(kTarget));
  chaos[5] = 3;  // class CH
  const auto answer = Read(Message({Record(kTarget, 33, Srv(kTarget)), chaos}));
  EXPECT_EQ(answer.status, DnsStatus::kNoRecord);
}

TEST(DnsMessage, TargetsNobodyCanConnectToAreLeftOut) {
  const std::string dotted("\3a.b\1x\0", 7);
  const std::string zero("\3a\0b\1x\0", 7);
  const auto answer =
      Read(Message({Record(kAsked, 33, Srv(dotted)), Record(kAsked, 33, Srv(zero)),
                    Record(kAsked, 33, Srv(kTarget, 0)), Record(kAsked, 33, Srv(kTarget, 5062))}));
  EXPECT_THAT(answer.services, ElementsAre(SrvRecord{1, 2, 5062, "h.x"}));
}

TEST(DnsMessage, ATtlWithItsHighestBitIsNone) {
  const auto answer =
      Read(Message({Record(kAsked, 33, Srv(kTarget), std::string("\x80\0\0\1", 4))}));
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_EQ(answer.ttl, 0s);
}

TEST(DnsMessage, PointersOnlyLeadBack) {
  const std::string to_itself = "\xc0" + std::string(1, static_cast<char>(Message({}).size()));
  for (const std::string& owner : {to_itself, std::string("\xff\xff"), std::string("\x80")}) {
    const auto answer = Read(Message({Record(owner, 33, Srv(kTarget))}));
    EXPECT_EQ(answer.status, DnsStatus::kFailed);
    EXPECT_THAT(answer.reason, HasSubstr("is broken"));
  }
}

TEST(DnsMessage, ARecordThatIsLongerOrShorterThanItSaysIsBroken) {
  for (const std::string& data : {Srv(kTarget) + "x", Srv(""), std::string()}) {
    EXPECT_EQ(Read(Message({Record(kAsked, 33, data)})).status, DnsStatus::kFailed);
  }
}

TEST(DnsMessage, AliasesOfManyStepsLeadNowhere) {
  std::vector<std::string> records;
  std::string owner = kAsked;
  for (int i = 0; i <= kMaxDnsAliases; ++i) {
    const std::string next = std::string("\1") + static_cast<char>('a' + i) + '\0';
    records.push_back(Record(owner, 5, next));
    owner = next;
  }
  records.push_back(Record(owner, 33, Srv(kTarget)));
  EXPECT_EQ(Read(Message(records)).status, DnsStatus::kFailed);
  records.erase(records.end() - 2);
  records.back() = Record(std::string("\1") + static_cast<char>('a' + kMaxDnsAliases - 1) + '\0',
                          33, Srv(kTarget));
  EXPECT_EQ(Read(Message(records)).status, DnsStatus::kFound);
}

TEST(DnsMessage, EveryCutAndAnyWrongByteEndWithAnAnswer) {
  const std::string whole =
      Message({Record(kAsked, 5, kTarget), Record(kTarget, 33, Srv(kTarget)),
               Record(kAsked, 35, Be16(1) + Be16(1) + "\1s\1x" + std::string(1, '\0') + kTarget)});
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(Read(whole.substr(0, size)).status, DnsStatus::kFound) << size;
  }
  SeededRandom random{5};
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    std::array<uint8_t, 4> dice{};
    random.Fill(dice);
    damaged[LoadBe16(dice.data()) % damaged.size()] = static_cast<char>(dice[2]);
    for (const DnsType type : {DnsType::kSrv, DnsType::kNaptr}) {
      const auto answer = ReadDnsMessage(AsBytes(damaged), "_s.x", type);
      EXPECT_EQ(answer.status == DnsStatus::kFound, answer.reason.empty());
    }
  }
}

TEST(DnsMessage, ABombOfPointersCostsLittle) {
  // Names that share one long tail, in as many records as a message can have.
  std::string message = Message({});
  std::string label = std::string(1, 63) + std::string(63, 'a');
  const std::string tail = label + label + label + std::string("\1x\0", 3);
  std::vector<std::string> records = {Record(kAsked, 1, tail)};
  const size_t at = message.size() + 2 + 10;
  const std::string pointer = {static_cast<char>(0xc0 | at >> 8), static_cast<char>(at)};
  for (int i = 0; i < 4000; ++i) records.push_back(Record(pointer, 33, Srv(pointer)));
  const auto answer = Read(Message(records));
  EXPECT_EQ(answer.status, DnsStatus::kNoRecord);
}

}  // namespace
}  // namespace lastmile::net
