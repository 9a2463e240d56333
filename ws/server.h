#ifndef LASTMILE_WS_SERVER_H_
#define LASTMILE_WS_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/mailbox.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"

// The WebSocket shell: accepts browsers, assembles messages, serves the page. Knows no SIP.
namespace lastmile::ws {

struct ConnTag;
using ConnId = StrongId<ConnTag>;

struct Listener {
  Endpoint address;  // port 0: any free port
  bool tls = false;
  std::string cert_file;    // PEM chain, with tls
  std::string key_file;     // PEM, with tls
  std::string config_path;  // how errors name this listener: "listen.wss"
};

struct ServerOptions {
  std::vector<Listener> listeners;
  // Origins that may open a WebSocket, compared as scheme://host[:port] in lower case. A listener's
  // own origin (the page it serves itself) is always allowed. An absent Origin header (not a
  // browser) is allowed only with allow_no_origin.
  std::vector<std::string> origins;
  bool allow_no_origin = false;
  std::string page_dir;                // static files served at "/"; empty: 404 with a sentence
  size_t max_message = 64 * 1024;      // bytes over all fragments; more closes with 1009
  size_t max_send_queue = 256 * 1024;  // bytes a connection; more closes with 1008
  size_t max_connections = 10000;
  Duration ping_interval = 25s;     // two unanswered pings close the connection
  Duration handshake_timeout = 5s;  // TLS and HTTP upgrade, each
};

// --- events, ws thread to signalling ---
struct Opened {
  ConnId conn;
  Endpoint peer;
  bool tls = false;
};
// One whole message: a SIP message or keep-alive bytes.
struct Message {
  ConnId conn;
  std::string text;
};
// The last event of a connection.
struct Closed {
  ConnId conn;
  uint16_t code = 1006;  // RFC 6455 section 7.4; 1006: no close frame
};
using Event = std::variant<Opened, Message, Closed>;

// --- commands, signalling to ws thread ---
struct Send {  // one text frame
  ConnId conn;
  std::string text;
};
struct Close {
  ConnId conn;
  uint16_t code = 1000;
  std::string reason;
};
using Command = std::variant<Send, Close>;

struct Gauges {
  uint32_t connections = 0;
};

// libwebsockets on a libuv loop in a thread of its own (ws-0). All methods: any thread.
class Server {
 public:
  // `events` outlives the server. If it is full, the connection whose event does not fit is closed
  // with 1013 (try again later); its Closed is never lost.
  Server(ServerOptions options, Mailbox<Event>& events);
  ~Server();

  // Binds, loads certificates and starts the thread. Returns the bound address of each listener, in
  // order. The error names the listener's config_path and the cause (port taken by ..., no such
  // file, key does not fit the certificate).
  Result<std::vector<Endpoint>> Start();
  // False: the mailbox is full and the command was not taken.
  [[nodiscard]] bool Post(Command command);
  // Closes every connection with 1001 and joins the thread. Idempotent.
  void Stop();
  Gauges gauges() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_SERVER_H_
