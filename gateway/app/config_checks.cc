#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "gateway/app/config.h"
#include "gateway/app/config_trunk_tls.h"
#include "gateway/users/sqlite_users.h"

namespace lastmile::app {
namespace {

// nullptr: the address can be bound.
const char* WhyNotBound(const Endpoint& endpoint, int type) {
  sockaddr_storage storage;
  const socklen_t length = endpoint.ToSockaddr(storage);
  const int fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::strerror(errno);
  const int on = 1;
  if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int error = bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) ? errno : 0;
  if (!error && type == SOCK_STREAM && listen(fd, 1)) error = errno;
  close(fd);
  switch (error) {
    case 0:
      return nullptr;
    case EADDRINUSE:
      return "another program has it already";
    case EADDRNOTAVAIL:
      return "the address is not one of this machine";
    case EACCES:
      return "ports below 1024 need the right to bind them";
    default:
      return std::strerror(error);
  }
}

class Checks {
 public:
  explicit Checks(const Config& config) : config_(config) {}

  void Bind(const Endpoint& endpoint, int type, const std::string& path, std::string code) {
    if (endpoint.port == 0) return;
    const char* why = WhyNotBound(endpoint, type);
    if (why) {
      Report(path, std::move(code), "cannot listen on " + endpoint.ToString() + ": " + why,
             endpoint.ToString().size());
    }
  }

  // Media worker n listens on the port `first` + n.
  void BindForWorkers(uint16_t first, int type, const std::string& path) {
    for (int worker = 0; worker < config_.workers && first != 0; ++worker) {
      const int port = first + worker;
      if (port > 65535) {
        const std::string text = std::to_string(first);
        return Report(path, "media",
                      "media worker " + std::to_string(worker) + " would need the port " +
                          std::to_string(port) + ": each takes one more than the one before",
                      text.size());
      }
      Bind({config_.browser_media.bind, static_cast<uint16_t>(port)}, type, path, "media");
    }
  }

  void Readable(const std::string& file, const std::string& path) {
    if (file.empty()) return;
    if (access(file.c_str(), R_OK) != 0) {
      Report(path, "tls", "cannot read " + file + ": " + std::strerror(errno), file.size());
    }
  }

  void Appendable(const std::string& file, const std::string& path) {
    if (file.empty()) return;
    const bool exists = access(file.c_str(), F_OK) == 0;
    const size_t slash = file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
    if (access(exists ? file.c_str() : folder.c_str(), W_OK) != 0) {
      Report(path, "cdr", "cannot append to " + file + ": " + std::strerror(errno), file.size());
    }
  }

  void UsersIn(const std::string& file) {
    const auto users = users::SqliteUsers::OpenToRead(file);
    if (users) return;
    Report("users.source", "users", users.error().message, sizeof("sqlite:") - 1 + file.size());
  }

  void Report(const std::string& path, std::string code, std::string message, size_t width) {
    found_.push_back({.position = config_.PositionOf(path),
                      .code = std::move(code),
                      .message = std::move(message),
                      .suggestion = {},
                      .width = width});
  }

  void Add(std::vector<Diagnostic> found) { std::ranges::move(found, std::back_inserter(found_)); }

  std::vector<Diagnostic> Take() { return std::move(found_); }

 private:
  const Config& config_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> CheckMachine(const Config& config) {
  Checks checks(config);
  if (config.ws) checks.Bind(*config.ws, SOCK_STREAM, "listen.ws.addr", "listen");
  if (config.wss) checks.Bind(*config.wss, SOCK_STREAM, "listen.wss.addr", "listen");
  if (config.admin) checks.Bind(*config.admin, SOCK_STREAM, "listen.admin.addr", "listen");
  for (const SipListener& listener : config.sip) {
    checks.Bind(listener.address, SOCK_STREAM, listener.path, "listen");
  }
  if (!config.full_ice) {
    checks.BindForWorkers(config.browser_media.port, SOCK_DGRAM, "media.browser.port");
  }
  checks.BindForWorkers(config.browser_media.tcp_port.value_or(0), SOCK_STREAM,
                        "media.browser.tcp_port");
  if (config.user_source) {
    const UserSourceConfig& source = *config.user_source;
    if (!source.sqlite.empty()) checks.UsersIn(source.sqlite);
    checks.Readable(source.webhook.ca_file, "users.webhook.ca");
  }
  checks.Appendable(config.cdr_jsonl, "cdr.jsonl");
  checks.Readable(config.tls_cert, "tls.cert");
  checks.Readable(config.tls_key, "tls.key");
  for (const trunk::Trunk& trunk : config.trunks) {
    checks.Add(CheckTrunkTls(config, trunk));
  }
  return checks.Take();
}

}  // namespace lastmile::app
