#ifndef LASTMILE_WS_TLS_FILES_H_
#define LASTMILE_WS_TLS_FILES_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace lastmile::ws {

// Reads a certificate chain and its key as the TLS stack will and says in one sentence what is
// wrong with them: a file that is missing or may not be read, that holds no PEM, a key that has a
// pass phrase or does not belong to the certificate. The error starts with `config_path` and names
// the file. An expired certificate is only worth a warning in the log. Thread: any; blocks for
// local files.
Result<void> CheckTlsFiles(const std::string& cert_file, const std::string& key_file,
                           std::string_view config_path);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_TLS_FILES_H_
