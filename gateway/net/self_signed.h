#ifndef LASTMILE_GATEWAY_NET_SELF_SIGNED_H_
#define LASTMILE_GATEWAY_NET_SELF_SIGNED_H_

#include <string>

#include "base/result.h"

namespace lastmile::net {

// PEM texts of a fresh ECDSA P-256 key and a self-signed certificate for localhost, 127.0.0.1 and
// ::1, valid for 30 days: for demos and tests, never for carriers. Thread: any.
struct SelfSigned {
  std::string cert_pem;
  std::string key_pem;
};
Result<SelfSigned> MakeSelfSigned();

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_SELF_SIGNED_H_
