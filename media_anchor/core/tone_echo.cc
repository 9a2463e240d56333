#include "media_anchor/core/tone_echo.h"

#include <cmath>
#include <numbers>

#include "media_anchor/core/g711.h"

namespace lastmile::media {
namespace {

constexpr size_t kFewestSamples = 80;  // too few tell no frequency

struct Measured {
  double tone = 0;  // power of the tone, of 0 dBm0
  double all = 0;   // power of everything
};

Measured Measure(ByteView payload, G711 law) {
  double in_phase = 0, across = 0, squares = 0;
  for (size_t i = 0; i < payload.size(); ++i) {
    const double sample = DecodeG711(law, payload[i]) / kPeakOfZeroDbm0;
    const double angle = 2 * std::numbers::pi * ToneEcho::kHz * static_cast<double>(i) / kG711Rate;
    in_phase += sample * std::cos(angle);
    across += sample * std::sin(angle);
    squares += sample * sample;
  }
  const auto count = static_cast<double>(payload.size());
  const double peak = 2 * std::hypot(in_phase, across) / count;
  return {.tone = peak * peak, .all = 2 * squares / count};
}

}  // namespace

ToneEcho::ToneEcho(G711 law, uint8_t payload_type, RandomSource& random) : law_(law) {
  next_ = {.marker = true,
           .payload_type = payload_type,
           .sequence = static_cast<uint16_t>(random.Next64()),
           .timestamp = static_cast<uint32_t>(random.Next64()),
           .ssrc = static_cast<uint32_t>(random.Next64())};
}

MutableByteView ToneEcho::NextPacket(MutableByteView room) {
  FillTone({kHz, kLevel}, law_, first_sample_, room.subspan(RtpHeader::kSize, kSamples));
  const MutableByteView packet = WriteRtp(next_, room, kSamples);
  next_.marker = false;
  ++next_.sequence;
  next_.timestamp += kSamples;
  first_sample_ += kSamples;
  ++report_.sent;
  return packet;
}

void ToneEcho::OnPacket(MutableByteView packet) {
  const auto view = RtpView::Parse(packet);
  if (!view || view->header().payload_type != next_.payload_type) return;
  ++report_.received;
  if (view->payload().size() < kFewestSamples) return;
  const Measured measured = Measure(view->payload(), law_);
  if (measured.tone < std::pow(10, kQuietest / 10)) return;
  if (measured.tone < kLeastShare * measured.all) return;
  ++report_.heard;
  power_heard_ += measured.tone;
}

ToneEchoReport ToneEcho::report() const {
  ToneEchoReport report = report_;
  if (report.heard > 0) {
    report.level = 10 * std::log10(power_heard_ / static_cast<double>(report.heard));
  }
  return report;
}

}  // namespace lastmile::media
