#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <string>

#include "base/endpoint.h"
#include "demo_carrier/carrier.h"

namespace {

using lastmile::Endpoint;
using lastmile::IpAddress;
using lastmile::demo_carrier::Carrier;
using lastmile::demo_carrier::CarrierOptions;
using lastmile::demo_carrier::PortRange;

constexpr int kUsage = 2;

int Complain(const std::string& what) {
  fmt::print(stderr, "lastmile-demo-carrier: {}\n", what);
  return kUsage;
}

bool ParseRange(const std::string& text, PortRange& range) {
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, range.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return false;
  const auto last = std::from_chars(first.ptr + 1, end, range.last);
  return last.ec == std::errc() && last.ptr == end && range.first >= 1024 && range.last < 65535 &&
         range.first + 1 < range.last;
}

}  // namespace

int main(int argc, char** argv) {
  std::string listen = "127.0.0.1:5070", media_address, rtp_ports = "40000-40999", account;
  CarrierOptions options;
  options.gateway = "127.0.0.1:5060";
  CLI::App app("The far end of a demo trunk: SIP over TCP or TLS, G.711 over RTP.",
               "lastmile-demo-carrier");
  app.add_option("--listen", listen, "SIP address and port; port 0: any")->capture_default_str();
  app.add_option("--tls", options.tls_folder,
                 "SIP over TLS instead of TCP: a folder with agent.pem, certificate and key")
      ->check(CLI::ExistingDirectory);
  app.add_option("--account", account,
                 "USER:PASSWORD that has to register here and to sign in for calls");
  app.add_option("--gateway", options.gateway, "host:port where calls to the gateway go")
      ->capture_default_str();
  app.add_option("--media-address", media_address,
                 "address of RTP and in SDP (default: --listen's)");
  app.add_option("--rtp-ports", rtp_ports, "first-last UDP port of RTP")->capture_default_str();
  app.add_option("--tone-hz", options.tone_hz, "frequency of the tone it plays")
      ->check(CLI::Range(100.0, 3400.0))
      ->capture_default_str();
  app.add_option("--call-user", options.call_user,
                 "calls this user at the gateway, at start and at every SIGUSR1")
      ->check(CLI::Validator(
          [](const std::string& user) {
            const bool plain = user.find_first_not_of(
                                   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
                                   "STUVWXYZ0123456789+-_.") == user.npos;
            return plain ? std::string() : std::string("letters, digits and +-_. only");
          },
          "NAME"));
  app.add_flag("--quiet", options.quiet, "prints the ready line only");
  CLI11_PARSE(app, argc, argv);

  auto address = Endpoint::Parse(listen);
  if (!address) return Complain("--listen: " + address.error().message);
  options.listen = *address;
  auto media = media_address.empty() ? lastmile::Result<IpAddress>(address->address)
                                     : IpAddress::Parse(media_address);
  if (!media) return Complain("--media-address: " + media.error().message);
  options.media_address = *media;
  if (media->is_any()) return Complain("--media-address must say an address that peers can reach");
  if (!ParseRange(rtp_ports, options.rtp_ports)) {
    return Complain("--rtp-ports wants two ports from 1024 to 65534, such as 40000-40999");
  }
  if (const size_t colon = account.find(':'); colon != account.npos) {
    options.user = account.substr(0, colon);
    options.password = account.substr(colon + 1);
  }
  if (!account.empty() && (options.user.empty() || options.password.empty())) {
    return Complain("--account wants USER:PASSWORD");
  }
  auto carrier = Carrier::Start(options);
  if (!carrier) return Complain(carrier.error().message);
  carrier->Run();
  return 0;
}
