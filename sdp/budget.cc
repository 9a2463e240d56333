#include "sdp/budget.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "sdp/attributes.h"
#include "sdp/codecs.h"
#include "sdp/rules.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

std::optional<size_t> FindOpen(const SessionDescription& description, std::string_view kind) {
  const auto is_open = [&](const MediaSection& section) {
    return section.media().kind == kind && section.media().port != 0;
  };
  const auto it = std::ranges::find_if(description.media, is_open);
  if (it == description.media.end()) return std::nullopt;
  return static_cast<size_t>(it - description.media.begin());
}

bool IsDefaultPtime(const Attribute& attribute, const std::vector<Codec>&) {
  return (attribute.name == "ptime" && attribute.value == "20") || attribute.name == "maxptime";
}

bool IsDefaultEvents(const Attribute& attribute, const std::vector<Codec>& codecs) {
  if (attribute.name != "fmtp" || !attribute.value.ends_with(" 0-15")) return false;
  return std::ranges::any_of(codecs, [&](const Codec& codec) {
    return codec.is_telephone_event() &&
           attribute.value.starts_with(std::to_string(codec.payload_type) + " ");
  });
}

bool IsStaticRtpmap(const Attribute& attribute, const std::vector<Codec>&) {
  constexpr uint8_t kFirstUnassigned = 35;  // RFC 3551 section 6: statically assigned below
  if (attribute.name != "rtpmap") return false;
  const auto rtpmap = ParseRtpmap(attribute.value);
  return rtpmap && rtpmap->payload_type < kFirstUnassigned;
}

struct Optional {
  std::string_view rule;
  std::string_view reason;
  bool (*matches)(const Attribute&, const std::vector<Codec>&);
};
constexpr std::array<Optional, 3> kOptional = {
    {{"budget.ptime", "over budget: packets of 20 ms are what carriers expect", IsDefaultPtime},
     {"budget.events",
      "over budget: events 0 to 15 are what no line means (RFC 4733 section 7.1.1)",
      IsDefaultEvents},
     {"budget.rtpmap", "over budget: static payload types need no rtpmap (RFC 3551 section 6)",
      IsStaticRtpmap}}};

// One step of the ladder at a time.
class Ladder {
 public:
  Ladder(SessionDescription& description, size_t audio, EditTrail& trail)
      : description_(description),
        audio_(audio),
        video_(FindOpen(description, "video")),
        trail_(trail) {}

  // False: nothing is left that could go.
  bool StepDown() {
    return DropOptional() || DropExtraEvents() || DropLastVideoCodec() || DropLastCodec();
  }

 private:
  std::vector<Codec> Codecs() const { return ReadCodecs(description_.media[audio_]); }

  bool DropOptional() {
    const std::vector<Codec> codecs = Codecs();
    auto& lines = description_.media[audio_].lines;
    for (const Optional& optional : kOptional) {
      // The last one first: rtpmap lines go from the least preferred codec on.
      const auto it = std::find_if(lines.rbegin(), lines.rend(), [&](const Line& line) {
        return line.note == 0 && optional.matches(AttributeOf(line), codecs);
      });
      if (it == lines.rend()) continue;
      const uint32_t note =
          trail_.AddNote({std::string(optional.rule), std::string(optional.reason)});
      trail_.AddRemoved({audio_, *it, note});
      lines.erase(std::next(it).base());
      return true;
    }
    return false;
  }

  bool DropExtraEvents() {
    const std::vector<Codec> codecs = Codecs();
    const auto first = std::ranges::find_if(codecs, CarriesSpeech);
    for (const Codec& codec : codecs) {
      if (!codec.is_telephone_event() || first == codecs.end() ||
          codec.clock_rate == first->clock_rate) {
        continue;
      }
      Remove(audio_, codec,
             {"budget.extra-events", "over budget: one clock rate of telephone-event is enough"});
      return true;
    }
    return false;
  }

  bool DropLastVideoCodec() {
    if (!video_) return false;
    const std::vector<Codec> codecs = ReadVideoCodecs(description_.media[*video_]);
    if (codecs.size() < 2) return false;
    // A second variant goes before the only one of another codec.
    const auto is_variant = [&](const Codec& codec) {
      return std::ranges::count(codecs, codec.name, &Codec::name) > 1;
    };
    const auto variant = std::find_if(codecs.rbegin(), codecs.rend(), is_variant);
    Remove(*video_, variant == codecs.rend() ? codecs.back() : *variant,
           {"budget.video-codec", "over budget: the least preferred video codec goes"});
    return true;
  }

  bool DropLastCodec() {
    const std::vector<Codec> codecs = Codecs();
    if (std::ranges::count_if(codecs, CarriesSpeech) < 2) return false;
    const auto last = std::find_if(codecs.rbegin(), codecs.rend(), CarriesSpeech);
    Remove(audio_, *last, {"budget.codec", "over budget: the least preferred codec goes"});
    return true;
  }

  void Remove(size_t section, const Codec& codec, Note note) {
    RemoveFormat(description_, section, std::to_string(codec.payload_type),
                 trail_.AddNote(std::move(note)), trail_);
  }

  SessionDescription& description_;
  const size_t audio_;
  const std::optional<size_t> video_;
  EditTrail& trail_;
};

}  // namespace

bool ShrinkToBudget(SessionDescription& description, size_t max_bytes, EditTrail& trail) {
  const auto audio = FindOpen(description, "audio");
  const auto fits = [&] { return Print(description).size() <= max_bytes; };
  if (!audio) return fits();
  Ladder ladder(description, *audio, trail);
  while (!fits()) {
    if (!ladder.StepDown()) return false;
  }
  return true;
}

}  // namespace lastmile::sdp
