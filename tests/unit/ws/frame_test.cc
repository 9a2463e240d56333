#include "ws/frame.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace lastmile::ws {
namespace {

using Item = MessageReader::Item;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::VariantWith;

constexpr size_t kMaxMessage = 64 * 1024;

MATCHER_P(DataOf, payload, "") {
  const auto* data = std::get_if<MessageReader::Data>(&arg);
  return data != nullptr && data->payload == payload;
}
MATCHER_P(PingOf, payload, "") {
  const auto* ping = std::get_if<MessageReader::Ping>(&arg);
  return ping != nullptr && ping->payload == payload;
}
MATCHER_P(CloseOf, code, "") {
  const auto* close = std::get_if<MessageReader::PeerClose>(&arg);
  return close != nullptr && close->code == code;
}
MATCHER_P(ViolationOf, code, "") {
  const auto* wrong = std::get_if<MessageReader::Violation>(&arg);
  return wrong != nullptr && wrong->code == code && !wrong->reason.empty();
}

// First byte, announced length in its shortest form, mask, masked payload.
std::string Header(int first, uint64_t length) {
  std::string out(1, static_cast<char>(first));
  const int bytes = length < 126 ? 0 : length <= 0xffff ? 2 : 8;
  out.push_back(static_cast<char>(0x80 | (bytes == 0   ? static_cast<int>(length)
                                          : bytes == 2 ? 126
                                                       : 127)));
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(length >> (8 * i)));
  return out + "\x01\x02\x03\x04";
}

std::string Masked(std::string payload) {
  for (size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(static_cast<uint8_t>(payload[i]) ^ (i % 4 + 1));
  }
  return payload;
}

std::string Frame(int first, const std::string& payload) {
  return Header(first, payload.size()) + Masked(payload);
}

class FrameTest : public testing::Test {
 protected:
  std::vector<Item> Read(std::string bytes) {
    std::vector<Item> items;
    reader_.Read(bytes.data(), bytes.size(), items);
    return items;
  }
  MessageReader reader_{kMaxMessage};
};

TEST_F(FrameTest, ReadsTextAndBinary) {
  EXPECT_THAT(Read(Frame(0x81, "hello")), ElementsAre(DataOf("hello")));
  EXPECT_THAT(Read(Frame(0x82, "\xff\xfe")), ElementsAre(DataOf("\xff\xfe")));
  EXPECT_THAT(Read(Frame(0x81, "")), ElementsAre(DataOf("")));
  EXPECT_THAT(Read(Frame(0x81, "a") + Frame(0x81, "b")), ElementsAre(DataOf("a"), DataOf("b")));
}

TEST_F(FrameTest, ReadsTheSameInEveryPartition) {
  const std::string bytes = Frame(0x01, "frag") + Frame(0x89, "are you there") +
                            Frame(0x00, "men") + Frame(0x80, "ted") +
                            Frame(0x81, std::string(300, 'x')) + Frame(0x88, "\x03\xe8");
  for (size_t step = 1; step <= bytes.size(); ++step) {
    MessageReader reader(kMaxMessage);
    std::vector<Item> items;
    for (size_t at = 0; at < bytes.size(); at += step) {
      std::string piece = bytes.substr(at, step);
      reader.Read(piece.data(), piece.size(), items);
    }
    ASSERT_THAT(items, ElementsAre(PingOf("are you there"), DataOf("fragmented"),
                                   DataOf(std::string(300, 'x')), CloseOf(1000)))
        << step;
  }
}

TEST_F(FrameTest, ReadsEveryLengthForm) {
  for (const size_t size : {size_t{125}, size_t{126}, size_t{127}, size_t{65535}, kMaxMessage}) {
    const std::string payload(size, 'a');
    EXPECT_THAT(Read(Frame(0x81, payload)), ElementsAre(DataOf(payload))) << size;
  }
}

TEST_F(FrameTest, RefusesTooMuchAtTheHeaderAlready) {
  EXPECT_THAT(Read(Header(0x81, kMaxMessage + 1)), ElementsAre(ViolationOf(kCloseTooBig)));
}

TEST(FrameBoundTest, CountsTheMessageOverItsFragments) {
  MessageReader reader(10);
  std::vector<Item> items;
  std::string good = Frame(0x01, "12345") + Frame(0x80, "67890");
  reader.Read(good.data(), good.size(), items);
  EXPECT_THAT(items, ElementsAre(DataOf("1234567890")));
  items.clear();
  std::string more = Frame(0x01, "12345") + Frame(0x00, "67890") + Header(0x80, 1);
  reader.Read(more.data(), more.size(), items);
  EXPECT_THAT(items, ElementsAre(ViolationOf(kCloseTooBig)));
}

TEST_F(FrameTest, BoundsTheFragments) {
  const auto message = [](size_t fragments) {
    std::string bytes = Frame(0x01, "a");
    for (size_t i = 2; i < fragments; ++i) bytes += Frame(0x00, "");
    return bytes + Frame(0x80, "z");
  };
  EXPECT_THAT(Read(message(kMaxFragments)), ElementsAre(DataOf("az")));
  EXPECT_THAT(Read(message(kMaxFragments)), ElementsAre(DataOf("az"))) << "counted a message";
  EXPECT_THAT(Read(message(kMaxFragments + 1)), ElementsAre(ViolationOf(kCloseTooBig)));
}

TEST_F(FrameTest, ControlFramesBetweenFragmentsAreNoFragments) {
  std::string bytes = Frame(0x01, "a");
  for (int i = 0; i < 100; ++i) bytes += Frame(0x8a, "");
  const auto items = Read(bytes + Frame(0x80, "z"));
  ASSERT_EQ(items.size(), 101u);
  EXPECT_THAT(items.back(), DataOf("az"));
}

TEST(FrameViolationTest, EveryReservedBitAndOpcodeIsAProtocolError) {
  for (int first = 0; first < 256; ++first) {
    const bool reserved = (first & 0x70) != 0;
    const int opcode = first & 0x0f;
    const bool unknown = (opcode >= 3 && opcode <= 7) || opcode >= 11;
    const bool fragmented_control = opcode >= 8 && (first & 0x80) == 0;
    const bool nothing_to_continue = opcode == 0;
    MessageReader reader(kMaxMessage);
    std::vector<Item> items;
    char byte = static_cast<char>(first);
    reader.Read(&byte, 1, items);
    if (reserved || unknown || fragmented_control || nothing_to_continue) {
      EXPECT_THAT(items, ElementsAre(ViolationOf(kCloseProtocolError))) << first;
    } else {
      EXPECT_THAT(items, IsEmpty()) << first;
    }
  }
}

TEST(FrameViolationTest, BreachesOfSection5AreProtocolErrors) {
  const std::string mask(4, '\0');
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"not masked", std::string("\x81\x05hello")},
      {"not masked, empty", std::string("\x81\x00", 2)},
      {"control frame of 126 bytes", Header(0x89, 126)},
      {"control frame with a 64-bit length", Header(0x88, 70000)},
      {"text inside a message", Frame(0x01, "a") + Frame(0x81, "b")},
      {"binary inside a message", Frame(0x02, "a") + Frame(0x02, "b")},
      {"continuation after the end", Frame(0x01, "a") + Frame(0x80, "b") + Frame(0x80, "c")},
      {"16-bit length of 125", std::string("\x81\xfe\x00\x7d", 4) + mask},
      {"64-bit length of 65535", std::string("\x81\xff\0\0\0\0\0\0\xff\xff", 10) + mask},
      {"length of 2^63", std::string("\x81\xff\x80\0\0\0\0\0\0\0", 10) + mask},
      {"close with one byte", Frame(0x88, "\x03")},
      {"close with 999", Frame(0x88, "\x03\xe7")},
      {"close with 1004", Frame(0x88, "\x03\xec")},
      {"close with 1005", Frame(0x88, "\x03\xed")},
      {"close with 1006", Frame(0x88, "\x03\xee")},
      {"close with 1015", Frame(0x88, "\x03\xf7")},
      {"close with 2999", Frame(0x88, "\x0b\xb7")},
      {"close with 5000", Frame(0x88, "\x13\x88")},
      {"close with 65535", Frame(0x88, "\xff\xff")},
  };
  for (const auto& [what, bytes] : cases) {
    MessageReader reader(kMaxMessage);
    std::vector<Item> items;
    std::string copy = bytes;
    reader.Read(copy.data(), copy.size(), items);
    ASSERT_FALSE(items.empty()) << what;
    EXPECT_THAT(items.back(), ViolationOf(kCloseProtocolError)) << what;
  }
}

TEST(FrameViolationTest, TextMustBeUtf8OverItsFragments) {
  for (const auto& [bytes, good] : std::vector<std::pair<std::string, bool>>{
           {Frame(0x81, "\xc3\xa4"), true},
           {Frame(0x01, "\xc3") + Frame(0x80, "\xa4"), true},
           {Frame(0x81, "\xc3"), false},
           {Frame(0x81, "\xff"), false},
           {Frame(0x81, "\xed\xa0\x80"), false},
           {Frame(0x01, "\xc3") + Frame(0x80, "a"), false},
           {Frame(0x82, "\xff"), true},
           {Frame(0x8a, "\xff") + Frame(0x81, "a"), true},
       }) {
    MessageReader reader(kMaxMessage);
    std::vector<Item> items;
    std::string copy = bytes;
    reader.Read(copy.data(), copy.size(), items);
    ASSERT_FALSE(items.empty());
    if (good) {
      EXPECT_THAT(items.back(), VariantWith<MessageReader::Data>(testing::_));
    } else {
      EXPECT_THAT(items, ElementsAre(ViolationOf(kCloseBadData)));
    }
  }
}

TEST_F(FrameTest, ReadsCloseFrames) {
  EXPECT_THAT(Read(Frame(0x88, "")), ElementsAre(CloseOf(kCloseNoStatus)));
}

TEST(FrameCloseTest, TakesAllowedCodesAndChecksTheReason) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999}) {
    MessageReader reader(kMaxMessage);
    std::vector<Item> items;
    std::string bytes = Frame(0x88, {static_cast<char>(code >> 8), static_cast<char>(code), 'b'});
    reader.Read(bytes.data(), bytes.size(), items);
    EXPECT_THAT(items, ElementsAre(CloseOf(code)));
  }
  MessageReader reader(kMaxMessage);
  std::vector<Item> items;
  std::string bytes = Frame(0x88, "\x03\xe8\xff");
  reader.Read(bytes.data(), bytes.size(), items);
  EXPECT_THAT(items, ElementsAre(ViolationOf(kCloseBadData)));
}

TEST_F(FrameTest, IgnoresEverythingAfterACloseOrAViolation) {
  EXPECT_THAT(Read(Frame(0x88, "\x03\xe8") + Frame(0x81, "late")), ElementsAre(CloseOf(1000)));
  EXPECT_THAT(Read(Frame(0x81, "later")), IsEmpty());
  MessageReader broken(kMaxMessage);
  std::vector<Item> items;
  std::string bytes = "\xff" + Frame(0x81, "late");
  broken.Read(bytes.data(), bytes.size(), items);
  EXPECT_THAT(items, ElementsAre(ViolationOf(kCloseProtocolError)));
}

TEST(BuildFrameTest, WritesEveryLengthForm) {
  EXPECT_EQ(BuildFrame(Opcode::kText, "hi"), "\x81\x02hi");
  EXPECT_EQ(BuildFrame(Opcode::kPing, ""), std::string("\x89\x00", 2));
  EXPECT_EQ(BuildFrame(Opcode::kText, std::string(125, 'a')).substr(0, 3),
            "\x81\x7d"
            "a");
  EXPECT_EQ(BuildFrame(Opcode::kText, std::string(126, 'a')).substr(0, 5),
            std::string("\x81\x7e\x00\x7e"
                        "a",
                        5));
  EXPECT_EQ(BuildFrame(Opcode::kText, std::string(65535, 'a')).substr(0, 4), "\x81\x7e\xff\xff");
  const std::string big = BuildFrame(Opcode::kText, std::string(65536, 'a'));
  EXPECT_EQ(big.substr(0, 10), std::string("\x81\x7f\0\0\0\0\0\x01\0\0", 10));
  EXPECT_EQ(big.size(), 65546u);
}

TEST(BuildFrameTest, WritesCloseFrames) {
  EXPECT_EQ(BuildCloseFrame(1000, "bye"),
            "\x88\x05\x03\xe8"
            "bye");
  EXPECT_EQ(BuildCloseFrame(kCloseNoStatus, "bye"), std::string("\x88\x00", 2));
  EXPECT_EQ(BuildCloseFrame(kCloseAbnormal, ""), std::string("\x88\x00", 2));
  EXPECT_EQ(BuildCloseFrame(1000, std::string(200, 'x')).size(), 127u);
  // A character is not cut in two: 123 bytes of room, 61 whole ones.
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(BuildCloseFrame(1000, umlauts).size(), 2u + 2u + 122u);
}

}  // namespace
}  // namespace lastmile::ws
