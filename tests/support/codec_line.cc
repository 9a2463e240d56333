#include "tests/support/codec_line.h"

#include <utility>

namespace lastmile::media::test {

std::string NameOf(AudioCodec codec) {
  switch (codec) {
    case AudioCodec::kOpus:
      return "opus";
    case AudioCodec::kG722:
      return "g722";
    case AudioCodec::kPcmu:
      return "pcmu";
    case AudioCodec::kPcma:
      return "pcma";
  }
  return "";
}

uint8_t TypeOf(AudioCodec codec) {
  switch (codec) {
    case AudioCodec::kOpus:
      return 111;
    case AudioCodec::kG722:
      return 9;
    case AudioCodec::kPcmu:
      return 0;
    case AudioCodec::kPcma:
      return 8;
  }
  return 127;
}

TranscoderPlan PlanOf(AudioCodec in, AudioCodec out, Duration ptime) {
  return {.in = {in, TypeOf(in)}, .out = {out, TypeOf(out)}, .ptime = ptime};
}

std::vector<Bytes> EncodeAll(AudioCodec codec, const Samples& source, Duration ptime) {
  const uint32_t rate = NativeRateOf(codec);
  const auto encoder = AudioEncoder::Create(codec, rate);
  const Samples samples = AtRate(source, rate);
  const size_t frame = SamplesOf(ptime, rate);
  std::vector<Bytes> payloads;
  Bytes room(AudioEncoder::kMaxSize);
  for (size_t at = 0; at + frame <= samples.size(); at += frame) {
    const size_t size = encoder->Encode(Pcm(samples).subspan(at, frame), room);
    payloads.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
  }
  return payloads;
}

Samples DecodeAll(AudioCodec codec, const std::vector<Bytes>& payloads, uint32_t rate) {
  const auto decoder = AudioDecoder::Create(codec, rate);
  Samples samples;
  Samples room(SamplesOf(kLongestPacket, rate));
  for (const Bytes& payload : payloads) {
    const size_t size = decoder->Decode(payload, room);
    samples.insert(samples.end(), room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
  }
  return samples;
}

std::vector<LinePacket> Packetize(AudioCodec codec, const Samples& source, const Sender& sender) {
  std::vector<LinePacket> packets;
  RtpHeader header{.marker = true,
                   .payload_type = TypeOf(codec),
                   .sequence = sender.first_sequence,
                   .timestamp = sender.first_timestamp,
                   .ssrc = sender.ssrc};
  TimePoint at = sender.start;
  for (Bytes& payload : EncodeAll(codec, source, sender.ptime)) {
    packets.push_back({header, std::move(payload), at});
    header.marker = false;
    ++header.sequence;
    header.timestamp += static_cast<uint32_t>(SamplesOf(sender.ptime, RtpClockOf(codec)));
    at += sender.ptime;
  }
  return packets;
}

std::vector<LinePacket> Run(Transcoder& transcoder, std::vector<LinePacket> packets,
                            Duration tail) {
  std::ranges::stable_sort(packets, {}, &LinePacket::at);
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  std::vector<LinePacket> left;
  const auto keep = [&](const Transcoder::Packet& packet, TimePoint now) {
    const auto payload = packet.bytes.subspan(RtpHeader::kSize);
    left.push_back({packet.header, Bytes(payload.begin(), payload.end()), now});
  };
  const auto drain = [&](TimePoint until) {
    while (transcoder.next() < until) {
      const TimePoint now = transcoder.next();
      while (const auto packet = transcoder.Pop(now, room)) keep(*packet, now);
    }
  };
  for (const LinePacket& packet : packets) {
    drain(packet.at);
    const auto passed = transcoder.OnPacket(packet.header, packet.payload, packet.at, room);
    if (passed) keep(*passed, packet.at);
  }
  if (!packets.empty()) drain(packets.back().at + tail);
  return left;
}

std::vector<Bytes> PayloadsOf(const std::vector<LinePacket>& packets) {
  std::vector<Bytes> payloads;
  for (const LinePacket& packet : packets) payloads.push_back(packet.payload);
  return payloads;
}

Samples Hear(AudioCodec codec, const std::vector<LinePacket>& packets, uint32_t rate) {
  std::vector<Bytes> payloads;
  for (const LinePacket& packet : packets) {
    if (packet.header.payload_type == TypeOf(codec)) payloads.push_back(packet.payload);
  }
  return DecodeAll(codec, payloads, rate);
}

}  // namespace lastmile::media::test
