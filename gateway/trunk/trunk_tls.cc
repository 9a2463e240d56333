#include "gateway/trunk/trunk_tls.h"

#include <algorithm>

namespace lastmile::trunk {

bool TrunkTls::Accepts(const VerifiedPeer& peer) const {
  return std::ranges::find(peer.authorities, ca_file) != peer.authorities.end() &&
         std::ranges::find_first_of(peer.names, accept_names) != peer.names.end();
}

std::string DescribeCertificate(const VerifiedPeer& peer) {
  if (!peer.fault.empty()) return "; it " + peer.fault;
  if (peer.names.empty()) return "";
  std::string text = "; its certificate is verified for";
  for (const std::string& name : peer.names) text += " " + name;
  return text;
}

}  // namespace lastmile::trunk
