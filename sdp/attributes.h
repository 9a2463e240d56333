#ifndef LASTMILE_SDP_ATTRIBUTES_H_
#define LASTMILE_SDP_ATTRIBUTES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/result.h"

// Typed views of attribute values and of the c= line: text in, values out, and the text of those
// the gateway writes itself. A view judges one value alone and never looks at the rest of the
// description. Pure. Thread: any.
namespace lastmile::sdp {

// What is wrong with a value, and at which byte of it (0-based).
struct ViewError {
  size_t offset = 0;
  std::string message;  // a clause for "line 5, column 37: ..."; never the peer's raw bytes
};
template <class T>
using View = Result<T, ViewError>;

// a=sendrecv, a=sendonly, a=recvonly, a=inactive (RFC 8866 section 6.7).
enum class Direction { kSendRecv, kSendOnly, kRecvOnly, kInactive };
std::string_view NameOf(Direction direction);
std::optional<Direction> DirectionNamed(std::string_view attribute_name);

// a=setup (RFC 4145 section 4). "holdconn" is refused: it has no meaning for DTLS (RFC 8842 5.1).
enum class Setup { kActpass, kActive, kPassive };
View<Setup> ParseSetup(std::string_view value);
std::string_view NameOf(Setup setup);

// a=fingerprint (RFC 8122 section 5). The length of the digest fits its hash function; a function
// this gateway does not know is an error.
struct Fingerprint {
  std::string hash;  // lower case: "sha-256"
  Bytes digest;
  bool operator==(const Fingerprint&) const = default;
};
View<Fingerprint> ParseFingerprint(std::string_view value);
std::string ToValue(const Fingerprint& fingerprint);

// a=rtpmap (RFC 8866 section 6.6).
struct Rtpmap {
  uint8_t payload_type = 0;
  std::string encoding;
  uint32_t clock_rate = 0;  // Hz
  uint8_t channels = 1;
  bool operator==(const Rtpmap&) const = default;
};
View<Rtpmap> ParseRtpmap(std::string_view value);
std::string ToValue(const Rtpmap& rtpmap);

// a=fmtp (RFC 8866 section 6.15).
struct Fmtp {
  std::string format;
  std::string parameters;
  bool operator==(const Fmtp&) const = default;
};
View<Fmtp> ParseFmtp(std::string_view value);

// a=ptime, a=maxptime (RFC 8866 sections 6.4, 6.5) in ms, 1 to 1000; a fraction is an error.
View<uint16_t> ParsePtime(std::string_view value);

// a=rtcp (RFC 3605).
struct Rtcp {
  uint16_t port = 0;
  std::optional<IpAddress> address;
  bool operator==(const Rtcp&) const = default;
};
View<Rtcp> ParseRtcp(std::string_view value);

// a=candidate (RFC 8839 section 5.1).
struct Candidate {
  std::string foundation;
  uint16_t component = 1;
  std::string transport;  // as written: "udp", "UDP", "tcp"
  uint32_t priority = 0;
  std::string address;          // as written; a name if `ip` is empty
  std::optional<IpAddress> ip;  // empty: a name (RFC 8839 5.1; "x.local" of mDNS), never resolved
  uint16_t port = 0;
  std::string type;        // "host", "srflx", "prflx", "relay"
  std::string extensions;  // what follows the type, as written
  bool operator==(const Candidate&) const = default;
};
View<Candidate> ParseCandidate(std::string_view value);
std::string ToValue(const Candidate& candidate);

// a=ice-ufrag, a=ice-pwd (RFC 8839 section 5.4): ice-chars, 4 to 256 and 22 to 256 of them.
View<std::string> ParseIceUfrag(std::string_view value);
View<std::string> ParseIcePwd(std::string_view value);
// a=ice-options (RFC 8839 section 5.6).
View<std::vector<std::string>> ParseIceOptions(std::string_view value);

// a=mid (RFC 5888 section 4): a token.
View<std::string> ParseMid(std::string_view value);

// a=group (RFC 5888 section 5).
struct Group {
  std::string semantics;
  std::vector<std::string> mids;
  bool operator==(const Group&) const = default;
};
View<Group> ParseGroup(std::string_view value);

// a=msid (RFC 8830 section 2).
struct Msid {
  std::string stream;
  std::string track;  // empty: not given
  bool operator==(const Msid&) const = default;
};
View<Msid> ParseMsid(std::string_view value);

// a=ssrc (RFC 5576 section 4.1).
struct Ssrc {
  uint32_t ssrc = 0;
  std::string attribute;
  std::string value;
  bool operator==(const Ssrc&) const = default;
};
View<Ssrc> ParseSsrc(std::string_view value);

// a=extmap (RFC 8285 section 8).
struct Extmap {
  uint16_t id = 0;
  std::optional<Direction> direction;
  std::string uri;
  std::string parameters;
  bool operator==(const Extmap&) const = default;
};
View<Extmap> ParseExtmap(std::string_view value);

// a=crypto (RFC 4568 section 9.1). Holds keys: never log it.
struct Crypto {
  uint32_t tag = 0;
  std::string suite;
  std::string key_params;
  std::string session_params;
  bool operator==(const Crypto&) const = default;
};
View<Crypto> ParseCrypto(std::string_view value);
std::string ToValue(const Crypto& crypto);

// a=rtcp-fb (RFC 4585 section 4.2).
struct RtcpFb {
  std::string format;  // payload type or "*"
  std::string type;
  std::string parameters;
  bool operator==(const RtcpFb&) const = default;
};
View<RtcpFb> ParseRtcpFb(std::string_view value);

// a=tls-id (RFC 8842 section 4).
View<std::string> ParseTlsId(std::string_view value);

// a=sctp-port (RFC 8841 section 5).
View<uint16_t> ParseSctpPort(std::string_view value);

// The value of a c= line (RFC 8866 section 5.7). Only addresses are accepted; a host name is an
// error because names in SDP are never resolved.
struct Connection {
  IpAddress address;
  bool multicast = false;
  bool operator==(const Connection&) const = default;
};
View<Connection> ParseConnection(std::string_view value);
std::string ToConnectionValue(const IpAddress& address);  // "IN IP4 192.0.2.1"

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_ATTRIBUTES_H_
