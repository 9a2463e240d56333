#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_REPLAY_WINDOW_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_REPLAY_WINDOW_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace lastmile::media {

// Which of the last kBits packet indexes were seen (RFC 3711 section 3.3.2). Thread: its owner's.
template <size_t kBits>
class ReplayWindow {
 public:
  static_assert(kBits % 64 == 0);

  bool empty() const { return !any_; }
  uint64_t newest() const { return newest_; }  // valid unless empty()

  // False: `index` was added before or is older than the window.
  bool IsNew(uint64_t index) const {
    if (!any_ || index > newest_) return true;
    const uint64_t age = newest_ - index;
    return age < kBits && (seen_[age / 64] >> (age % 64) & 1) == 0;
  }

  // `index` is new.
  void Add(uint64_t index) {
    if (!any_) {
      newest_ = index;
      any_ = true;
    } else if (index > newest_) {
      Shift(index - newest_);
      newest_ = index;
    }
    const uint64_t age = newest_ - index;
    seen_[age / 64] |= uint64_t{1} << (age % 64);
  }

 private:
  static constexpr size_t kWords = kBits / 64;

  void Shift(uint64_t by) {
    if (by >= kBits) {
      seen_.fill(0);
      return;
    }
    const size_t words = by / 64;
    const unsigned bits = by % 64;
    for (size_t i = kWords; i-- > 0;) {
      uint64_t word = i >= words ? seen_[i - words] << bits : 0;
      if (bits != 0 && i > words) word |= seen_[i - words - 1] >> (64 - bits);
      seen_[i] = word;
    }
  }

  bool any_ = false;
  uint64_t newest_ = 0;
  std::array<uint64_t, kWords> seen_{};  // bit n: newest_ - n was seen
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_REPLAY_WINDOW_H_
