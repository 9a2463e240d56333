#include "tests/support/rtcp_packets.h"

namespace lastmile::test {
namespace {

void Word(Bytes& out, uint32_t value) {
  out.resize(out.size() + 4);
  StoreBe32(&out[out.size() - 4], value);
}

Bytes Start(uint32_t format, uint32_t type, uint32_t words, uint32_t from, uint32_t media) {
  Bytes out;
  Word(out, 0x80000000 | format << 24 | type << 16 | (words - 1));
  Word(out, from);
  Word(out, media);
  return out;
}

}  // namespace

Bytes PictureLoss(uint32_t from, uint32_t media) { return Start(1, 206, 3, from, media); }

Bytes FullIntraRequest(uint32_t from, uint32_t media, uint8_t number) {
  Bytes out = Start(4, 206, 5, from, 0);
  Word(out, media);
  Word(out, uint32_t{number} << 24);
  return out;
}

Bytes Nack(uint32_t from, uint32_t media, const std::vector<media::Feedback::Nack>& nacks) {
  Bytes out = Start(1, 205, 3 + static_cast<uint32_t>(nacks.size()), from, media);
  for (const auto& nack : nacks) Word(out, uint32_t{nack.first} << 16 | nack.then);
  return out;
}

Bytes ReceiverReport(const std::vector<std::pair<uint32_t, media::ReportBlock>>& blocks) {
  const auto count = static_cast<uint32_t>(blocks.size());
  Bytes out;
  Word(out, 0x80000000 | count << 24 | 201 << 16 | (1 + 6 * count));
  Word(out, blocks.front().second.reporter);
  for (const auto& [about, block] : blocks) {
    Word(out, about);
    Word(out, static_cast<uint32_t>(block.lost) & 0xffffff);
    Word(out, block.highest);
    Word(out, block.jitter);
    Word(out, block.last_sr);
    Word(out, block.since_sr);
  }
  return out;
}

Bytes Compound(const std::vector<Bytes>& packets) {
  Bytes out = {0x80, 201, 0, 1, 0, 0, 0, 9};
  for (const Bytes& packet : packets) out.insert(out.end(), packet.begin(), packet.end());
  return out;
}

}  // namespace lastmile::test
