#include "ws/server_library.h"

#include <libwebsockets.h>

#include <mutex>

#include "base/log.h"

namespace lastmile::ws {
namespace {

void LogLineThunk(int level, const char* line) noexcept {
  std::string_view text(line);
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (level == LLL_ERR) {
    spdlog::error("libwebsockets: {}", text);
  } else {
    spdlog::warn("libwebsockets: {}", text);
  }
}

}  // namespace

std::string AcceptKeyOf(std::string_view key) {
  const std::string salted = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[20];
  lws_SHA1(reinterpret_cast<const unsigned char*>(salted.data()), salted.size(), digest);
  char text[32];
  const int length = lws_b64_encode_string(reinterpret_cast<const char*>(digest), sizeof digest,
                                           text, sizeof text);
  return std::string(text, length > 0 ? static_cast<size_t>(length) : 0);
}

void RedirectLibraryLog() {
  static std::once_flag once;
  std::call_once(once, [] { lws_set_log_level(LLL_ERR | LLL_WARN, LogLineThunk); });
}

lws_vhost* MakeVhost(lws_context* context, const Listener& listener, const std::string& name,
                     const lws_protocols* protocols) {
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.vhost_name = name.c_str();
  info.protocols = protocols;
  info.extensions = nullptr;
  info.alpn = "http/1.1";
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_ONLY_RAW;
  if (listener.tls) {
    info.ssl_cert_filepath = listener.cert_file.c_str();
    info.ssl_private_key_filepath = listener.key_file.c_str();
    info.ssl_cipher_list = "ECDHE+AESGCM:ECDHE+CHACHA20";
    info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
  }
  return lws_create_vhost(context, &info);
}

}  // namespace lastmile::ws
