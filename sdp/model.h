#ifndef LASTMILE_SDP_MODEL_H_
#define LASTMILE_SDP_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A session description (RFC 8866) as a tree that forgets nothing: session lines, media sections,
// every line at its level and in its place, unknown ones too. What was parsed prints as the same
// bytes. Pure values. Thread: any.
namespace lastmile::sdp {

enum class LineEnd : uint8_t { kCrLf, kLf, kNone };

// One line "<type>=<value>".
struct Line {
  char type = 'a';
  std::string value;
  LineEnd end = LineEnd::kCrLf;
  uint32_t number = 0;  // 1-based in the text it was parsed from; 0: not from a text
  uint32_t note = 0;    // of the EditTrail: why a pass wrote this line; 0: no pass did

  bool operator==(const Line&) const = default;
};

// "<name>" or "<name>:<value>" of an a= line (RFC 8866 section 5.13). Views into the line.
struct Attribute {
  std::string_view name;
  std::string_view value;
  bool has_value = false;  // tells "a=x:" from "a=x"
};
Attribute AttributeOf(const Line& line);  // empty name: not an a= line

// a=rtpmap, a=fmtp, a=rtcp-fb: their value starts with a format of the m= line.
bool IsAboutFormat(const Attribute& attribute);

// The first attribute of that name; nullptr: none. Attribute names are case-sensitive.
const Line* FindAttribute(const std::vector<Line>& lines, std::string_view name);
// The first line of that type; nullptr: none.
const Line* FindLine(const std::vector<Line>& lines, char type);
void AddLine(std::vector<Line>& lines, char type, std::string value);
void AddAttribute(std::vector<Line>& lines, std::string_view name, std::string_view value = {});

// The value of an m= line (RFC 8866 section 5.14).
struct MediaLine {
  std::string kind;   // "audio"
  uint16_t port = 0;  // 0: rejected or, with a=bundle-only, without a transport of its own
  uint32_t port_count = 1;
  std::string protocol;  // "UDP/TLS/RTP/SAVPF"
  std::vector<std::string> formats;

  bool operator==(const MediaLine&) const = default;
};
std::string ToValue(const MediaLine& media);

// A media section: its m= line and the lines below it.
class MediaSection {
 public:
  explicit MediaSection(MediaLine media);
  // From a text: `line` is what was read as `media`.
  MediaSection(Line line, MediaLine media);

  const MediaLine& media() const { return media_; }
  const Line& line() const { return line_; }
  // Keeps the line's place and end. `note` as in Line.
  void SetMedia(MediaLine media, uint32_t note = 0);

  std::vector<Line> lines;

  bool operator==(const MediaSection&) const = default;

 private:
  Line line_;
  MediaLine media_;
};

struct SessionDescription {
  std::vector<Line> session;  // up to the first m= line
  std::vector<MediaSection> media;
  std::string trailer;  // empty lines after the last line, as they came

  bool operator==(const SessionDescription&) const = default;
};

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_MODEL_H_
