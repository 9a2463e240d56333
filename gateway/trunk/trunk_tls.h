#ifndef LASTMILE_GATEWAY_TRUNK_TRUNK_TLS_H_
#define LASTMILE_GATEWAY_TRUNK_TRUNK_TLS_H_

#include <string>
#include <vector>

#include "base/verified_peer.h"

namespace lastmile::trunk {

// Whom a trunk trusts over TLS, and as whom we come. Files are PEM. Thread: any, a plain value.
struct TrunkTls {
  std::string ca_file;            // who vouches for it, both ways; "" = the system's
  std::string cert_file;          // ours, for servers that ask for one; "" = none
  std::string key_file;           // of cert_file
  std::vector<std::string> pins;  // "sha256/..." of its servers' keys; none: any key
  bool insecure = false;          // what its servers show is not verified, but for the pins
  std::string server_name;        // that its servers' certificates carry; "" = the server's own
  // SIP domains in lower case (RFC 5922): a stream whose client is verified for one is this
  // trunk's.
  std::vector<std::string> accept_names;

  // Whether somebody this trunk trusts vouches for one of accept_names.
  bool Accepts(const VerifiedPeer& peer) const;
};

// What a stream's certificate says, to be put behind a sentence about the stream; "": nothing.
std::string DescribeCertificate(const VerifiedPeer& peer);

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_TRUNK_TLS_H_
