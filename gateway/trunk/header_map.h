#ifndef LASTMILE_GATEWAY_TRUNK_HEADER_MAP_H_
#define LASTMILE_GATEWAY_TRUNK_HEADER_MAP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/sip/message.h"

// Headers that an INVITE brings from one side to the other: those that the trunk's configuration
// names, under the name that it gives them, and nothing else. Thread: any, pure.
namespace lastmile::trunk {

// `name` on the side where it comes from, `becomes` on the other.
struct HeaderMapping {
  std::string name;
  std::string becomes;
  bool operator==(const HeaderMapping&) const = default;
};

struct HeaderPolicy {
  std::vector<HeaderMapping> to_trunk;
  std::vector<HeaderMapping> to_browser;
  bool user_to_user = false;  // User-to-User (RFC 7433) passes in both directions
  bool stir = false;          // Identity (RFC 8224) of the trunk passes to the browser, unverified
};

inline constexpr size_t kMaxMappings = 8;       // in each direction
inline constexpr size_t kMaxHeaderValue = 256;  // bytes
// A PASSporT with the address of its certificate and an ES256 signature has 500 to 1,000 bytes; a
// call that was diverted has one more for each time.
inline constexpr size_t kMaxStirValue = 2048;
inline constexpr size_t kMaxStirs = 4;

// Of `headers` those that pass, under their new names: the first of each. Values that are empty,
// too long or not printable stay behind, with a line in the log.
std::vector<sip::Header> HeadersToTrunk(const HeaderPolicy& policy,
                                        const std::vector<sip::Header>& headers);
std::vector<sip::Header> HeadersToBrowser(const HeaderPolicy& policy,
                                          const std::vector<sip::Header>& headers);

// Names on the browser's side that pass to that trunk.
std::vector<std::string> NamesToTrunk(const HeaderPolicy& policy);

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_HEADER_MAP_H_
