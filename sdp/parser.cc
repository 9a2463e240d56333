#include "sdp/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kCr = "\r";

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<SessionDescription, ParseError> Run() {
    if (text_.size() > kMaxTextBytes) {
      return Stop(0, fmt::format("the description has {} bytes, more than the {} that are read",
                                 text_.size(), kMaxTextBytes));
    }
    while (!text_.empty()) {
      if (AtTrailer()) {
        description_.trailer = text_;
        break;
      }
      if (!TakeLine()) return std::unexpected(std::move(error_));
    }
    if (line_number_ == 1) return Stop(0, "the description is empty");
    return std::move(description_);
  }

 private:
  std::unexpected<ParseError> Stop(size_t column, std::string message) {
    Fail(column, std::move(message));
    return std::unexpected(std::move(error_));
  }
  bool Fail(size_t offset, std::string message) {
    error_ = {line_number_, static_cast<uint32_t>(offset + 1), std::move(message)};
    return false;
  }

  // Only line ends are left, and the next line is an empty one.
  bool AtTrailer() const {
    if (text_[0] != '\n' && text_[0] != '\r') return false;
    return line_number_ > 1 && text_.find_first_not_of("\r\n") == std::string_view::npos;
  }

  bool TakeLine() {
    const size_t newline = text_.find('\n');
    std::string_view raw = text_.substr(0, newline);
    Line line;
    line.number = line_number_;
    line.end = LineEnd::kNone;
    if (newline != std::string_view::npos) {
      line.end = raw.ends_with(kCr) ? LineEnd::kCrLf : LineEnd::kLf;
      if (line.end == LineEnd::kCrLf) raw.remove_suffix(1);
    }
    if (!CheckShape(raw)) return false;
    line.type = raw[0];
    line.value = raw.substr(2);
    if (!Place(std::move(line))) return false;
    text_.remove_prefix(newline == std::string_view::npos ? text_.size() : newline + 1);
    ++line_number_;
    return true;
  }

  bool CheckShape(std::string_view raw) {
    if (raw.size() > kMaxLineBytes) {
      return Fail(kMaxLineBytes, fmt::format("the line is longer than {} bytes", kMaxLineBytes));
    }
    if (line_number_ > kMaxLines) return Fail(0, fmt::format("more than {} lines", kMaxLines));
    if (raw.empty()) return Fail(0, "an empty line inside the description");
    const bool letter = (raw[0] >= 'a' && raw[0] <= 'z') || (raw[0] >= 'A' && raw[0] <= 'Z');
    if (!letter) return Fail(0, "a line has to start with a letter and \"=\"");
    if (raw.size() < 2 || raw[1] != '=') return Fail(1, "\"=\" is missing after the line's letter");
    // Twice memchr: find_first_of is a call for each byte, and was half of the parser's time.
    const size_t bad = std::min(raw.find('\r'), raw.find('\0'));
    if (bad != std::string_view::npos) {
      return Fail(bad, raw[bad] == '\r' ? "a carriage return without a line feed" : "a NUL byte");
    }
    if (line_number_ == 1 && raw != "v=0") {
      return Fail(0, "a description starts with the line \"v=0\"");
    }
    return true;
  }

  bool Place(Line line) {
    if (line.type == 'm') return TakeMedia(std::move(line));
    if (line.type == 'a' && ++attributes_ > kMaxAttributes) {
      return Fail(0, fmt::format("more than {} attributes", kMaxAttributes));
    }
    if (line.type == 'v' && line_number_ > 1) return Fail(0, "a second \"v=\" line");
    auto& lines =
        description_.media.empty() ? description_.session : description_.media.back().lines;
    lines.push_back(std::move(line));
    return true;
  }

  bool TakeMedia(Line line) {
    if (description_.media.size() == kMaxMediaSections) {
      return Fail(0, fmt::format("more than {} media sections", kMaxMediaSections));
    }
    MediaLine media;
    if (!ReadMedia(line.value, media)) return false;
    description_.media.emplace_back(std::move(line), std::move(media));
    return true;
  }

  // RFC 8866: media SP port ["/" integer] SP proto 1*(SP fmt)
  bool ReadMedia(std::string_view value, MediaLine& media) {
    constexpr size_t kAfterEquals = 2;
    Scanner scanner(value);
    const std::string_view kind = scanner.Word();
    if (!CheckWord(kind, kAfterEquals + scanner.start(), "the media type", "")) return false;
    const std::string_view port = scanner.Word();
    if (!ReadPort(port, media)) {
      return Fail(kAfterEquals + scanner.start(), "the port of the m= line is not a port number");
    }
    const std::string_view protocol = scanner.Word();
    if (!CheckWord(protocol, kAfterEquals + scanner.start(), "the protocol", "/")) return false;
    media.kind = kind;
    media.protocol = protocol;
    do {
      const std::string_view format = scanner.Word();
      if (!CheckWord(format, kAfterEquals + scanner.start(), "the format list", "")) return false;
      media.formats.emplace_back(format);
    } while (!scanner.done());
    return true;
  }

  static bool ReadPort(std::string_view text, MediaLine& media) {
    const size_t slash = text.find('/');
    const auto port = ToNumber(text.substr(0, slash), 65535);
    if (!port) return false;
    media.port = static_cast<uint16_t>(*port);
    if (slash == std::string_view::npos) return true;
    const auto count = ToNumber(text.substr(slash + 1), 65535);
    if (!count || *count == 0) return false;
    media.port_count = static_cast<uint32_t>(*count);
    return true;
  }

  // A word of an m= line: token characters and those of `also`.
  bool CheckWord(std::string_view word, size_t offset, std::string_view what,
                 std::string_view also) {
    if (word.empty()) return Fail(offset, fmt::format("{} of the m= line is missing", what));
    for (size_t i = 0; i < word.size(); ++i) {
      if (IsTokenChar(word[i]) || also.find(word[i]) != std::string_view::npos) continue;
      return Fail(offset + i, fmt::format("the byte 0x{:02X} is not allowed in {} of the m= line",
                                          static_cast<unsigned char>(word[i]), what));
    }
    return true;
  }

  std::string_view text_;  // what is left
  uint32_t line_number_ = 1;
  size_t attributes_ = 0;
  SessionDescription description_;
  ParseError error_;
};

}  // namespace

std::string ParseError::ToString() const {
  return fmt::format("line {}, column {}: {}", line, column, message);
}

Result<SessionDescription, ParseError> Parse(std::string_view text) { return Parser(text).Run(); }

}  // namespace lastmile::sdp
