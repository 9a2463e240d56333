#ifndef LASTMILE_DEMO_CARRIER_SDP_ANSWER_H_
#define LASTMILE_DEMO_CARRIER_SDP_ANSWER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "demo_carrier/g711.h"

// As much of SDP (RFC 8866) and offer/answer (RFC 3264) as a carrier of plain G.711 needs. Pure;
// thread: any.
namespace lastmile::demo_carrier {

// What the other side wants of the first usable audio stream.
struct RemoteAudio {
  Endpoint rtp;
  Codec codec = Codec::kPcmu;
  uint8_t payload_type = 0;
  std::optional<uint8_t> event_type;  // telephone-event/8000
  bool sends = true;                  // it sends to us
  bool receives = true;               // it wants to hear us
};

struct RemoteSdp {
  struct MediaLine {
    std::string media;
    std::string transport;
    std::string first_format;
  };
  std::vector<MediaLine> lines;  // all of them, in order: an answer has as many
  size_t audio_line = 0;
  RemoteAudio audio;
};

// Errors say in a sentence what is missing; bounded: 16 KiB, 512 lines, 8 media lines.
Result<RemoteSdp> ReadSdp(std::string_view text);

// Who we are in an SDP: `version` rises with every one we send in a dialog.
struct LocalAudio {
  Endpoint rtp;
  uint64_t session = 0;
  uint64_t version = 0;
};
std::string BuildAnswer(const RemoteSdp& offer, const LocalAudio& local);
std::string BuildOffer(const LocalAudio& local);

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_SDP_ANSWER_H_
