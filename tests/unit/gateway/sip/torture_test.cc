#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/framer.h"

// The torture messages of RFC 4475 and RFC 5118, from the folder that LASTMILE_CORPORA names. What
// the parser alone has to say about each: taken (0), or refused with a status.
namespace lastmile::sip {
namespace {

struct Case {
  const char* file;
  int status;
  bool answerable = true;  // of a refused one
};

constexpr Case kRfc4475[] = {
    {"wsinv", 0},        {"intmeth", 0},
    {"esc01", 0},        {"escnull", 0},
    {"esc02", 0},        {"lwsdisp", 0},
    {"longreq", 0},      {"dblreq", 0},
    {"semiuri", 0},      {"transports", 0},
    {"mpart01", 0},      {"unreason", 0},
    {"noreason", 0},     {"badinv01", 400},
    {"clerr", 400},      {"ncl", 400},
    {"scalar02", 400},   {"scalarlg", 400, false},
    {"quotbal", 400},    {"ltgtruri", 400},
    {"lwsruri", 400},    {"lwsstart", 400},
    {"trws", 400},       {"escruri", 400},
    {"baddate", 0},      {"regbadct", 400},
    {"badaspec", 400},   {"baddn", 400},
    {"badvers", 505},    {"mismatch01", 400},
    {"mismatch02", 400}, {"bigcode", 400, false},
    {"badbranch", 0},    {"insuf", 400, false},
    {"unkscm", 416},     {"novelsc", 416},
    {"unksm2", 0},       {"bext01", 0},
    {"invut", 0},        {"regaut01", 0},
    {"multi01", 400},    {"mcl01", 400},
    {"bcast", 0},        {"zeromf", 0},
    {"cparam01", 0},     {"cparam02", 0},
    {"regescrt", 0},     {"sdp01", 0},
    {"inv2543", 0},
};

constexpr Case kRfc5118[] = {
    {"ipv6-good", 0},
    {"ipv6-bad", 400},
    {"port-ambiguous", 0},
    {"port-unambiguous", 0},
    {"via-received-param-with-delim", 0},
    {"via-received-param-no-delim", 0},
    {"ipv6-in-sdp", 0},
    {"mult-ip-in-header", 0},
    {"mult-ip-in-sdp", 0},
    {"ipv4-mapped-ipv6", 0},
    {"ipv6-bug-abnf-3-colons", 400},
    {"ipv6-correct-abnf-2-colons", 0},
};

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Columns(const std::string& line) {
  std::vector<std::string> columns(1);
  for (char c : line) {
    if (c == '\t') {
      columns.emplace_back();
    } else if (c != '\r') {
      columns.back() += c;
    }
  }
  return columns;
}

class Torture : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("LASTMILE_CORPORA");
    if (root == nullptr) GTEST_SKIP() << "LASTMILE_CORPORA is not set";
    root_ = std::filesystem::path(root) / "sip";
  }

  // File name to the answers it may get.
  std::map<std::string, std::string> Expected(const char* rfc) const {
    std::map<std::string, std::string> expected;
    std::ifstream file(root_ / rfc / "EXPECTED.tsv");
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      const std::vector<std::string> columns = Columns(line);
      expected[columns.front()] = columns.back();
    }
    return expected;
  }

  Message Taken(const char* rfc, const char* name) const {
    auto message = Parse(Read(root_ / rfc / (std::string(name) + ".dat")));
    EXPECT_TRUE(message) << name;
    return message.value_or(Message{});
  }

  template <class Cases>
  void RunAll(const char* rfc, const Cases& cases) const {
    const auto expected = Expected(rfc);
    EXPECT_EQ(expected.size(), std::size(cases));
    for (const Case& row : cases) {
      const std::string file = std::string(row.file) + ".dat";
      SCOPED_TRACE(file);
      ASSERT_TRUE(expected.contains(file));
      const std::string& bar = expected.at(file);
      const bool must_be_taken = bar.find("never 400") != std::string::npos;
      const bool must_be_refused = bar.starts_with("400") && bar.find(',') == std::string::npos;
      EXPECT_FALSE(must_be_taken && row.status != 0) << bar;
      EXPECT_FALSE(must_be_refused && row.status != 400) << bar;
      const auto message = Parse(Read(root_ / rfc / file));
      ASSERT_EQ(message ? 0 : message.error().status, row.status)
          << (message ? "" : message.error().reason);
      if (message) {
        const auto again = Parse(Print(*message));
        ASSERT_TRUE(again) << again.error().reason;
        EXPECT_EQ(*again, *message);
      } else {
        EXPECT_EQ(message.error().answerable.has_value(), row.answerable);
      }
    }
  }

  std::filesystem::path root_;
};

TEST_F(Torture, Rfc4475) { RunAll("rfc4475", kRfc4475); }
TEST_F(Torture, Rfc5118) { RunAll("rfc5118", kRfc5118); }

TEST_F(Torture, ValuesOfTheValidOnesAreRight) {
  const Message wsinv = Taken("rfc4475", "wsinv");
  EXPECT_EQ(wsinv.from.display_name, "J Rosenberg \\\"");
  EXPECT_EQ(wsinv.to.tag(), "1918181833n");
  EXPECT_EQ(wsinv.max_forwards, 68u);
  EXPECT_EQ(wsinv.cseq, (CSeq{9, "INVITE"}));
  ASSERT_EQ(wsinv.vias.size(), 3u);
  EXPECT_EQ(wsinv.vias[2].branch(), "z9hG4bK30239");
  EXPECT_EQ(*wsinv.contacts.at(0).params.Find("q"), "0.33");

  EXPECT_EQ(Taken("rfc4475", "escnull").contacts.at(1).uri.user, std::string(2, '\0'));
  EXPECT_EQ(Taken("rfc4475", "semiuri").request_uri.user, "user;par=u@example.net");
  EXPECT_EQ(Taken("rfc4475", "esc01").request_uri.user, "sips:user@example.com");
  EXPECT_EQ(*Taken("rfc4475", "esc01").contacts.at(0).uri.params.Find("name"), "value%41");
  EXPECT_EQ(Taken("rfc4475", "esc02").method, "RE%47IST%45R");
  EXPECT_EQ(Taken("rfc4475", "esc02").contacts.size(), 2u);
  EXPECT_EQ(Taken("rfc4475", "longreq").vias.size(), 34u);
  EXPECT_EQ(Taken("rfc4475", "transports").vias.at(3).transport, "UNKNOWN");
  EXPECT_EQ(Taken("rfc4475", "mpart01").body.size(), 553u);
  EXPECT_EQ(Taken("rfc4475", "noreason").reason_phrase, "");
  EXPECT_TRUE(Taken("rfc4475", "cparam01").contacts.at(0).params.Has("unknownparam"));
  EXPECT_TRUE(Taken("rfc4475", "cparam02").contacts.at(0).uri.params.Has("unknownparam"));
  EXPECT_EQ(Taken("rfc4475", "baddate").FindExtra("Date"), nullptr);
  EXPECT_EQ(Taken("rfc4475", "regaut01").authorizations.at(0).scheme, "NoOneKnowsThisScheme");
  EXPECT_EQ(Taken("rfc4475", "dblreq").body, "");
  EXPECT_TRUE(Taken("rfc4475", "regescrt").routes.empty());
  EXPECT_EQ(Taken("rfc5118", "port-ambiguous").request_uri.host, "[2001:db8::10:5070]");
  EXPECT_EQ(Taken("rfc5118", "port-ambiguous").request_uri.port, 0);
  EXPECT_EQ(Taken("rfc5118", "port-unambiguous").request_uri.port, 5070);
}

TEST_F(Torture, OverAStreamTwoRequestsAreTwo) {
  Framer framer;
  Framer::Output out;
  // The second Content-Length is five bytes short: the rest is no head.
  EXPECT_FALSE(framer.Push(AsBytes(Read(root_ / "rfc4475" / "dblreq.dat")), out));
  ASSERT_EQ(out.messages.size(), 2u);
  EXPECT_EQ(Parse(out.messages[0])->method, "REGISTER");
  EXPECT_EQ(Parse(out.messages[1])->method, "INVITE");
}

TEST_F(Torture, OverAStreamBadLengthsEndIt) {
  for (const char* name : {"ncl", "mcl01"}) {
    Framer framer;
    Framer::Output out;
    const auto pushed =
        framer.Push(AsBytes(Read(root_ / "rfc4475" / (std::string(name) + ".dat"))), out);
    ASSERT_FALSE(pushed) << name;
    EXPECT_TRUE(Parse(pushed.error().head).error().answerable) << name;
  }
}

}  // namespace
}  // namespace lastmile::sip
