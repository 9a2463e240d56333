#include "sdp/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lastmile::sdp {

Attribute AttributeOf(const Line& line) {
  if (line.type != 'a') return {};
  const std::string_view text = line.value;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {.name = text, .value = {}};
  return {.name = text.substr(0, colon), .value = text.substr(colon + 1), .has_value = true};
}

bool IsAboutFormat(const Attribute& attribute) {
  return attribute.name == "rtpmap" || attribute.name == "fmtp" || attribute.name == "rtcp-fb";
}

const Line* FindAttribute(const std::vector<Line>& lines, std::string_view name) {
  auto it = std::ranges::find_if(lines, [&](const Line& l) { return AttributeOf(l).name == name; });
  return it == lines.end() ? nullptr : &*it;
}

const Line* FindLine(const std::vector<Line>& lines, char type) {
  auto it = std::ranges::find(lines, type, &Line::type);
  return it == lines.end() ? nullptr : &*it;
}

void AddLine(std::vector<Line>& lines, char type, std::string value) {
  lines.push_back(Line{.type = type, .value = std::move(value)});
}

void AddAttribute(std::vector<Line>& lines, std::string_view name, std::string_view value) {
  AddLine(lines, 'a', value.empty() ? std::string(name) : fmt::format("{}:{}", name, value));
}

std::string ToValue(const MediaLine& media) {
  std::string text = fmt::format("{} {}", media.kind, media.port);
  if (media.port_count != 1) text += fmt::format("/{}", media.port_count);
  text += ' ';
  text += media.protocol;
  for (const std::string& format : media.formats) {
    text += ' ';
    text += format;
  }
  return text;
}

MediaSection::MediaSection(MediaLine media) : media_(std::move(media)) {
  line_.type = 'm';
  line_.value = ToValue(media_);
}

MediaSection::MediaSection(Line line, MediaLine media)
    : line_(std::move(line)), media_(std::move(media)) {}

void MediaSection::SetMedia(MediaLine media, uint32_t note) {
  media_ = std::move(media);
  line_.note = note;
  line_.value = ToValue(media_);
}

}  // namespace lastmile::sdp
