#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_

#include <span>

#include "base/random.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/passage.h"

namespace lastmile::media {

// Both directions of audio or video and the payload types between them. Thread: its owner's.
class Relay {
 public:
  Relay(RandomSource& random, bool video)
      : to_trunk_(random, video, Passage::Way::kToTrunk),
        to_browser_(random, video, Passage::Way::kToBrowser) {}

  // Takes those of its own kind of media.
  void SetPayloads(std::span<const PayloadMapping> mappings) {
    to_trunk_.SetPayloads(mappings);
    to_browser_.SetPayloads(mappings);
  }
  Passage& to_trunk() { return to_trunk_; }
  Passage& to_browser() { return to_browser_; }
  const Passage& to_trunk() const { return to_trunk_; }
  const Passage& to_browser() const { return to_browser_; }

 private:
  Passage to_trunk_;
  Passage to_browser_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_
