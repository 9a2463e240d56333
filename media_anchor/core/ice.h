#ifndef LASTMILE_MEDIA_ANCHOR_CORE_ICE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_ICE_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/path.h"

namespace lastmile::media {

// The ICE agent of one browser leg, whoever does the work: IceLite answers checks by itself,
// FullIce stands for an agent on another thread. Thread: its owner's (the media worker's).
class Ice {
 public:
  static constexpr size_t kMaxReply = 640;  // a USERNAME of 513 bytes comes back in the answer

  virtual ~Ice() = default;

  // An ICE restart of ours (RFC 8445 section 9): these credentials are in the SDP to the browser.
  virtual void Restart(IceCredentials fresh) = 0;
  // What the browser's SDP says of ICE. Other credentials than before are a restart of the browser.
  virtual void SetRemote(const BrowserRemote& remote) = 0;

  struct Result {
    bool authenticated = false;  // a valid check: the pair is validated now
    size_t reply_size = 0;       // bytes of `reply` to send back on `path`; 0: no answer
  };
  // One datagram of kind kStun. `reply` has room for kMaxReply bytes and may not overlap.
  virtual Result OnDatagram(ByteView datagram, const Path& path, TimePoint now,
                            MutableByteView reply) = 0;

  // Whether what comes by it is the browser's: a check of it was authenticated.
  virtual bool IsValidated(const Path& path) const = 0;
  // The same over UDP, for any of our addresses.
  virtual bool HasRemote(const Endpoint& remote) const = 0;
  // The nominated pair.
  virtual const std::optional<Path>& selected() const = 0;
  // Where a DTLS flight goes before nomination; nothing: nowhere.
  virtual const std::optional<Path>& latest() const = 0;
  virtual const IceCredentials& local() const = 0;
  // During a restart the ufrag of before is accepted, too.
  virtual bool AcceptsUfrag(std::string_view local_ufrag) const = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_ICE_H_
