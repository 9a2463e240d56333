#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/precheck.h"
#include "tests/unit/gateway/sip/sample_messages.h"

// Seeded: a failure repeats itself.
namespace lastmile::sip {
namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_.Next64() % bound; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  char Byte() { return static_cast<char>(Below(256)); }

  std::string Of(std::string_view alphabet, size_t most) {
    std::string text;
    for (size_t i = 1 + Below(most); i > 0; --i) text += alphabet[Below(alphabet.size())];
    return text;
  }
  std::string Token() { return Of("abcXYZ019-.!%*_+`'~", 12); }
  std::string Any() {  // bytes of every kind, NUL and CRLF too
    std::string text;
    for (size_t i = 1 + Below(12); i > 0; --i) text += Byte();
    return text;
  }
  // Text of a quoted string that survives as it is: no control bytes, only whole UTF-8.
  std::string Words() {
    static const std::vector<std::string> kPieces = {"a", " b", "\"",       "\\", ",",   ";",
                                                     "<", ">",  "\xC3\xA4", "=",  "%41", "'"};
    std::string text = "w";
    for (size_t i = Below(10); i > 0; --i) text += kPieces[Below(kPieces.size())];
    return text;
  }
  std::string Host() {
    static const std::vector<std::string> kHosts = {
        "example.com", "x.invalid", "127.0.0.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "a_b-c"};
    return kHosts[Below(kHosts.size())];
  }

  sip::Params UriParams() {
    sip::Params params;
    for (size_t i = Below(4); i > 0; --i) {
      params.Set(Token(), OneIn(3) ? "" : OneIn(2) ? Any() : Token());
    }
    return params;
  }
  sip::Params HeaderParams() {
    sip::Params params;
    for (size_t i = Below(4); i > 0; --i) {
      params.Set((OneIn(4) ? "+" : "") + Token(), OneIn(3)   ? ""
                                                  : OneIn(2) ? Words()
                                                  : OneIn(3) ? "[2001:db8::2]"
                                                             : Token());
    }
    return params;
  }
  sip::Uri Uri() {
    sip::Uri uri;
    if (OneIn(6)) {
      uri.scheme = "tel";
      uri.opaque = "+" + Of("0123456789", 12) + (OneIn(2) ? ";phone-context=example.com" : "");
      return uri;
    }
    uri.scheme = OneIn(3) ? "sips" : "sip";
    if (!OneIn(3)) uri.user = OneIn(2) ? Any() : Token();
    uri.host = Host();
    if (OneIn(2)) uri.port = static_cast<uint16_t>(1 + Below(65535));
    uri.params = UriParams();
    return uri;
  }
  sip::NameAddr NameAddr() {
    sip::NameAddr address;
    if (OneIn(2)) address.display_name = Words();
    address.uri = Uri();
    if (OneIn(4) && address.uri.scheme != "tel") address.uri.headers = "Replaces=a%20b&c=d";
    address.params = HeaderParams();
    return address;
  }
  AuthHeader Auth() {
    AuthHeader auth;
    auth.scheme = OneIn(3) ? "Bearer" : "Digest";
    if (auth.scheme == "Bearer") {
      auth.token = Of("abcABC012.-_=", 40);
      return auth;
    }
    auth.params.Set("realm", Words());
    auth.params.Set("nonce", Token());
    auth.params.Set("nc", Of("01", 8));
    auth.params.Set("qop", OneIn(2) ? "auth" : "auth,auth-int");
    if (OneIn(2)) auth.params.Set("response", Of("0123456789abcdef", 32));
    if (OneIn(2)) auth.params.Set("uri", Uri().ToString());
    return auth;
  }

  sip::Message Message() {
    sip::Message m;
    if (OneIn(2)) {
      m.status = 100 + static_cast<int>(Below(600));
      m.reason_phrase = OneIn(4) ? "" : Words();
      m.cseq.method = Token();
    } else {
      m.method = m.cseq.method = Token();
      m.request_uri = Uri();
    }
    for (size_t i = 1 + Below(3); i > 0; --i) {
      m.vias.push_back({.transport = Token(), .sent_by = Host(), .params = HeaderParams()});
      if (OneIn(2)) m.vias.back().sent_by += ":5061";
      if (OneIn(3)) m.vias.back().params.Set("received", "2001:db8::1");
    }
    m.from = NameAddr();
    m.to = NameAddr();
    m.call_id = Of("abc012@.-<>\"", 20);
    m.cseq.number = static_cast<uint32_t>(Below(0x80000000));
    if (OneIn(2)) m.max_forwards = static_cast<uint32_t>(Below(256));
    if (OneIn(6)) m.contact_star = true;
    for (size_t i = m.contact_star ? 0 : Below(3); i > 0; --i) m.contacts.push_back(NameAddr());
    for (size_t i = Below(3); i > 0; --i) m.routes.push_back(NameAddr());
    for (size_t i = Below(3); i > 0; --i) m.record_routes.push_back(NameAddr());
    for (auto* list : {&m.authorizations, &m.proxy_authorizations, &m.www_authenticates,
                       &m.proxy_authenticates}) {
      for (size_t i = Below(2); i > 0; --i) list->push_back(Auth());
    }
    if (OneIn(2)) m.expires = static_cast<uint32_t>(random_.Next64());
    for (auto* list : {&m.require, &m.supported, &m.allow}) {
      for (size_t i = Below(3); i > 0; --i) list->push_back(Token());
    }
    if (OneIn(2)) m.content_type = "application/sdp";
    if (!m.content_type.empty() && OneIn(2)) m.content_type_params = ";charset=utf-8";
    for (size_t i = OneIn(2) ? Below(200) : 0; i > 0; --i) m.body += Byte();
    for (size_t i = Below(3); i > 0; --i) m.extra.push_back({"X-" + Token(), Words()});
    return m;
  }

 private:
  SeededRandom random_;
};

TEST(Property, ParseOfPrintIsTheSameMessage) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const Message message = Generator(seed).Message();
    const std::string printed = Print(message);
    const auto parsed = Parse(printed);
    ASSERT_TRUE(parsed) << seed << " " << parsed.error().reason << "\n" << printed;
    ASSERT_EQ(*parsed, message) << seed << "\n" << printed << "\n" << Print(*parsed);
  }
}

// Whatever is accepted is understood: printed and read again it is the same.
TEST(Property, MutationsAreRefusedOrUnderstood) {
  static const std::vector<std::string> kPieces = {"\r\n",
                                                   "\n",
                                                   "\r",
                                                   " ",
                                                   "\t",
                                                   "\"",
                                                   "\\",
                                                   "<",
                                                   ">",
                                                   ",",
                                                   ";",
                                                   ":",
                                                   "@",
                                                   "%",
                                                   "%00",
                                                   "=",
                                                   "?",
                                                   "*",
                                                   "[",
                                                   "]",
                                                   "(",
                                                   ")",
                                                   "\r\n ",
                                                   "\r\n\r\n",
                                                   "SIP/2.0",
                                                   "sip:",
                                                   "Content-Length: 5\r\n",
                                                   "Via: SIP/2.0/TCP x\r\n",
                                                   "\xC3",
                                                   "\xFF",
                                                   "4294967296"};
  int accepted = 0;
  Generator generator(99);
  const std::vector<std::string> samples = testing::AllSamples();
  for (int round = 0; round < 10000; ++round) {
    std::string text = samples[generator.Below(samples.size())];
    for (size_t i = 1 + generator.Below(3); i > 0; --i) {
      const size_t at = generator.Below(text.size());
      switch (generator.Below(4)) {
        case 0:
          text[at] = generator.Byte();
          break;
        case 1:
          text.erase(at, 1 + generator.Below(8));
          break;
        case 2:
          text.insert(at, kPieces[generator.Below(kPieces.size())]);
          break;
        default:
          text.insert(at, text.substr(generator.Below(text.size()), 30));
          break;
      }
    }
    const auto message = Parse(text);
    if (!message) {
      ASSERT_FALSE(message.error().reason.empty());
      ASSERT_GE(message.error().status, 400);
      if (message.error().answerable) {
        const Message answer = MakeResponse(*message.error().answerable, 400, "", "t");
        RawMessage raw;
        ASSERT_FALSE(Precheck(Print(answer), raw)) << text << "\n" << Print(answer);
      }
      continue;
    }
    ++accepted;
    const auto again = Parse(Print(*message));
    ASSERT_TRUE(again) << again.error().reason << "\n" << text << "\n" << Print(*message);
    ASSERT_EQ(*again, *message) << text << "\n" << Print(*message) << "\n" << Print(*again);
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace lastmile::sip
