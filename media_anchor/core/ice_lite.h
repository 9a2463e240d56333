#ifndef LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/path.h"

namespace lastmile::media {

// The part of a check's USERNAME before the colon: our ufrag, which names the session (RFC 8445
// section 7.2.2). Nothing if this is no well-formed Binding request. The view lies in `datagram`.
std::optional<std::string_view> LocalUfragOf(ByteView datagram);

// The lite agent of one session and one component (RFC 8445 section 2.5): always controlled, sends
// no checks, answers those that carry our credentials and takes the pair the browser nominates.
// What does not authenticate gets no answer, so that nobody can be hit through us (S-11).
// Thread: its owner's (the media worker's). Allocates only when a pair is new.
class IceLite {
 public:
  static constexpr size_t kMaxReply = 640;  // a USERNAME of 513 bytes comes back in the answer
  static constexpr size_t kMaxPairs = 8;

  explicit IceLite(IceCredentials local) : local_(std::move(local)) {}

  // The browser's ufrag of its SDP: from now on checks must name it, and pairs that were accepted
  // while none was known go if they named another. A second ufrag is an ICE restart of the
  // browser: the pairs stay until it nominates again.
  void SetRemoteUfrag(const std::string& ufrag);

  struct Result {
    bool authenticated = false;  // a valid check: the pair is validated now
    size_t reply_size = 0;       // bytes of `reply` to send back on `path`; 0: no answer
  };
  // One datagram of kind kStun. `reply` has room for kMaxReply bytes and may not overlap.
  Result OnDatagram(ByteView datagram, const Path& path, TimePoint now, MutableByteView reply);

  bool IsValidated(const Path& path) const;
  // The same for any of our addresses.
  bool HasRemote(const Endpoint& remote) const;
  // The pair of the latest USE-CANDIDATE.
  const std::optional<Path>& selected() const { return selected_; }
  // The pair of the latest check, selected or not: where a DTLS flight goes before nomination.
  const std::optional<Path>& latest() const { return latest_; }
  const IceCredentials& local() const { return local_; }

 private:
  struct Pair {
    Path path;
    std::string remote_ufrag;
    TimePoint last_check;
  };

  bool RemoteUfragFits(std::string_view ufrag) const;
  void Validate(const Path& path, std::string_view remote_ufrag, TimePoint now);

  const IceCredentials local_;
  std::string remote_ufrag_;  // empty: not known yet
  std::vector<Pair> pairs_;
  std::optional<Path> selected_;
  std::optional<Path> latest_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_
