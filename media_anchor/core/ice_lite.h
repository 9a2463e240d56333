#ifndef LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/ice.h"
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
class IceLite final : public Ice {
 public:
  static constexpr size_t kMaxPairs = 8;

  explicit IceLite(IceCredentials local) : current_{std::move(local), {}} {}

  // An ICE restart of ours (RFC 8445 section 9). Checks with the fresh credentials are answered
  // from now on, whatever ufrag of the browser they name until SetRemoteUfrag(). The credentials of
  // the pair in use hold, with the browser's ufrag of their time, until a check with the fresh ones
  // nominates a pair. A restart before that takes the place of the unfinished one.
  void Restart(IceCredentials fresh) override;
  // The browser's ufrag of its SDP: from now on checks with our current credentials must name it,
  // and pairs that were accepted while none was known go if they named another. A second ufrag is
  // an ICE restart of the browser: the pairs stay until it nominates again.
  void SetRemoteUfrag(const std::string& ufrag);
  void SetRemote(const BrowserRemote& remote) override { SetRemoteUfrag(remote.ice_ufrag); }

  Result OnDatagram(ByteView datagram, const Path& path, TimePoint now,
                    MutableByteView reply) override;
  bool IsValidated(const Path& path) const override;
  bool HasRemote(const Endpoint& remote) const override;
  // The pair of the latest USE-CANDIDATE.
  const std::optional<Path>& selected() const override { return selected_; }
  // The pair of the latest check, selected or not.
  const std::optional<Path>& latest() const override { return latest_; }
  const IceCredentials& local() const override { return current_.local; }
  bool AcceptsUfrag(std::string_view local_ufrag) const override;

 private:
  struct Generation {
    IceCredentials local;
    std::string remote_ufrag{};  // empty: not known yet
  };
  struct Pair {
    Path path;
    std::string local_ufrag;  // of its latest check
    std::string remote_ufrag;
    TimePoint last_check;
  };

  // The generation a check with that USERNAME belongs to; null: none.
  const Generation* FindGeneration(std::string_view username) const;
  void Validate(const Path& path, std::string_view username, TimePoint now);

  Generation current_;
  std::optional<Generation> previous_;  // during a restart
  std::vector<Pair> pairs_;
  std::optional<Path> selected_;
  std::optional<Path> latest_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_ICE_LITE_H_
