#ifndef LASTMILE_SDP_LEG_COMMON_H_
#define LASTMILE_SDP_LEG_COMMON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "sdp/leg_snapshot.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"

// What browser legs and trunk legs share. Internal to sdp/. Pure.
namespace lastmile::sdp {

std::unexpected<Refusal> Refuse(std::string reason);
// `offset` counts from the start of the line's value; the reason gets line and column in front.
std::unexpected<Refusal> RefuseAt(const Line& line, size_t offset, std::string_view reason);

Result<SessionDescription, Refusal> ParseOrRefuse(std::string_view text);

// An attribute that may stand in a media section or, for all of them, at session level (RFC 8866
// section 6: the closer one counts). nullptr: in neither.
const Line* FindInherited(const SessionDescription& description, const MediaSection& section,
                          std::string_view name);
Direction ReadDirection(const SessionDescription& description, const MediaSection& section);
// a=ptime or a=maxptime; a bad one counts as none.
std::optional<uint16_t> ReadPacketTime(const MediaSection& section, std::string_view name);
void AddPacketTimes(std::vector<Line>& lines, std::optional<uint16_t> ptime,
                    std::optional<uint16_t> maxptime);

// The sections of a description in the order they are looked at: the one in use stays the one in
// use as long as it can.
std::vector<size_t> SectionOrder(size_t count, std::optional<size_t> in_use);

// Early feedback, a=rtcp-fb, is part of the protocol (RFC 4585 section 8, RFC 5124 section 4).
inline bool HasFeedback(std::string_view protocol) { return protocol.ends_with('F'); }

// RFC 3264 section 8: a new offer never has fewer m-lines than the session. A message, or none.
std::optional<std::string> CheckSlotCount(size_t before, size_t now);
// RFC 3264 section 6: an answer has the m-lines of the offer. A message, or none.
std::optional<std::string> CheckAnswerCount(size_t offered, size_t answered);
MediaLine RejectedMedia(const Slot& slot);  // port 0 (RFC 3264 section 6)

// The o= line of one leg (RFC 3264 sections 5 and 8): one id, and a version that rises by one
// whenever the text differs from the last one said.
class Origin {
 public:
  explicit Origin(uint64_t session_id) : session_id_(session_id) {}
  explicit Origin(OriginSnapshot snapshot)
      : session_id_(snapshot.session_id),
        version_(snapshot.version),
        last_text_(std::move(snapshot.last_text)) {}
  OriginSnapshot Snapshot() const {
    return {.session_id = session_id_, .version = version_, .last_text = last_text_};
  }

  // Puts v=, o=, s= into the empty session level of `description`. The version is the next one, so
  // that no text gets longer by Finish.
  void Start(SessionDescription& description, const IpAddress& address);
  // The text of a description begun with Start, with its version set.
  std::string Finish(SessionDescription& description);

 private:
  void WriteOrigin(SessionDescription& description, uint64_t version);

  uint64_t session_id_;
  uint64_t version_ = 0;    // of the last text
  std::string connection_;  // "IN IP4 192.0.2.1" of the o= line being built
  std::string last_text_;
};

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_LEG_COMMON_H_
