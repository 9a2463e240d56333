#ifndef LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_doctor.h"
#include "media_anchor/core/media_section.h"
#include "media_anchor/core/outgoing.h"
#include "media_anchor/core/path.h"
#include "media_anchor/core/rtp_leg.h"
#include "media_anchor/core/session_core.h"
#include "media_anchor/core/trunk_timeout.h"
#include "media_anchor/core/webrtc_leg.h"

namespace lastmile::media {

// One call's media, sans-IO: a browser leg, a section of audio and perhaps one of video, each with
// its trunk leg and relay, and faults. `context` outlives the session. Thread: its owner's (the
// media worker's). No allocation per packet.
class AnchorSession final : public SessionCore {
 public:
  struct Options {
    SessionId id;
    IceCredentials ice;
    // ICE by an agent on another thread, which the owner carries news to and from.
    bool full_ice = false;
    bool private_peers = false;  // of full ICE, see UsableCandidates()
    Duration browser_silent_after = 10s;
    Duration trunk_timeout = kTrunkTimeout;
  };
  // Draws SSRCs and first numbers from `random` and does not keep it.
  AnchorSession(const DtlsContext& context, Options options, RandomSource& random, TimePoint now);

  // Video itself is the owner's, which has its sockets: OpenVideo() and CloseVideo().
  void Update(const UpdateSession& update, TimePoint now);
  // What Update() says of video counts only after this. Opened again, video goes on with the same
  // sources and numbers.
  void OpenVideo(RandomSource& random, TimePoint now);
  void CloseVideo();
  bool SendDigit(const media::SendDigit& digit, TimePoint now) override {
    return audio_.SendDigit(digit, now);
  }

  void Watch(MediaWatch watch, TimePoint now) override;

  // The datagram is the first `size` bytes of `room`, which has kRoom bytes.
  Outgoing OnBrowserDatagram(MutableByteView room, size_t size, const Path& path, TimePoint now);
  Outgoing OnTrunkRtp(MediaKind kind, MutableByteView room, size_t size, const Endpoint& from,
                      TimePoint now) override;
  Outgoing OnTrunkRtcp(MediaKind kind, MutableByteView room, size_t size, const Endpoint& from,
                       TimePoint now) override;

  bool PopOutgoing(Outgoing& out) override;
  std::optional<MediaEvent> PopEvent() override;
  void OnTimer(TimePoint now) override;
  TimePoint next_timeout() const override;
  void Close() override;

  // Of full ICE: what its agent is to be told, after Update(), and what it tells.
  std::optional<IceRemote> TakeIceRemote() { return browser_.TakeIceRemote(); }
  void OnIceConnected(TimePoint now);
  void OnIceLost(TimePoint now);
  void OnIceFailed();  // there is no agent (any more)

  SessionId id() const override { return options_.id; }
  const IceCredentials& ice() const { return browser_.local(); }
  // During an ICE restart the old ufrag is accepted, too.
  bool AcceptsUfrag(std::string_view ufrag) const { return browser_.AcceptsUfrag(ufrag); }
  const RtpLeg* trunk(MediaKind kind) const override;
  bool HasBrowserPath(const Path& path) const { return browser_.HasPath(path); }
  // Over UDP, to any of our addresses.
  bool HasBrowserPath(const Endpoint& remote) const { return browser_.HasRemote(remote); }
  // Where what is sent to the browser goes; nothing before its first check.
  const std::optional<Path>& browser_path() const { return browser_.send_path(); }
  const std::optional<TimePoint>& browser_last_heard() const { return browser_.last_heard(); }
  SessionStats stats() const override;

  // A datagram of 1,500 bytes, what SRTP may add, and no less than a STUN answer.
  static constexpr size_t kRoom = 2048;
  static constexpr size_t kMaxDatagram = kRoom - SrtpTransform::kMaxTrailer;
  // How long the browser may take once both sides' SDP is known: only then has it an answer.
  static constexpr Duration kConnectTimeout = 30s;

 private:
  Outgoing RelayToTrunk(MutableByteView packet, MutableByteView room, TimePoint now);
  Outgoing OnBrowserRtcp(ByteView report, MutableByteView room, TimePoint now);
  MediaSection* OpenSection(MediaKind kind);
  void SetTrunk(const TrunkRemote& remote, TimePoint now);
  void SetPayloads(const std::vector<PayloadMapping>& mappings);
  void TellHeard(std::optional<uint8_t> event, bool from_browser);
  void Follow();
  void CheckBrowser(TimePoint now);
  void HearBrowser(TimePoint now);
  DirectionCounts WithBrowserFault(DirectionCounts counts) const;
  void LookForSilence(TimePoint now);
  bool BrowserIsOverdue(TimePoint now) const;
  void Fail(SessionFault fault, std::string reason);

  const Options options_;
  WebrtcLeg browser_;
  MediaSection audio_;
  MediaDoctor doctor_;  // of audio
  TrunkTimeout trunk_timeout_;
  std::unique_ptr<MediaSection> video_;  // null until video was open for the first time
  bool video_open_ = false;
  std::bitset<128> video_types_;  // of the browser
  TimePoint connect_by_ = kNever;
  bool connected_ = false;  // was said
  bool failed_ = false;     // was said
  bool silent_ = false;     // was said, and the browser not heard since
  Bytes own_;               // what PopOutgoing() lends
  std::vector<MediaEvent> events_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_
