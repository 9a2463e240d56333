#include "media_anchor/codec/g711_coder.h"

#include <algorithm>

#include "media_anchor/codec/concealer.h"

namespace lastmile::media {
namespace {

class G711Decoder final : public AudioDecoder {
 public:
  explicit G711Decoder(G711 law) : law_(law), concealer_(NativeRateOf(AudioCodec::kPcmu)) {}

  size_t Decode(ByteView payload, MutablePcm out) override {
    if (payload.size() > out.size()) return 0;
    std::ranges::transform(payload, out.begin(), [this](uint8_t code) {
      return static_cast<int16_t>(DecodeG711(law_, code));
    });
    concealer_.OnDecoded(out.first(payload.size()));
    return payload.size();
  }
  void Conceal(ByteView /*next*/, MutablePcm out) override { concealer_.Conceal(out); }
  void Reset() override { concealer_.Reset(); }

 private:
  const G711 law_;
  Concealer concealer_;
};

class G711Encoder final : public AudioEncoder {
 public:
  explicit G711Encoder(G711 law) : law_(law) {}

  size_t Encode(Pcm pcm, MutableByteView out) override {
    if (pcm.size() > out.size()) return 0;
    std::ranges::transform(pcm, out.begin(),
                           [this](int16_t sample) { return EncodeG711(law_, sample); });
    return pcm.size();
  }

 private:
  const G711 law_;
};

}  // namespace

std::unique_ptr<AudioDecoder> MakeG711Decoder(G711 law) {
  return std::make_unique<G711Decoder>(law);
}

std::unique_ptr<AudioEncoder> MakeG711Encoder(G711 law) {
  return std::make_unique<G711Encoder>(law);
}

}  // namespace lastmile::media
