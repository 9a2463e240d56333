#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/precheck.h"
#include "tests/unit/gateway/sip/sample_messages.h"

// CRLF injection through every field that Print puts out: whatever a value holds, the head has the
// lines it should have and no header of the attacker's.
namespace lastmile::sip {
namespace {

constexpr std::string_view kAttacks[] = {
    "\r\nX-Evil: 1",
    "\nX-Evil: 1",
    "\rX-Evil: 1",
    "\r\n\r\nX-Evil: 1\r\n",
    "a\r\n X-Evil: 1",
    "\"\r\nX-Evil: 1",
    ">\r\nX-Evil: 1\r\nX: <",
    "\\\r\nX-Evil: 1",
    "%0d%0aX-Evil: 1",
    "\xE5\x98\x8A\xE5\x98\x8DX-Evil: 1",
    "\x0B\x0CX-Evil: 1\x85",
};

Message Base() {
  Message m = Parse(testing::JsSipRegister()).value();
  m.routes.push_back(m.to);
  m.record_routes.push_back(m.to);
  m.proxy_authorizations = m.www_authenticates = m.proxy_authenticates = m.authorizations;
  m.authorizations.push_back({.scheme = "Bearer", .params = {}, .token = "t"});
  m.require = {"timer"};
  m.content_type = "application/sdp";
  m.extra = {{"Reason", "Q.850"}};
  return m;
}

// One name for each field, so that a failure tells where it leaked.
struct Field {
  const char* name;
  std::function<void(Message&, const std::string&)> set;
};

std::vector<Field> Fields() {
  using M = Message;
  using S = const std::string;
  std::vector<Field> fields = {
      {"method", [](M& m, S& v) { m.method = v; }},
      {"reason", [](M& m, S& v) { m.status = 200, m.reason_phrase = v; }},
      {"call_id", [](M& m, S& v) { m.call_id = v; }},
      {"cseq.method", [](M& m, S& v) { m.cseq.method = v; }},
      {"via.transport", [](M& m, S& v) { m.vias[0].transport = v; }},
      {"via.sent_by", [](M& m, S& v) { m.vias[0].sent_by = v; }},
      {"via.param name", [](M& m, S& v) { m.vias[0].params.Set(v, "1"); }},
      {"via.branch", [](M& m, S& v) { m.vias[0].params.Set("branch", v); }},
      {"via.received", [](M& m, S& v) { m.vias[0].params.Set("received", v); }},
      {"auth.scheme", [](M& m, S& v) { m.authorizations[0].scheme = v; }},
      {"auth.name", [](M& m, S& v) { m.authorizations[0].params.Set(v, "1"); }},
      {"auth.realm", [](M& m, S& v) { m.authorizations[0].params.Set("realm", v); }},
      {"auth.nc", [](M& m, S& v) { m.authorizations[0].params.Set("nc", v); }},
      {"auth.token", [](M& m, S& v) { m.authorizations[1].token = v; }},
      {"proxy auth", [](M& m, S& v) { m.proxy_authorizations[0].params.Set("nonce", v); }},
      {"www", [](M& m, S& v) { m.www_authenticates[0].params.Set("nonce", v); }},
      {"proxy www", [](M& m, S& v) { m.proxy_authenticates[0].params.Set("nonce", v); }},
      {"require", [](M& m, S& v) { m.require[0] = v; }},
      {"supported", [](M& m, S& v) { m.supported[0] = v; }},
      {"allow", [](M& m, S& v) { m.allow[0] = v; }},
      {"content_type", [](M& m, S& v) { m.content_type = v; }},
      {"content_type_params", [](M& m, S& v) { m.content_type_params = v; }},
      {"extra.name", [](M& m, S& v) { m.extra[0].name = v; }},
      {"extra.name tail", [](M& m, S& v) { m.extra[0].name += v; }},
      {"extra.value", [](M& m, S& v) { m.extra[0].value = v; }},
  };
  struct Place {
    const char* name;
    std::function<NameAddr&(M&)> get;
  };
  const std::vector<Place> places = {
      {"from", [](M& m) -> NameAddr& { return m.from; }},
      {"to", [](M& m) -> NameAddr& { return m.to; }},
      {"contact", [](M& m) -> NameAddr& { return m.contacts[0]; }},
      {"route", [](M& m) -> NameAddr& { return m.routes[0]; }},
      {"record-route", [](M& m) -> NameAddr& { return m.record_routes[0]; }},
  };
  for (const Place& place : places) {
    const auto get = place.get;
    const auto add = [&](std::function<void(NameAddr&, S&)> set) {
      fields.push_back({place.name, [get, set](M& m, S& v) { set(get(m), v); }});
    };
    add([](NameAddr& a, S& v) { a.display_name = v; });
    add([](NameAddr& a, S& v) { a.params.Set("tag", v); });
    add([](NameAddr& a, S& v) { a.params.Set(v, ""); });
    add([](NameAddr& a, S& v) { a.uri.scheme = v; });
    add([](NameAddr& a, S& v) { a.uri.user = v; });
    add([](NameAddr& a, S& v) { a.uri.host = v; });
    add([](NameAddr& a, S& v) { a.uri.headers = v; });
    add([](NameAddr& a, S& v) { a.uri.params.Set("transport", v); });
    add([](NameAddr& a, S& v) { a.uri.params.Set(v, "1"); });
    add([](NameAddr& a, S& v) { a.uri.scheme = "tel", a.uri.opaque = v; });
  }
  fields.push_back({"uri.user", [](M& m, S& v) { m.request_uri.user = v; }});
  fields.push_back({"uri.host", [](M& m, S& v) { m.request_uri.host = v; }});
  fields.push_back({"uri.scheme", [](M& m, S& v) { m.request_uri.scheme = v; }});
  fields.push_back({"uri.headers", [](M& m, S& v) { m.request_uri.headers = v; }});
  return fields;
}

std::vector<std::string> HeaderNames(const std::string& text) {
  std::vector<std::string> names;
  HeadReader reader(std::string_view(text).substr(0, text.find("\r\n\r\n")));
  while (reader.Next()) names.emplace_back(reader.name());
  return names;
}

TEST(Injection, NoFieldCanEndItsLine) {
  const std::vector<std::string> wanted = HeaderNames(Print(Base()));
  const std::set<std::string> allowed(wanted.begin(), wanted.end());
  for (const Field& field : Fields()) {
    for (std::string_view attack : kAttacks) {
      Message m = Base();
      field.set(m, "ok" + std::string(attack));
      const std::string printed = Print(m);
      const std::string trace = std::string(field.name) + "\n" + printed;
      const size_t end = printed.find("\r\n\r\n");
      ASSERT_EQ(end + 4, printed.size()) << trace;  // no body was given
      std::vector<std::string> names = HeaderNames(printed);
      // An extra header without a possible name is left out; nothing else may change.
      if (std::string_view(field.name).starts_with("extra.name")) names = wanted;
      EXPECT_EQ(names, wanted) << trace;
      for (const std::string& name : HeaderNames(printed)) {
        EXPECT_TRUE(allowed.contains(name)) << trace;
      }
      for (size_t i = 0; i < end; ++i) {
        const char c = printed[i];
        const bool line_end =
            (c == '\r' && printed[i + 1] == '\n') || (c == '\n' && i > 0 && printed[i - 1] == '\r');
        ASSERT_TRUE(line_end || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)) << trace;
      }
    }
  }
}

TEST(Injection, AUserPartNeverLeavesItsUri) {
  for (std::string_view user :
       {"a>;tag=evil", "a@evil.example", "a\" <sip:x>", "a?Route=x", "a b"}) {
    Message m = Base();
    m.from.uri.user = user;
    const auto parsed = Parse(Print(m));
    ASSERT_TRUE(parsed) << user;
    EXPECT_EQ(parsed->from, m.from);
  }
}

TEST(Injection, ADisplayNameNeverLeavesItsQuotes) {
  for (std::string_view name :
       {"a\" <sip:evil@h>;tag=1,\"", "a\\", "\\\"", "\"", "<sip:x>", "a, b", ";tag=x"}) {
    Message m = Base();
    m.from.display_name = name;
    const auto parsed = Parse(Print(m));
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->from, m.from);
  }
}

}  // namespace
}  // namespace lastmile::sip
