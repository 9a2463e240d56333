#include "media_anchor/core/rtcp_feedback.h"

#include <algorithm>
#include <bit>

#include "media_anchor/core/rtcp.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kVersion2 = 0x80;
constexpr uint8_t kPaddingBit = 0x20;
constexpr uint8_t kTransportFeedback = 205;
constexpr uint8_t kPayloadFeedback = 206;
constexpr uint8_t kGenericNack = 1;       // of kTransportFeedback
constexpr uint8_t kPictureLoss = 1;       // of kPayloadFeedback
constexpr uint8_t kFullIntraRequest = 4;  // of kPayloadFeedback
constexpr size_t kHeaderSize = 12;        // with both SSRCs
constexpr size_t kFullIntraEntrySize = 8;

// `packet` is one packet, as long as its length field says.
void ParseOne(ByteView packet, uint32_t media_ssrc, Feedback& feedback) {
  if (packet.size() < kHeaderSize) return;
  size_t size = packet.size();
  if (packet[0] & kPaddingBit) {
    const uint8_t padding = packet.back();
    if (padding == 0 || padding > size - kHeaderSize) return;
    size -= padding;
  }
  const ByteView body = packet.subspan(kHeaderSize, size - kHeaderSize);
  const uint8_t format = packet[0] & 0x1f;
  const bool names_media = LoadBe32(&packet[8]) == media_ssrc;
  if (packet[1] == kTransportFeedback && format == kGenericNack && names_media) {
    for (size_t at = 0; at + 4 <= body.size() && feedback.nack_count < Feedback::kMaxNacks;
         at += 4) {
      feedback.nack_room[feedback.nack_count++] = {LoadBe16(&body[at]), LoadBe16(&body[at + 2])};
    }
  } else if (packet[1] == kPayloadFeedback && format == kPictureLoss && names_media) {
    feedback.picture_loss = true;
  } else if (packet[1] == kPayloadFeedback && format == kFullIntraRequest) {
    // The header names nobody, the entries do (RFC 5104 section 4.3.1.2).
    for (size_t at = 0; at + kFullIntraEntrySize <= body.size(); at += kFullIntraEntrySize) {
      if (LoadBe32(&body[at]) == media_ssrc) feedback.full_intra = body[at + 4];
    }
  }
}

void WriteHeader(uint8_t* out, uint8_t format, uint8_t type, size_t size, uint32_t from_ssrc,
                 uint32_t media_ssrc) {
  out[0] = kVersion2 | format;
  out[1] = type;
  StoreBe16(out + 2, static_cast<uint16_t>(size / 4 - 1));
  StoreBe32(out + 4, from_ssrc);
  StoreBe32(out + 8, media_ssrc);
}

// The same request in the numbers of the source; nothing if `media` never used any of them.
std::optional<Feedback::Nack> InNumbersOfSource(const Feedback::Nack& nack,
                                                const RelayStream& media) {
  uint32_t wanted = 0;  // bit n: first + n
  const uint32_t asked = 1 | uint32_t{nack.then} << 1;
  for (uint32_t rest = asked; rest != 0; rest &= rest - 1) {
    const int n = std::countr_zero(rest);
    const auto number = static_cast<uint16_t>(nack.first + n);
    if (media.SourceSequenceOf(number)) wanted |= uint32_t{1} << n;
  }
  if (wanted == 0) return std::nullopt;
  const int start = std::countr_zero(wanted);
  const auto first = static_cast<uint16_t>(nack.first + start);
  return Feedback::Nack{*media.SourceSequenceOf(first),
                        static_cast<uint16_t>(wanted >> start >> 1)};
}

}  // namespace

Feedback ParseFeedback(ByteView rtcp, uint32_t media_ssrc) {
  Feedback feedback;
  if (!HasSoundRtcpLengths(rtcp)) return feedback;
  for (size_t at = 0; at < rtcp.size();) {
    const size_t size = 4 * (size_t{LoadBe16(&rtcp[at + 2])} + 1);
    ParseOne(rtcp.subspan(at, size), media_ssrc, feedback);
    at += size;
  }
  return feedback;
}

size_t WriteFeedback(const Feedback& feedback, uint32_t from_ssrc, uint32_t media_ssrc,
                     MutableByteView out) {
  if (out.size() < Feedback::kMaxSize) return 0;
  size_t size = 0;
  if (feedback.picture_loss) {
    WriteHeader(&out[0], kPictureLoss, kPayloadFeedback, kHeaderSize, from_ssrc, media_ssrc);
    size += kHeaderSize;
  }
  if (feedback.full_intra) {
    WriteHeader(&out[size], kFullIntraRequest, kPayloadFeedback, kHeaderSize + kFullIntraEntrySize,
                from_ssrc, 0);
    size += kHeaderSize;
    StoreBe32(&out[size], media_ssrc);
    StoreBe32(&out[size + 4], uint32_t{*feedback.full_intra} << 24);
    size += kFullIntraEntrySize;
  }
  if (feedback.nack_count > 0) {
    WriteHeader(&out[size], kGenericNack, kTransportFeedback, kHeaderSize + 4 * feedback.nack_count,
                from_ssrc, media_ssrc);
    size += kHeaderSize;
    for (const Feedback::Nack& nack : feedback.nacks()) {
      StoreBe16(&out[size], nack.first);
      StoreBe16(&out[size + 2], nack.then);
      size += 4;
    }
  }
  return size;
}

std::optional<Feedback> FeedbackCarrier::Carry(ByteView rtcp, const RelayStream& media,
                                               TimePoint now) {
  if (!media.source_ssrc()) return std::nullopt;
  Feedback feedback = ParseFeedback(rtcp, media.ssrc());
  size_t kept = 0;
  for (const Feedback::Nack& nack : feedback.nacks()) {
    if (const auto mapped = InNumbersOfSource(nack, media)) feedback.nack_room[kept++] = *mapped;
  }
  feedback.nack_count = kept;
  if (feedback.empty() || !TakeTurn(feedback.asks_for_picture(), now)) return std::nullopt;
  if (feedback.full_intra) {
    // The numbers of one command and the next differ; the source may have heard another receiver's.
    if (full_intra_in_ != feedback.full_intra) ++full_intra_out_;
    full_intra_in_ = feedback.full_intra;
    feedback.full_intra = full_intra_out_;
  }
  return feedback;
}

bool FeedbackCarrier::TakeTurn(bool for_picture, TimePoint now) {
  credit_ = std::min<Duration>(1s, credit_ + std::min<Duration>(1s, now - credited_at_));
  credited_at_ = now;
  const Duration kept_back = for_picture ? Duration(0) : kTurn * kReservedForPictures;
  if (credit_ - kTurn < kept_back) return false;
  credit_ -= kTurn;
  return true;
}

}  // namespace lastmile::media
