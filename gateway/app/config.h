#ifndef LASTMILE_GATEWAY_APP_CONFIG_H_
#define LASTMILE_GATEWAY_APP_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/browser/bearer.h"
#include "gateway/browser/turn_credentials.h"
#include "gateway/browser/user.h"
#include "gateway/browser/user_directory.h"
#include "gateway/call/trunk_policy.h"
#include "gateway/route/rules.h"
#include "gateway/trunk/trunk_edge.h"
#include "gateway/users/webhook_source.h"
#include "media_anchor/io/media_engine.h"

// The configuration file as values, and what is wrong with it as diagnostics. Thread: main, at
// start; a loaded Config is read-only.
namespace lastmile::app {

// A place in the file, counted from 1. Line 0: nowhere in particular.
struct Position {
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  Position position;
  std::string code;        // "config", "listen", "tls", "media", "users", "trunk", "route"
  std::string message;     // a sentence
  std::string suggestion;  // what was probably meant; "" for none
  size_t width = 1;        // characters to underline
  bool is_warning = false;
};

struct Advertise {
  bool automatic = true;  // the machine's own addresses
  std::vector<IpAddress> addresses;
};

struct SipListener {
  bool tls = false;
  Endpoint address;
  std::string path;  // "listen.sip[0]"
};

// Where users are looked up, if they do not stand in the file. One of the two.
struct UserSourceConfig {
  std::string sqlite;  // path of a database
  users::WebhookOptions webhook;
  browser::LookupOptions lookup;
};

struct Config {
  std::string domain = "localhost";
  std::optional<Endpoint> ws;
  std::optional<Endpoint> wss;
  std::vector<std::string> origins;
  std::vector<SipListener> sip;
  std::string tls_cert;
  std::string tls_key;
  std::string page;  // directory of the demo page; "" = the one beside the program
  struct {
    IpAddress bind;
    Advertise advertise;
    uint16_t port = 20000;
    std::optional<uint16_t> tcp_port = std::nullopt;  // nothing: browsers come over UDP alone
  } browser_media;
  struct {
    IpAddress bind;
    Advertise advertise;  // one address
    uint16_t port_min = 30000;
    uint16_t port_max = 39999;
  } trunk_media;
  std::optional<media::FullIceOptions> full_ice;  // nothing: ICE-lite
  Duration media_timeout = 300s;  // of a trunk leg that says nothing; Duration::max(): none
  std::optional<browser::TurnOptions> turn;
  int workers = 1;
  std::vector<browser::User> users;
  std::optional<UserSourceConfig> user_source;  // then `users` is empty
  browser::BearerOptions bearer;
  std::vector<trunk::PbxUser> pbx_users;
  std::vector<trunk::Trunk> trunks;
  std::unordered_map<std::string, call::TrunkPolicy> trunk_policies;  // one for each of trunks
  route::Rules routing;
  std::optional<Endpoint> admin;  // metrics and health over HTTP
  std::string cdr_jsonl;          // file that call records are appended to; "" = none
  std::string log_level = "info";

  std::string file;  // how the file is called in messages; "": there is none to read again
  std::string text;
  // Its sections but for what may change while the gateway runs, to tell two versions apart.
  std::map<std::string, std::string> fixed;
  std::map<std::string, Position> positions;  // of each value, by its path: "listen.ws.addr"

  Position PositionOf(std::string_view path) const;
};

// Parses and checks `text`; `file` is its name for messages. All faults are collected: the value is
// there only if there is none.
Result<Config, std::vector<Diagnostic>> ParseConfig(std::string text, std::string file);

// The whole configuration that the gateway would run with `text`, as YAML that means the same:
// defaults and profiles filled in, behind each value where it comes from, secrets made unreadable.
Result<std::string, std::vector<Diagnostic>> EffectiveConfig(std::string text, std::string file);

// Reads the file first. A file that cannot be read is one diagnostic.
Result<Config, std::vector<Diagnostic>> LoadConfig(const std::string& path);

// What only this machine can tell: files that are missing, addresses that cannot be bound because
// another program has them. Opens sockets for a moment; port 0 is never tried.
std::vector<Diagnostic> CheckMachine(const Config& config);

// What works, and should be known to who runs it: a trunk that is not verified. In its order.
std::vector<Diagnostic> Warnings(const Config& config);

// file:line:column: error[code]: message, the source line and a caret under the fault.
std::string FormatDiagnostic(const Diagnostic& diagnostic, std::string_view file,
                             std::string_view text);

std::string_view ExampleConfig();  // a commented file that parses, for `config example`
std::string_view DemoConfig();     // what `run --demo` runs
std::string_view ProfilesText();   // the profiles that trunks may name

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_H_
