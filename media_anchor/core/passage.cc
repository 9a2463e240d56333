#include "media_anchor/core/passage.h"

#include <algorithm>
#include <utility>

namespace lastmile::media {
namespace {

constexpr uint8_t kComfortNoise = 13;  // RFC 3551 section 6

}  // namespace

RelayStream::Types Passage::TypesOf(const PayloadMapping& mapping) const {
  const uint32_t trunk_clock =
      mapping.trunk_clock_rate == 0 ? mapping.clock_rate : mapping.trunk_clock_rate;
  if (way_ == Way::kToBrowser) {
    return {mapping.trunk_pt_in, mapping.browser_pt, trunk_clock, mapping.clock_rate};
  }
  return {mapping.browser_pt_in.value_or(mapping.browser_pt), mapping.trunk_pt, mapping.clock_rate,
          trunk_clock};
}

void Passage::SetPayloads(std::span<const PayloadMapping> mappings) {
  ClearPayloads();
  plans_.clear();
  for (const PayloadMapping& mapping : mappings) {
    if (mapping.video != video_) continue;
    if (mapping.recoding) {
      AddPlan(TypesOf(mapping), *mapping.recoding);
    } else {
      MapPayload(TypesOf(mapping), mapping);
    }
  }
  if (!plans_.empty()) AddEvents(mappings);
  if (transcoder_ && std::ranges::find(plans_, transcoder_->plan()) == plans_.end())
    transcoder_.reset();
}

void Passage::AddPlan(const RelayStream::Types& types, const Recoding& recoding) {
  if (ClockOf(types.in) != 0) return;
  const bool to_trunk = way_ == Way::kToTrunk;
  TranscoderPlan plan{
      .in = {to_trunk ? recoding.browser : recoding.trunk, types.in},
      .out = {to_trunk ? recoding.trunk : recoding.browser, types.out},
      .ptime = to_trunk ? recoding.trunk_ptime : recoding.browser_ptime,
  };
  if (plan.in.codec != AudioCodec::kOpus) plan.noise_in = kComfortNoise;
  MapRecoded(types.out, RtpClockOf(plan.out.codec), plan.out.codec);
  plans_.push_back(plan);
}

// A digit goes past the codecs in the transcoder's numbers: of one type, as who sends uses one.
void Passage::AddEvents(std::span<const PayloadMapping> mappings) {
  const auto mapping = std::ranges::find_if(mappings, [&](const PayloadMapping& candidate) {
    return candidate.telephone_event && TypesOf(candidate).in < kNoPayloadType;
  });
  if (mapping == mappings.end()) return;
  const RelayStream::Types types = TypesOf(*mapping);
  EventTypes events{.in = types.in, .in_clock = types.in_clock_rate};
  if (types.out < kNoPayloadType) {
    events.out = types.out;
    events.out_clock = types.out_clock_rate;
    MapRecoded(types.out, types.out_clock_rate, std::nullopt);
  }
  for (TranscoderPlan& plan : plans_) plan.events = events;
}

const TranscoderPlan* Passage::PlanFor(uint8_t in) const {
  const auto plan = std::ranges::find_if(
      plans_, [&](const TranscoderPlan& candidate) { return candidate.in.payload_type == in; });
  return plan == plans_.end() ? nullptr : &*plan;
}

uint32_t Passage::ClockOf(uint8_t in) const {
  const TranscoderPlan* const plan = PlanFor(in);
  return plan == nullptr ? ClockRateOf(in) : RtpClockOf(plan->in.codec);
}

// What comes now is of that plan; null: it is relayed. False: it is dropped.
bool Passage::Follow(const TranscoderPlan* plan, TimePoint now) {
  const bool same = transcoder_ ? plan != nullptr && transcoder_->plan() == *plan : plan == nullptr;
  if (same) return true;
  if (followed_at_ && now - *followed_at_ < kCodecPause) return false;
  followed_at_ = now;
  transcoder_.reset();
  if (plan == nullptr) return true;
  auto made = Transcoder::Create(*plan, {.ssrc = ++transcoders_});
  if (!made) return false;
  transcoder_ = *std::move(made);
  return true;
}

Passage::Outcome Passage::Take(const RtpView& packet, TimePoint now) {
  const uint8_t type = packet.header().payload_type;
  const uint32_t clock_rate = ClockOf(type);
  if (clock_rate != 0 && !pace_.Take(packet.header(), clock_rate, now)) return {.too_fast = true};
  const TranscoderPlan* const plan = PlanFor(type);
  const bool accompanies = plan == nullptr && (IsEvent(type) || ClockRateOf(type) == 0);
  if (!accompanies && !Follow(plan, now)) return {};
  if (!transcoder_) return {.packet = Forward(packet, now)};
  const uint64_t refused = transcoder_->stats().refused;
  const auto at_once =
      transcoder_->OnPacket(packet.header(), packet.payload(), now, packet.bytes());
  if (!at_once) {
    const bool waits = transcoder_->stats().refused == refused;
    decoded_ += waits;
    return {.packet = {}, .waits = waits};
  }
  const auto view = RtpView::Parse(at_once->bytes);
  return {.packet = view ? ForwardRecoded(*view, now) : std::nullopt};
}

std::optional<RelayStream::Forwarded> Passage::Pop(TimePoint now, MutableByteView room) {
  while (next() <= now) {
    const auto packet = transcoder_->Pop(now, room);
    if (!packet) return std::nullopt;
    const auto view = RtpView::Parse(packet->bytes);
    if (auto forwarded = view ? ForwardRecoded(*view, now) : std::nullopt) return forwarded;
  }
  return std::nullopt;
}

std::optional<uint8_t> Passage::TakeDigit() {
  if (auto heard = TakeHeard()) return heard;
  return transcoder_ ? transcoder_->TakeHeard() : std::nullopt;
}

}  // namespace lastmile::media
