#include "gateway/app/probe_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lastmile::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxShown = 400;  // bytes of a detail

std::string Printable(std::string_view text) {
  std::string shown(text.substr(0, kMaxShown));
  std::ranges::replace_if(
      shown, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

std::string_view WordOf(ProbeVerdict verdict) {
  switch (verdict) {
    case ProbeVerdict::kOk:
      return "ok";
    case ProbeVerdict::kFailed:
      return "FAIL";
    case ProbeVerdict::kNotTold:
      return "-";
  }
  return "";
}

std::string Word(ProbeVerdict verdict, size_t width, bool colour) {
  const std::string word = fmt::format("{:<{}}", WordOf(verdict), width);
  if (!colour || verdict == ProbeVerdict::kNotTold) return word;
  return fmt::format("\x1b[{}m{}\x1b[0m", verdict == ProbeVerdict::kOk ? 32 : 31, word);
}

}  // namespace

bool IsGood(const std::vector<ProbeStep>& steps) {
  return std::ranges::none_of(
      steps, [](const ProbeStep& step) { return step.verdict == ProbeVerdict::kFailed; });
}

std::string ToText(const ProbeStep& step, bool colour) {
  std::string text = fmt::format("{} {:<8} {}\n", Word(step.verdict, 4, colour), step.name,
                                 Printable(step.detail));
  if (!step.advice.empty()) text += fmt::format("{:14}try: {}\n", "", Printable(step.advice));
  return text;
}

std::string ToLine(std::string_view trunk, const std::vector<ProbeStep>& steps, bool colour) {
  const auto failed = std::ranges::find(steps, ProbeVerdict::kFailed, &ProbeStep::verdict);
  if (failed != steps.end()) {
    return fmt::format("trunk {}: {} {}: {}; try: {}\n", trunk,
                       Word(ProbeVerdict::kFailed, 0, colour), failed->name,
                       Printable(failed->detail), Printable(failed->advice));
  }
  std::string said;
  for (const ProbeStep& step : steps) {
    if (step.name == "options" || step.name == "register") {
      said += "; " + step.name + " " + Printable(step.detail);
    }
  }
  const auto servers = std::ranges::count(steps, "connect", &ProbeStep::name);
  return fmt::format("trunk {}: {}; {} {}{}\n", trunk, Word(ProbeVerdict::kOk, 0, colour), servers,
                     servers == 1 ? "server" : "servers", said);
}

std::string ToJson(std::string_view trunk, const std::vector<ProbeStep>& steps) {
  Json list = Json::array();
  for (const ProbeStep& step : steps) {
    const std::string_view verdict = step.verdict == ProbeVerdict::kOk       ? "ok"
                                     : step.verdict == ProbeVerdict::kFailed ? "fail"
                                                                             : "unknown";
    list.push_back({{"name", step.name},
                    {"verdict", verdict},
                    {"detail", step.detail},
                    {"advice", step.advice}});
  }
  const Json json = {{"trunk", trunk}, {"ok", IsGood(steps)}, {"steps", std::move(list)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string AdviceFor(net::StreamFault fault) {
  using net::StreamFault;
  switch (fault) {
    case StreamFault::kNone:
      return "ask the carrier whether it takes connections from this machine's address, and "
             "whether "
             "by `transport: tcp` or `tls`: it ended this one itself";
    case StreamFault::kOwnFiles:
      return "put right the file that is named; it stands in the trunk's `tls` section";
    case StreamFault::kName:
      return "check the spelling of the trunk's `servers`, and the name servers of this machine";
    case StreamFault::kConnect:
      return "check address and port in `servers`, whether anything listens there, and firewalls "
             "on "
             "the way";
    case StreamFault::kLost:
      return "once more; if it stays so, something on the way (a firewall, a proxy) ends the "
             "connection";
    case StreamFault::kTls:
      return "a port that speaks TLS (mostly 5061), or `transport: tcp` if the carrier has none";
    case StreamFault::kTlsVersion:
      return "ask the carrier for TLS 1.2 or newer: nothing older is spoken here";
    case StreamFault::kSelfSigned:
      return "`tls: { ca: FILE }` with that certificate in the file, if it is the carrier's";
    case StreamFault::kAuthority:
      return "`tls: { ca: FILE }` with the certificate of that authority, if the carrier uses it";
    case StreamFault::kExpired:
      return "tell the carrier to renew its certificate, and check the clock of this machine";
    case StreamFault::kNotYetValid:
      return "check the clock of this machine; if it is right, tell the carrier";
    case StreamFault::kWrongName:
      return "name the server in `servers` as its certificate does, or `tls: { server_name: NAME "
             "}`";
    case StreamFault::kWrongUsage:
      return "ask the carrier for a certificate of a TLS server: this one is for something else";
    case StreamFault::kPin:
      return "`tls: { pin: [...] }` with the key that is shown, after asking the carrier whether "
             "it "
             "is its own";
    case StreamFault::kCertificate:
      return "show the sentence to the carrier: its certificate is not usable";
    case StreamFault::kOwnCertificate:
      return "`tls: { cert: FILE, key: FILE }` with the certificate that the carrier knows";
  }
  return "";
}

std::string AdviceForCall(int status) {
  switch (status) {
    case 401:
    case 407:
      return "check username, password and realm in the trunk's `auth`";
    case 403:
      return "ask the carrier whether calls from this account, address and caller number are "
             "allowed";
    case 404:
    case 484:
    case 604:
      return "a number that exists, in the form the carrier wants (with + and country code, or "
             "not)";
    case 408:
    case 480:
      return "a number that answers";
    case 486:
    case 600:
    case 603:
      return "another number: this one does not want the call, but the trunk works";
    case 415:
    case 488:
    case 606:
      return "other `codecs` for the trunk: the carrier takes none that were offered";
    case 420:
    case 421:
      return "other `prack` or `session_timer` for the trunk: the carrier wants an extension, or "
             "does not know one";
    case 500:
    case 502:
    case 503:
    case 504:
      return "later once more; if it stays so, ask the carrier: its side fails";
    default:
      return "ask the carrier what it means by this answer";
  }
}

std::string AdviceForRegister(int status) {
  switch (status) {
    case 0:
      return "ask the carrier whether it wants REGISTER at this server; without `register` the "
             "trunk "
             "works by address";
    case 401:
    case 407:
      return "check username, password and realm in the trunk's `auth`";
    case 403:
    case 404:
      return "check the username in the trunk's `auth`, and ask the carrier whether the account is "
             "active";
    case 405:
    case 501:
      return "leave out `register`: the carrier knows its customers without it";
    case 423:
      return "a longer time in `register: { expires: ... }`";
    default:
      return "later once more; if it stays so, ask the carrier: its side fails";
  }
}

ProbeStep JudgeAudio(const HeardAudio& heard) {
  const media::ToneEchoReport& tone = heard.tone;
  ProbeStep step{.name = "audio", .verdict = ProbeVerdict::kFailed, .detail = ""};
  if (heard.latched && heard.packets > 0) {
    step.detail =
        "only from elsewhere, or late: nothing came from where the carrier's SDP says for a "
        "second, and something once any address was taken";
    step.advice = "`nat: true` for the trunk";
  } else if (tone.heard > 0 && 2 * tone.heard >= tone.sent) {
    step.verdict = ProbeVerdict::kOk;
    step.detail = fmt::format(
        "both ways: {} of {} packets came back, the tone at {:.1f} dBm0 (sent "
        "at {:.1f})",
        tone.heard, tone.sent, tone.level, media::ToneEcho::kLevel);
  } else if (tone.heard > 0) {
    step.detail =
        fmt::format("with holes: the tone was in {} of {} packets", tone.heard, tone.sent);
    step.advice = "once more; if it stays so, packets are lost on the way";
  } else if (tone.received > 0) {
    step.verdict = ProbeVerdict::kNotTold;
    step.detail = fmt::format("comes back, but not ours: {} packets without the tone that was sent",
                              tone.received);
    step.advice = "a number that sends back what it hears (an echo test) tells about both ways";
  } else if (heard.packets > 0) {
    step.detail = fmt::format("in another codec than agreed: {} packets came back", heard.packets);
    step.advice = "`codecs` with a single one for the trunk: the carrier mixes them up";
  } else {
    step.detail = fmt::format("one way: {} packets were sent, and none came back", tone.sent);
    step.advice =
        "check `media.trunk`: the carrier has to reach the address in `advertise` (NAT: "
        "the public one), and a firewall has to let UDP to `ports` through; a number that "
        "echoes is needed as well";
  }
  if (heard.ended_early) step.detail += "; the other side hung up meanwhile";
  return step;
}

}  // namespace lastmile::app
