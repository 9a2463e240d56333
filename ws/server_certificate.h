#ifndef LASTMILE_WS_SERVER_CERTIFICATE_H_
#define LASTMILE_WS_SERVER_CERTIFICATE_H_

#include <string>

#include "base/file_watch.h"
#include "base/result.h"
#include "base/time.h"

struct lws_context;

namespace lastmile::ws {

// The certificate and key of a wss listener, which follow their files: new connections have the new
// ones, those that stand keep theirs. Thread: Check() the starter's, Refresh() the server's.
class ServerCertificate {
 public:
  // `config_path`: how the listener is called in messages.
  ServerCertificate(std::string cert_file, std::string key_file, std::string config_path);

  Result<void> Check();  // what CheckTlsFiles says
  // Before a connection is adopted. Files that are broken change nothing and are told once.
  void Refresh(lws_context* context, TimePoint now);

 private:
  const std::string cert_file_;
  const std::string key_file_;
  const std::string config_path_;
  FileWatch watch_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_SERVER_CERTIFICATE_H_
