#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

class Printer {
 public:
  void Print(const Line& line) {
    if (open_) text_ += "\r\n";
    text_ += line.type;
    text_ += '=';
    text_ += line.value;
    if (line.end == LineEnd::kCrLf) text_ += '\r';
    if (line.end != LineEnd::kNone) text_ += '\n';
    open_ = line.end == LineEnd::kNone;
  }
  void Print(const std::vector<Line>& lines) {
    for (const Line& line : lines) Print(line);
  }
  std::string Finish(const std::string& trailer) && {
    text_ += trailer;
    return std::move(text_);
  }

 private:
  std::string text_;
  bool open_ = false;  // the last line has no end yet
};

}  // namespace

std::string Print(const SessionDescription& description) {
  Printer printer;
  printer.Print(description.session);
  for (const MediaSection& section : description.media) {
    printer.Print(section.line());
    printer.Print(section.lines);
  }
  return std::move(printer).Finish(description.trailer);
}

}  // namespace lastmile::sdp
