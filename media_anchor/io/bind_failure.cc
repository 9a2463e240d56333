#include "media_anchor/io/bind_failure.h"

#include <cerrno>
#include <cstring>

namespace lastmile::media {
namespace {

std::string CauseOf(int code) {
  if (code == EADDRINUSE) return "the port is in use by another program";
  if (code == EADDRNOTAVAIL) return "this machine has no such address";
  if (code == EACCES) return "no permission for this port";
  return std::strerror(code);
}

}  // namespace

std::string BindFailure(std::string_view transport, const Endpoint& address, int code) {
  return "cannot bind " + std::string(transport) + ' ' + address.ToString() + ": " + CauseOf(code);
}

}  // namespace lastmile::media
