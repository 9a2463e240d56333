#include "sdp/leg_common.h"

#include <fmt/format.h>

#include <utility>

#include "sdp/parser.h"
#include "sdp/writer.h"

namespace lastmile::sdp {

std::unexpected<Refusal> Refuse(std::string reason) {
  return std::unexpected(Refusal{.sip_status = 488, .reason = std::move(reason)});
}

std::unexpected<Refusal> RefuseAt(const Line& line, size_t offset, std::string_view reason) {
  constexpr size_t kTypeAndEquals = 2;
  return Refuse(
      fmt::format("SDP line {}, column {}: {}", line.number, kTypeAndEquals + offset + 1, reason));
}

Result<SessionDescription, Refusal> ParseOrRefuse(std::string_view text) {
  auto description = Parse(text);
  if (!description) {
    return std::unexpected(
        Refusal{.sip_status = 400, .reason = "SDP " + description.error().ToString()});
  }
  return std::move(*description);
}

const Line* FindInherited(const SessionDescription& description, const MediaSection& section,
                          std::string_view name) {
  const Line* line = FindAttribute(section.lines, name);
  return line ? line : FindAttribute(description.session, name);
}

Direction ReadDirection(const SessionDescription& description, const MediaSection& section) {
  for (const auto* lines : {&section.lines, &description.session}) {
    for (const Line& line : *lines) {
      if (auto direction = DirectionNamed(AttributeOf(line).name)) return *direction;
    }
  }
  return Direction::kSendRecv;
}

std::optional<uint16_t> ReadPacketTime(const MediaSection& section, std::string_view name) {
  const Line* line = FindAttribute(section.lines, name);
  if (!line) return std::nullopt;
  auto ptime = ParsePtime(AttributeOf(*line).value);
  return ptime ? std::optional(*ptime) : std::nullopt;
}

void AddPacketTimes(std::vector<Line>& lines, std::optional<uint16_t> ptime,
                    std::optional<uint16_t> maxptime) {
  if (ptime) AddAttribute(lines, "ptime", std::to_string(*ptime));
  if (maxptime) AddAttribute(lines, "maxptime", std::to_string(*maxptime));
}

std::vector<size_t> SectionOrder(size_t count, std::optional<size_t> in_use) {
  std::vector<size_t> order;
  if (in_use && *in_use < count) order.push_back(*in_use);
  for (size_t i = 0; i < count; ++i) {
    if (i != in_use) order.push_back(i);
  }
  return order;
}

std::optional<std::string> CheckSlotCount(size_t before, size_t now) {
  if (now >= before) return std::nullopt;
  return fmt::format(
      "the new offer has {} media sections, the session has {}: none may be left out", now, before);
}

std::optional<std::string> CheckAnswerCount(size_t offered, size_t answered) {
  if (offered == answered) return std::nullopt;
  return fmt::format("the answer has {} media sections, the offer has {}", answered, offered);
}

MediaLine RejectedMedia(const Slot& slot) {
  return {.kind = slot.kind, .port = 0, .protocol = slot.protocol, .formats = {slot.format}};
}

void Origin::Start(SessionDescription& description, const IpAddress& address) {
  connection_ = ToConnectionValue(address);
  AddLine(description.session, 'v', "0");
  AddLine(description.session, 'o', {});
  AddLine(description.session, 's', "-");
  WriteOrigin(description, version_ + 1);
}

std::string Origin::Finish(SessionDescription& description) {
  WriteOrigin(description, version_);
  std::string text = Print(description);
  if (text == last_text_) return text;
  WriteOrigin(description, ++version_);
  last_text_ = Print(description);
  return last_text_;
}

void Origin::WriteOrigin(SessionDescription& description, uint64_t version) {
  description.session[1].value = fmt::format("- {} {} {}", session_id_, version, connection_);
}

Direction AnswerDirection(Direction offered, Direction wanted) {
  const auto sends = [](Direction d) {
    return d == Direction::kSendRecv || d == Direction::kSendOnly;
  };
  const auto receives = [](Direction d) {
    return d == Direction::kSendRecv || d == Direction::kRecvOnly;
  };
  const bool send = sends(wanted) && receives(offered);
  const bool receive = receives(wanted) && sends(offered);
  if (send) return receive ? Direction::kSendRecv : Direction::kSendOnly;
  return receive ? Direction::kRecvOnly : Direction::kInactive;
}

}  // namespace lastmile::sdp
