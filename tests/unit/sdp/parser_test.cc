#include "sdp/parser.h"

#include <gtest/gtest.h>

#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kSmall =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n";

void ExpectError(std::string_view text, uint32_t line, uint32_t column, std::string_view message) {
  auto parsed = Parse(text);
  ASSERT_FALSE(parsed) << text.substr(0, 100);
  EXPECT_EQ(parsed.error().line, line) << parsed.error().ToString();
  EXPECT_EQ(parsed.error().column, column) << parsed.error().ToString();
  EXPECT_NE(parsed.error().message.find(message), std::string::npos) << parsed.error().ToString();
}

TEST(Parser, PutsLinesAtTheirLevel) {
  auto parsed = Parse(kSmall);
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  ASSERT_EQ(parsed->session.size(), 5u);
  EXPECT_EQ(parsed->session[3].type, 'c');
  EXPECT_EQ(parsed->session[3].value, "IN IP4 192.0.2.1");
  EXPECT_EQ(parsed->session[3].number, 4u);
  ASSERT_EQ(parsed->media.size(), 1u);
  const MediaLine expected{
      .kind = "audio", .port = 4000, .port_count = 1, .protocol = "RTP/AVP", .formats = {"0"}};
  EXPECT_EQ(parsed->media[0].media(), expected);
  ASSERT_EQ(parsed->media[0].lines.size(), 1u);
  EXPECT_EQ(AttributeOf(parsed->media[0].lines[0]).name, "ptime");
  EXPECT_EQ(AttributeOf(parsed->media[0].lines[0]).value, "20");
}

TEST(Parser, PrintsWhatItReadByteForByte) {
  const std::string small(kSmall);
  const std::vector<std::string> texts = {
      small,
      small.substr(0, small.size() - 2),             // no end after the last line
      Replace(small, "\r\nt=0 0\r\n", "\nt=0 0\n"),  // both kinds of line end
      small + "\r\n\r\n",                            // empty lines at the end
      small + "\n",
      "v=0\n",
      "v=0",
      small + "x=unknown\r\na=\r\na=:\r\na=odd \xC3\x84\xFF value \r\nZ=also unknown\r\n",
      Replace(small, "4000 RTP/AVP 0",
              "4000/2 RTP/AVP  0 8 "),  // spaces as some senders write them
      Replace(small, "4000", "04000"),
      "v=0\r\nm=image 0 udptl t38\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nm=message "
      "9 "
      "TCP/MSRP *\r\n"};
  for (const std::string& text : texts) {
    auto parsed = Parse(text);
    ASSERT_TRUE(parsed) << text << parsed.error().ToString();
    EXPECT_EQ(Print(*parsed), text);
    EXPECT_TRUE(*Parse(Print(*parsed)) == *parsed);
  }
}

TEST(Parser, TheListThatHangsOtherParsersIsRefusedAtItsByte) {
  for (const char* bad : {"\xC4", "\xC3\x84"}) {  // Latin-1 and UTF-8
    const std::string text = Replace(std::string(kSmall), "m=audio 4000 RTP/AVP 0",
                                     std::string("m=audio 9 UDP/TLS/RTP/SAVPF 111 ") + bad);
    ExpectError(text, 6, 33, "is not allowed in the format list");
  }
}

TEST(Parser, NamesLineAndColumnOfWhatIsWrong) {
  ExpectError("", 1, 1, "empty");
  ExpectError("\r\n\r\n", 1, 1, "empty line");
  ExpectError("hello", 1, 2, "\"=\" is missing");
  ExpectError("o=- 1 1 IN IP4 192.0.2.1\r\n", 1, 1, "starts with the line \"v=0\"");
  ExpectError("v=1\r\n", 1, 1, "v=0");
  ExpectError("v=0\r\n v=0\r\n", 2, 1, "start with a letter");
  ExpectError("v=0\r\nv=0\r\n", 2, 1, "second");
  ExpectError("v=0\r\ns\r\n", 2, 2, "\"=\" is missing");
  ExpectError("v=0\r\n\r\ns=-\r\n", 2, 1, "empty line inside");
  ExpectError("v=0\r\ns=a\rb\r\n", 2, 4, "carriage return");
  ExpectError(std::string_view("v=0\r\ns=a\0b\r\n", 12), 2, 4, "NUL");
  ExpectError("v=0\r\nm=\r\n", 2, 3, "the media type of the m= line is missing");
  ExpectError("v=0\r\nm=audio\r\n", 2, 8, "port");
  ExpectError("v=0\r\nm=audio 65536 RTP/AVP 0\r\n", 2, 9, "port");
  ExpectError("v=0\r\nm=audio -1 RTP/AVP 0\r\n", 2, 9, "port");
  ExpectError("v=0\r\nm=audio 4000/0 RTP/AVP 0\r\n", 2, 9, "port");
  ExpectError("v=0\r\nm=audio 4000/x RTP/AVP 0\r\n", 2, 9, "port");
  ExpectError("v=0\r\nm=audio 4000\r\n", 2, 13, "the protocol of the m= line is missing");
  ExpectError("v=0\r\nm=audio 4000 RTP/AVP\r\n", 2, 21,
              "the format list of the m= line is missing");
  ExpectError("v=0\r\nm=au\"dio 4000 RTP/AVP 0\r\n", 2, 5, "0x22");
  EXPECT_EQ(Parse("v=0\r\ns\r\n").error().ToString(),
            "line 2, column 2: \"=\" is missing after the line's letter");
}

TEST(Parser, HoldsItsBounds) {
  const std::string line = "a=" + std::string(kMaxLineBytes - 2, 'x');
  EXPECT_TRUE(Parse("v=0\r\n" + line + "\r\n"));
  ExpectError("v=0\r\n" + line + "x\r\n", 2, kMaxLineBytes + 1, "longer than");

  std::string attributes = "v=0\n";
  for (size_t i = 0; i < kMaxAttributes; ++i) attributes += "a=x\n";
  EXPECT_TRUE(Parse(attributes));
  ExpectError(attributes + "a=x\n", kMaxAttributes + 2, 1, "attributes");

  std::string sections = "v=0\n";
  for (size_t i = 0; i < kMaxMediaSections; ++i) sections += "m=audio 0 RTP/AVP 0\n";
  EXPECT_TRUE(Parse(sections));
  ExpectError(sections + "m=audio 0 RTP/AVP 0\n", kMaxMediaSections + 2, 1, "media sections");

  std::string lines = "v=0\n";
  for (size_t i = 1; i < kMaxLines; ++i) lines += "x=\n";
  EXPECT_TRUE(Parse(lines));
  ExpectError(lines + "x=\n", kMaxLines + 1, 1, "lines");

  std::string text = "v=0\n";
  while (text.size() + 8000 <= kMaxTextBytes) text += "s=" + std::string(7000, 'y') + "\n";
  text += "s=";
  text.resize(kMaxTextBytes - 1, 'z');
  EXPECT_TRUE(Parse(text + "\n"));
  ExpectError(text + "z\n", 1, 1, "bytes");
}

TEST(Model, ChangesKeepPlaceAndLineEnds) {
  auto parsed = Parse("v=0\nm=audio 4000 RTP/AVP 0\na=sendrecv");
  ASSERT_TRUE(parsed);
  MediaLine media = parsed->media[0].media();
  media.port = 0;
  media.formats = {"8", "101"};
  parsed->media[0].SetMedia(media);
  AddAttribute(parsed->media[0].lines, "ptime", "20");
  AddAttribute(parsed->media[0].lines, "inactive");
  EXPECT_EQ(Print(*parsed),
            "v=0\nm=audio 0 RTP/AVP 8 101\na=sendrecv\r\na=ptime:20\r\na=inactive\r\n");
}

TEST(Model, FindsTheFirstOfItsKind) {
  auto parsed = Parse("v=0\na=x:1\na=xy:2\na=x:3\na=y\nc=IN IP4 192.0.2.1\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(FindAttribute(parsed->session, "x")->value, "x:1");
  EXPECT_EQ(FindAttribute(parsed->session, "xy")->value, "xy:2");
  EXPECT_FALSE(AttributeOf(*FindAttribute(parsed->session, "y")).has_value);
  EXPECT_EQ(FindAttribute(parsed->session, "X"), nullptr);
  EXPECT_EQ(FindLine(parsed->session, 'c')->number, 6u);
  EXPECT_EQ(FindLine(parsed->session, 'b'), nullptr);
  EXPECT_EQ(AttributeOf(parsed->session[0]).name, "");
}

}  // namespace
}  // namespace lastmile::sdp
