#include "media_anchor/core/source_latch.h"

#include <algorithm>

namespace lastmile::media {

void SourceLatch::Begin(const Endpoint& named, bool latch,
                        const std::optional<IpAddress>& signalled_from, TimePoint now) {
  latch_ = latch;
  named_ = source_ = named;
  signalled_from_ = signalled_from;
  match_ = Match::kNone;
  Listen(now);
}

void SourceLatch::Listen(TimePoint now) {
  since_ = now;
  settled_ = match_ >= Match::kPort;
  strangers_ = {};
}

SourceLatch::Match SourceLatch::MatchOf(const Endpoint& from) const {
  if (from == named_) return Match::kPort;
  return from.address == named_.address || from.address == signalled_from_ ? Match::kAddress
                                                                           : Match::kStranger;
}

bool SourceLatch::MayBe(const Endpoint& from, TimePoint now) const {
  if (from == source_) return true;
  const bool on_hold = named_.port == 0 || named_.address.is_any();
  if (!latch_ || settled_ || on_hold) return false;
  const Match match = MatchOf(from);
  return match > match_ && (match > Match::kStranger || now - since_ < kWindow);
}

bool SourceLatch::Take(const Endpoint& from, const RtpHeader& header, bool authentic,
                       TimePoint now) {
  if (from != source_) {
    const bool stranger = !authentic && MatchOf(from) == Match::kStranger;
    if (stranger && (!HasStream(from, header) || now - since_ < kPatience)) return false;
    source_ = from;
    match_ = Match::kNone;
  }
  if (match_ == Match::kNone) match_ = authentic ? Match::kKey : MatchOf(from);
  // Whoever can show more than a stranger is heard at any time.
  settled_ |= match_ >= Match::kPort || (match_ == Match::kAddress && now - since_ >= kWindow);
  return true;
}

bool SourceLatch::HasStream(const Endpoint& from, const RtpHeader& header) {
  auto known = std::ranges::find(strangers_, from, &Stranger::from);
  if (known == strangers_.end()) {
    known = strangers_.begin() + static_cast<ptrdiff_t>(next_stranger_);
    next_stranger_ = (next_stranger_ + 1) % kStrangers;
    *known = {.from = from};
  }
  const bool goes_on =
      known->packets > 0 && known->ssrc == header.ssrc && known->next == header.sequence;
  known->packets = goes_on ? std::min(known->packets + 1, kStream) : 1;
  known->ssrc = header.ssrc;
  known->next = static_cast<uint16_t>(header.sequence + 1);
  return known->packets == kStream;
}

}  // namespace lastmile::media
