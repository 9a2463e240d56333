#include "gateway/app/gateway.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/mailbox.h"
#include "gateway/app/addresses.h"
#include "gateway/app/signalling.h"
#include "gateway/users/sqlite_source.h"
#include "gateway/users/webhook_source.h"
#include "media_anchor/io/media_engine.h"
#include "ws/server.h"

namespace lastmile::app {
namespace {

// A second of a storm of 10,000 clients; more than that closes connections with 1013.
constexpr size_t kWsEvents = 65536;
constexpr size_t kMediaEvents = 16384;
// The directory asks for no more at a time; as many again may come too late.
constexpr size_t kUserAnswers = 2 * browser::UserDirectory::kMaxPending;

// The page lies in web-demo/dist, next to the build's folders or next to the installed program.
std::string FindPage(const std::string& configured) {
  if (!configured.empty()) return configured;
  std::error_code error;
  auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (int up = 0; up < 6 && !error && folder.has_relative_path(); ++up) {
    const auto page = folder / "web-demo" / "dist";
    if (std::filesystem::exists(page / "index.html", error)) return page.string();
    folder = folder.parent_path();
  }
  return "";
}

media::MediaOptions MediaOptionsOf(const Config& config, const IpAddress& trunk_address) {
  const auto& browser = config.browser_media;
  media::MediaOptions options;
  options.browser_bind = browser.bind;
  options.browser_advertise =
      browser.advertise.automatic ? BrowserAddresses(browser.bind) : browser.advertise.addresses;
  options.browser_port = browser.port;
  options.browser_tcp_port = browser.tcp_port;
  options.full_ice = config.full_ice;
  options.trunk_bind = config.trunk_media.bind;
  options.trunk_advertise = trunk_address;
  options.trunk_port_min = config.trunk_media.port_min;
  options.trunk_port_max = config.trunk_media.port_max;
  options.trunk_timeout = config.media_timeout;
  options.workers = config.workers;
  return options;
}

ws::ServerOptions WsOptionsOf(const Config& config) {
  ws::ServerOptions options;
  if (config.ws) {
    options.listeners.push_back({.address = *config.ws, .config_path = "listen.ws"});
  }
  if (config.wss) {
    options.listeners.push_back({.address = *config.wss,
                                 .tls = true,
                                 .cert_file = config.tls_cert,
                                 .key_file = config.tls_key,
                                 .config_path = "listen.wss"});
  }
  options.origins = config.origins;
  options.page_dir = FindPage(config.page);
  return options;
}

std::unique_ptr<users::UserSource> MakeUserSource(const Config& config,
                                                  Mailbox<browser::UserAnswer>& answers) {
  if (!config.user_source) return nullptr;
  const UserSourceConfig& source = *config.user_source;
  if (!source.sqlite.empty()) return std::make_unique<users::SqliteSource>(source.sqlite, answers);
  return std::make_unique<users::WebhookSource>(source.webhook, answers);
}

}  // namespace

struct Gateway::Parts {
  explicit Parts(const Config& config, const std::string& trunk_host,
                 const IpAddress& trunk_address)
      : ws_events(kWsEvents),
        media_events(kMediaEvents),
        user_answers(kUserAnswers),
        users(MakeUserSource(config, user_answers)),
        media(MediaOptionsOf(config, trunk_address), media_events),
        ws(WsOptionsOf(config), ws_events),
        signalling(config, trunk_host,
                   {.ws = ws,
                    .ws_events = ws_events,
                    .media = media,
                    .media_events = media_events,
                    .users = users.get(),
                    .user_answers = user_answers}) {}

  Mailbox<ws::Event> ws_events;
  Mailbox<media::MediaEvent> media_events;
  Mailbox<browser::UserAnswer> user_answers;
  std::unique_ptr<users::UserSource> users;  // nullptr: they stand in the configuration
  media::MediaEngine media;
  ws::Server ws;
  Signalling signalling;
};

Gateway::Gateway(Config config) : config_(std::move(config)), reload_(config_) {}
Gateway::~Gateway() { Stop(); }

Result<void> Gateway::Start() {
  const IpAddress address = TrunkAddressOf(config_);
  parts_ = std::make_unique<Parts>(config_, HostOf(address), address);
  auto started = StartParts();
  if (!started) Stop();
  return started;
}

Result<void> Gateway::StartParts() {
  if (auto media = parts_->media.Start(); !media) return std::unexpected(media.error());
  if (parts_->users) {
    auto users = parts_->users->Start();
    if (!users) return std::unexpected(Error{"users.source: " + users.error().message});
  }
  auto ws = parts_->ws.Start();
  if (!ws) return std::unexpected(ws.error());
  auto sip = parts_->signalling.Start();
  if (!sip) return std::unexpected(sip.error());
  size_t next = 0;
  if (config_.ws) greeting_.push_back("page and ws: http://" + (*ws)[next++].ToString());
  if (config_.wss) greeting_.push_back("page and wss: https://" + (*ws)[next++].ToString());
  for (size_t i = 0; i < config_.sip.size(); ++i) {
    greeting_.push_back(std::string("sip from carriers: ") + (config_.sip[i].tls ? "tls" : "tcp") +
                        " " + (*sip)[i].ToString());
  }
  if (config_.admin) greeting_.push_back("metrics: http://" + sip->back().ToString() + "/metrics");
  for (const Endpoint& socket : parts_->media.browser_sockets()) {
    greeting_.push_back("media of browsers: udp " + socket.ToString());
  }
  for (const Endpoint& socket : parts_->media.browser_tcp_sockets()) {
    greeting_.push_back("media of browsers: tcp " + socket.ToString());
  }
  if (const auto& ice = config_.full_ice) {
    greeting_.push_back("media of browsers: full ICE, " + std::to_string(ice->stun.size()) +
                        " STUN and " + std::to_string(ice->turn.size()) + " TURN servers");
  }
  for (const trunk::Trunk& trunk : config_.trunks) {
    greeting_.push_back("trunk " + trunk.name + ": " + (trunk.tls ? "tls " : "tcp ") + trunk.host +
                        ":" + std::to_string(trunk.port));
  }
  return {};
}

std::vector<std::string> Gateway::Greeting() const { return greeting_; }

void Gateway::Stop() {
  if (!parts_) return;
  parts_->signalling.Stop();
  parts_->ws.Stop();
  if (parts_->users) parts_->users->Stop();
  parts_->media.Stop();
  parts_.reset();
}

void Gateway::ReloadRoutes() {
  const TimePoint begun = MonotonicNow();
  std::optional<route::Router> routes = reload_.Read();
  if (!routes) return;
  const size_t count = routes->rules().routes.size();
  // What comes back are the old routes: they are destroyed here.
  const route::Router old = parts_->signalling.ExchangeRoutes(*std::move(routes));
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(MonotonicNow() - begun).count();
  spdlog::info("{} routes instead of {} are for the next call on, after {} ms", count,
               old.rules().routes.size(), took);
}

GatewayGauges Gateway::gauges() {
  return {.signalling = parts_->signalling.gauges(),
          .media = parts_->media.gauges(),
          .ws = parts_->ws.gauges()};
}

void Gateway::LogGauges() {
  const auto [signalling, media, ws] = gauges();
  spdlog::info(
      "gauges calls={} dialogs={} transactions={} registrations={} sessions={} ports={} ws={} "
      "streams={} subscriptions={} pbx={}",
      signalling.calls, signalling.dialogs, signalling.transactions, signalling.registrations,
      media.sessions, media.ports_in_use, ws.connections, signalling.trunk_streams,
      signalling.subscriptions, signalling.pbx_registrations);
}

}  // namespace lastmile::app
