#ifndef LASTMILE_MEDIA_ANCHOR_CORE_FULL_ICE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_FULL_ICE_H_

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "media_anchor/core/ice.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/path.h"

namespace lastmile::media {

// What the agent has to know of the browser before it may send checks, or again after a restart.
struct IceRemote {
  // The agent starts over with these; nothing: it has not begun yet.
  std::optional<IceCredentials> restart = std::nullopt;
  IceCredentials credentials;
  std::vector<IceCandidate> candidates = {};
};

// Those of the browser's candidates that may be sent checks, best first as it ranks them itself, at
// most kMaxRemoteCandidates: an SDP must not make the gateway knock at whatever address it names
// (RFC 8445 section 19.5.1). Never multicast, unspecified and link-local addresses; the loopback
// and those of private networks only if `private_too`. A browser that is not among them still gets
// through by its own checks.
std::vector<IceCandidate> UsableCandidates(std::vector<IceCandidate> candidates, bool private_too);
inline constexpr size_t kMaxRemoteCandidates = 32;

// The session's part of a full agent (RFC 8445) that works on another thread: keeps what that agent
// is to be told, and what it has told of the pair. All datagrams of the browser come and go by one
// path, Path::Agent(), whatever pair is behind it; the agent lets nothing pass from where no check
// was authenticated (S-05).
class FullIce final : public Ice {
 public:
  FullIce(IceCredentials local, bool private_peers)
      : local_(std::move(local)), private_peers_(private_peers) {}

  // The agent starts over when the browser's credentials come that go with these: until then, and
  // if the browser refuses, the pair in use is kept alive with the old ones.
  void Restart(IceCredentials fresh) override;
  void SetRemote(const BrowserRemote& remote) override;
  // What the agent is to be told now; nothing: no news.
  std::optional<IceRemote> TakeRemote() { return std::exchange(news_, std::nullopt); }

  // The agent has nominated a pair, the first or another one.
  void OnConnected();
  // It has lost the browser's consent to send (RFC 7675): nothing goes until OnConnected().
  void OnLost() { lost_ = selected_.has_value(); }
  bool lost() const { return lost_; }

  // The agent has answered its checks itself: none of these is for us.
  Result OnDatagram(ByteView, const Path&, TimePoint, MutableByteView) override { return {}; }
  bool IsValidated(const Path& path) const override { return path.agent; }
  bool HasRemote(const Endpoint&) const override { return false; }
  const std::optional<Path>& selected() const override { return selected_; }
  const std::optional<Path>& latest() const override { return selected_; }
  const IceCredentials& local() const override { return local_; }
  bool AcceptsUfrag(std::string_view local_ufrag) const override;

 private:
  IceCredentials local_;  // of the SDP
  const bool private_peers_;
  std::optional<IceCredentials> before_;  // the agent's, until it starts over
  std::optional<IceCredentials> remote_;
  std::optional<IceRemote> news_;
  std::optional<Path> selected_;
  bool lost_ = false;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_FULL_ICE_H_
