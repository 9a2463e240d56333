#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_STREAM_TABLE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_STREAM_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "media_anchor/core/srtp/replay_window.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// What one SSRC's packets leave behind in one direction (RFC 3711 section 3.2.1).
struct SrtpStream {
  uint32_t ssrc = 0;
  ReplayWindow<128> rtp;  // of 48-bit indexes, ROC * 2^16 + SEQ; its newest holds ROC and s_l
  ReplayWindow<64> rtcp;  // of 31-bit SRTCP indexes

  // The 48-bit index that `sequence` most likely means (RFC 3711 section 3.3.1). A sequence that
  // would lie before ROC 0 is taken as ROC 0: a stream cannot start with a negative index.
  uint64_t EstimateRtpIndex(uint16_t sequence) const {
    if (rtp.empty()) return sequence;
    const uint64_t newest = rtp.newest();
    const auto delta = static_cast<int16_t>(static_cast<uint16_t>(sequence - newest));
    if (delta < 0 && newest < static_cast<uint64_t>(-delta)) return sequence;
    return newest + static_cast<int64_t>(delta);
  }
};

// The streams of one direction, at most SrtpTransform::kMaxSsrcs. An SSRC that is not known yet
// works on a blank stream that Commit() turns into a known one, so that a packet that fails
// authentication leaves nothing behind. Thread: its owner's.
class StreamTable {
 public:
  StreamTable() { streams_.reserve(kUsual); }

  // Null: not known and no room for one more. Valid until the next Find() or Commit().
  SrtpStream* Find(uint32_t ssrc) {
    const auto known = std::ranges::find(streams_, ssrc, &SrtpStream::ssrc);
    if (known != streams_.end()) return &*known;
    if (streams_.size() == SrtpTransform::kMaxSsrcs) return nullptr;
    blank_ = SrtpStream{.ssrc = ssrc, .rtp = {}, .rtcp = {}};
    return &blank_;
  }

  // `stream` came from the last Find() and its packet was authentic.
  void Commit(const SrtpStream* stream) {
    if (stream == &blank_) streams_.push_back(blank_);
  }

 private:
  static constexpr size_t kUsual = 8;  // four each of audio and video

  std::vector<SrtpStream> streams_;
  SrtpStream blank_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_STREAM_TABLE_H_
