#include "gateway/sip/precheck.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/sip/codec.h"
#include "tests/unit/gateway/sip/sample_messages.h"

namespace lastmile::sip {
namespace {

using testing::Crlf;

constexpr std::string_view kStart = "OPTIONS sip:bob@h SIP/2.0\r\n";
constexpr std::string_view kFive =
    "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    "Call-ID: c1\r\nCSeq: 1 OPTIONS\r\n";

std::string With(std::string_view more) {
  return std::string(kStart) + std::string(kFive) + std::string(more) + "\r\n";
}

int StatusOf(std::string_view text) {
  RawMessage raw;
  const auto error = Precheck(text, raw);
  return error ? error->status : 0;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Precheck, TakesAPlainRequest) {
  RawMessage raw;
  const std::string text = With("l: 2\r\n") + "ab";
  EXPECT_FALSE(Precheck(text, raw));
  EXPECT_EQ(raw.method, "OPTIONS");
  EXPECT_EQ(raw.request_uri, "sip:bob@h");
  EXPECT_EQ(raw.cseq, (CSeq{1, "OPTIONS"}));
  EXPECT_EQ(raw.headers.size(), 6u);
  EXPECT_EQ(raw.headers.back(), (Header{"Content-Length", "2"}));
  EXPECT_EQ(raw.body, "ab");
}

TEST(Precheck, StartLineIsStrict) {
  for (std::string_view line : {"",
                                " ",
                                "OPTIONS",
                                "OPTIONS ",
                                "OPTIONS sip:bob@h",
                                "OPTIONS  sip:bob@h SIP/2.0",
                                "OPTIONS sip:bob@h  SIP/2.0",
                                "OPTIONS sip:bob@h SIP/2.0 ",
                                " OPTIONS sip:bob@h SIP/2.0",
                                "OPTIONS\tsip:bob@h SIP/2.0",
                                "OPTIONS sip:bob @h SIP/2.0",
                                "OPT@ONS sip:bob@h SIP/2.0",
                                "OPTIONS sip:bob@h HTTP/1.1",
                                "OPTIONS SIP/2.0",
                                "OPTIONS  SIP/2.0",
                                "SIP/2.0 200",
                                "SIP/2.0 20 OK",
                                "SIP/2.0 2000 OK",
                                "SIP/2.0 -20 OK",
                                "SIP/2.0 099 OK",
                                "SIP/2.0 700 OK",
                                "SIP/2.0 2x0 OK",
                                "SIP/2.0  200 OK",
                                "SIP/2.0 200\tOK"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), "OPTIONS sip:bob@h SIP/2.0", line)), 400) << line;
  }
  for (std::string_view line : {"OPTIONS sip:bob@h SIP/7.0", "OPTIONS sip:bob@h SIP/2.00",
                                "SIP/2.1 200 OK", "SIP/ 200 OK", "sip/2.0 200 OK"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), "OPTIONS sip:bob@h SIP/2.0", line)), 505) << line;
  }
  for (std::string_view line : {"SIP/2.0 200 OK", "SIP/2.0 100 ", "SIP/2.0 699 \xC3\xA4"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), "OPTIONS sip:bob@h SIP/2.0", line)), 0) << line;
  }
}

TEST(Precheck, LineEndsAreCrlfOnly) {
  EXPECT_EQ(StatusOf(Replaced(With(""), "c1\r\n", "c1\n")), 400);
  EXPECT_EQ(StatusOf(Replaced(With(""), "c1\r\n", "c1\r")), 400);
  EXPECT_EQ(StatusOf(With("W: a\rb\r\n")), 400);
  EXPECT_EQ(StatusOf(With("W: a\nY: b\r\n")), 400);
  EXPECT_EQ(StatusOf(With("W: a\r\r\n")), 400);
  EXPECT_EQ(StatusOf(With("W: \"a\\\rb\"\r\n")), 400);
  EXPECT_EQ(StatusOf(With("W: \"a\\\nb\"\r\n")), 400);
  std::string no_end = With("");
  no_end.resize(no_end.size() - 2);
  EXPECT_EQ(StatusOf(no_end), 400);
  EXPECT_EQ(StatusOf(Crlf("\n\n")), 400);
  EXPECT_EQ(StatusOf(""), 400);
}

// S-23: every byte, at each place of a header.
TEST(Precheck, ControlBytesAreRefusedEverywhere) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool control = (byte < 0x20 && c != '\t') || byte == 0x7F;
    for (const std::string& value : {std::string(1, c) + "ab", std::string("a") + c + "b",
                                     std::string("ab") + c, "\"a" + std::string(1, c) + "b\""}) {
      EXPECT_EQ(StatusOf(With("W: " + value + "\r\n")) != 0, control) << byte;
    }
    const bool token =
        byte > 0x20 && byte < 0x7F &&
        std::string_view("\"(),/:;<=>?@[\\]{}#$&^|").find(c) == std::string_view::npos;
    const std::string name = std::string("X") + c + "Y: 1\r\n";
    EXPECT_EQ(StatusOf(With(name)) == 0, token || c == ':') << byte;
  }
}

TEST(Precheck, AnEscapedControlByteInAQuotedStringBecomesASpace) {
  RawMessage raw;
  const std::string text = With(std::string("W: \"a\\\x07 b\\\0 c\\\x7F\"\r\n", 18));
  EXPECT_FALSE(Precheck(text, raw));
  EXPECT_EQ(*raw.Find("W"), "\"a   b   c  \"");
  EXPECT_EQ(StatusOf(With("W: a\\\x07\r\n")), 400);
}

TEST(Precheck, AHeaderLineNeedsANameAndAColon) {
  for (std::string_view line :
       {": x\r\n", "no colon\r\n", "two words: x\r\n", "\"q\": x\r\n", "na(me: x\r\n"}) {
    EXPECT_EQ(StatusOf(With(line)), 400) << line;
  }
  EXPECT_EQ(StatusOf(Replaced(With(""), "Via:", " Via:")), 400);
}

TEST(Precheck, MandatoryHeadersAreThereOnce) {
  for (std::string_view line :
       {"Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\n", "From: <sip:a@h>;tag=1\r\n", "To: <sip:b@h>\r\n",
        "Call-ID: c1\r\n", "CSeq: 1 OPTIONS\r\n"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), line, "")), 400) << line;
    EXPECT_EQ(StatusOf(With(line)), line.starts_with("Via") ? 0 : 400) << line;
  }
  EXPECT_EQ(StatusOf(With("f: <sip:other@h>\r\n")), 400);
  EXPECT_EQ(StatusOf(With("I: c1\r\n")), 400);
}

TEST(Precheck, HeadersOfOneValueAreNotRepeated) {
  for (std::string_view name :
       {"Max-Forwards", "Expires", "Content-Type", "Session-Expires", "Refer-To", "Replaces"}) {
    const std::string line = std::string(name) + ": 1\r\n";
    EXPECT_EQ(StatusOf(With(line)), 0) << name;
    EXPECT_EQ(StatusOf(With(line + line)), 400) << name;
  }
  EXPECT_EQ(StatusOf(With("c: a/b\r\nContent-Type: a/b\r\n")), 400);
  EXPECT_EQ(StatusOf(With("Warning: 1\r\nWarning: 1\r\n")), 0);
}

TEST(Precheck, CSeqIsANumberBelow2To31AndTheMethod) {
  for (std::string_view value :
       {"1 OPTIONS", "0 OPTIONS", "0009   OPTIONS", "2147483647 OPTIONS"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), "1 OPTIONS", value)), 0) << value;
  }
  for (std::string_view value : {"1 INVITE", "1 options", "2147483648 OPTIONS", "-1 OPTIONS",
                                 "+1 OPTIONS", "1", "OPTIONS", "1 OPTIONS x", "OPTIONS 1",
                                 "1x OPTIONS", "18446744073709551617 OPTIONS", "\"1\" OPTIONS"}) {
    EXPECT_EQ(StatusOf(Replaced(With(""), "1 OPTIONS", value)), 400) << value;
  }
}

// S-25: one below, at and above each bound.
TEST(Precheck, BoundsHold) {
  const auto sized = [](size_t size) {
    std::string text = With("");
    return text + std::string(size - text.size(), 'x');
  };
  EXPECT_EQ(StatusOf(sized(kMaxMessageSize - 1)), 0);
  EXPECT_EQ(StatusOf(sized(kMaxMessageSize)), 0);
  EXPECT_EQ(StatusOf(sized(kMaxMessageSize + 1)), 413);
  EXPECT_EQ(StatusOf(sized(kMaxMessageSize * 10)), 413);

  const auto line = [](size_t size) { return With("W: " + std::string(size - 1, 'x') + "\r\n"); };
  EXPECT_EQ(StatusOf(line(kMaxLine - 1)), 0);
  EXPECT_EQ(StatusOf(line(kMaxLine)), 0);
  EXPECT_EQ(StatusOf(line(kMaxLine + 1)), 400);
  std::string folded = "W: x\r\n";
  for (size_t i = 0; i < kMaxLine / 4; ++i) folded += " xyz\r\n";
  EXPECT_EQ(StatusOf(With(folded)), 400);
  EXPECT_EQ(StatusOf(Replaced(With(""), "sip:bob", "sip:" + std::string(kMaxLine, 'b'))), 400);

  const auto headers = [](size_t count) {
    std::string more;
    for (size_t i = 5; i < count; ++i) more += "W: 1\r\n";
    return With(more);
  };
  EXPECT_EQ(StatusOf(headers(kMaxHeaders - 1)), 0);
  EXPECT_EQ(StatusOf(headers(kMaxHeaders)), 0);
  EXPECT_EQ(StatusOf(headers(kMaxHeaders + 1)), 400);

  const auto params = [](size_t count) {
    std::string value = "<sip:a@h>";
    for (size_t i = 0; i < count; ++i) value += ";p";
    return With("Contact: " + value + "\r\n");
  };
  EXPECT_EQ(StatusOf(params(kMaxParams)), 0);
  EXPECT_EQ(StatusOf(params(kMaxParams + 1)), 400);

  const auto elements = [](size_t count, std::string_view separator) {
    std::string more = "Route: <sip:a@h>";
    for (size_t i = 1; i < count; ++i) more += std::string(separator) + "<sip:a@h>";
    return With(more + "\r\n");
  };
  for (std::string_view separator : {",", "\r\nRoute: "}) {
    EXPECT_EQ(StatusOf(elements(kMaxElements, separator)), 0);
    EXPECT_EQ(StatusOf(elements(kMaxElements + 1, separator)), 400);
  }
  EXPECT_EQ(StatusOf(With("Contact: \"" + std::string(1000, ',') + "\" <sip:a@h>\r\n")), 0);
  EXPECT_EQ(StatusOf(With("Allow: " + std::string(kMaxElements, ',') + "\r\n")), 400);
  EXPECT_EQ(StatusOf(With("Authorization: Digest " + std::string(kMaxElements, ',') + "\r\n")),
            400);
  EXPECT_EQ(StatusOf(Replaced(With(""), "bob@h", "bob@h" + std::string(kMaxParams + 1, ';'))), 400);
}

TEST(Precheck, TheErrorNamesTheHeaderAndRepeatsNothingOfThePeer) {
  for (const std::string& text :
       {With("X-Some: pass\x01word\r\n"), With("Content-Length: 5551234\r\n"),
        Replaced(With(""), "CSeq: 1", "CSeq: 5551234x"), Replaced(With(""), "c1", "555 1234")}) {
    const auto result = Parse(text);
    ASSERT_FALSE(result);
    EXPECT_FALSE(result.error().reason.empty());
    EXPECT_EQ(result.error().reason.find("555"), std::string::npos);
    EXPECT_EQ(result.error().reason.find("word"), std::string::npos);
  }
}

TEST(HeadReader, JoinsFoldedLines) {
  HeadReader reader("START\r\nA : 1\r\n\t2\r\n  \r\n 3 \r\nB:\r\n 4\r\nC");
  EXPECT_EQ(reader.start_line(), "START");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.name(), "A");
  EXPECT_EQ(reader.value(), "1 2 3");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.name(), "B");
  EXPECT_EQ(reader.value(), "4");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.name(), "");
  EXPECT_FALSE(reader.Next());
}

TEST(ReadContentLength, OneRule) {
  EXPECT_EQ(ReadContentLength("S\r\nContent-Length: 5").value(), 5u);
  EXPECT_EQ(ReadContentLength("S\r\nL :\r\n 5\r\nContent-length: 005").value(), 5u);
  EXPECT_EQ(ReadContentLength("S\r\nX: Content-Length: 5").value(), std::nullopt);
  EXPECT_EQ(ReadContentLength("Content-Length: 5").value(), std::nullopt);
  for (std::string_view value :
       {"", "-1", "+1", "1,1", "1 1", "0x1", "1.0", "65537", "99999999999", "1\r\nl: 2"}) {
    EXPECT_FALSE(ReadContentLength("S\r\nContent-Length: " + std::string(value))) << value;
  }
}

}  // namespace
}  // namespace lastmile::sip
