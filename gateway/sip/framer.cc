#include "gateway/sip/framer.h"

#include <algorithm>
#include <utility>

#include "gateway/sip/codec.h"
#include "gateway/sip/precheck.h"

namespace lastmile::sip {

Result<void, Framer::FrameError> Framer::Push(ByteView bytes, Output& out) {
  if (!failed_.empty()) return std::unexpected(FrameError{failed_, {}});
  buffer_.append(AsText(bytes));
  size_t taken = 0;
  for (;;) {
    const auto step = TakeOne(std::string_view(buffer_).substr(taken), taken, out);
    if (!step) return std::unexpected(step.error());
    if (*step == Step::kNeedMore) break;
  }
  // Once a Push, not once a message: a pipeline costs time in proportion to its length.
  buffer_.erase(0, taken);
  return {};
}

Result<Framer::Step, Framer::FrameError> Framer::TakeOne(std::string_view rest, size_t& taken,
                                                         Output& out) {
  if (rest.empty()) return Step::kNeedMore;
  if (rest.front() == '\r') return TakeKeepAlive(rest, taken, out);
  half_ping_ = false;
  if (!expected_) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const size_t end = rest.substr(0, kMaxHead).find(kEnd, scanned_);
    if (end == std::string_view::npos) {
      if (rest.size() >= kMaxHead) return End("The head is larger than 16 KiB.", {});
      scanned_ = rest.size() - std::min(rest.size(), kEnd.size() - 1);
      return Step::kNeedMore;
    }
    auto head = ReadHead(rest.substr(0, end + kEnd.size()));
    if (!head) return std::unexpected(std::move(head.error()));
  }
  if (rest.size() < *expected_) return Step::kNeedMore;
  out.messages.emplace_back(rest.substr(0, *expected_));
  taken += *expected_;
  expected_.reset();
  scanned_ = 0;
  return Step::kAgain;
}

Result<Framer::Step, Framer::FrameError> Framer::TakeKeepAlive(std::string_view rest, size_t& taken,
                                                               Output& out) {
  if (rest.size() < 2) return Step::kNeedMore;
  if (rest[1] != '\n') return End("A CR without LF stands between messages.", {});
  if (half_ping_) {
    ++out.pings;
  } else {
    ++out.pongs;
  }
  half_ping_ = !half_ping_;
  taken += 2;
  return Step::kAgain;
}

Result<void, Framer::FrameError> Framer::ReadHead(std::string_view head) {
  const auto length = ReadContentLength(head.substr(0, head.size() - 4));
  if (!length) return End(length.error().message, head);
  if (!length->has_value()) return End("Content-Length is missing.", head);
  if (head.size() + **length > kMaxMessageSize) return End("The message is too large.", head);
  expected_ = head.size() + **length;
  return {};
}

std::unexpected<Framer::FrameError> Framer::End(std::string reason, std::string_view head) {
  FrameError error{std::move(reason), std::string(head)};
  failed_ = error.reason;
  buffer_.clear();
  return std::unexpected(std::move(error));
}

}  // namespace lastmile::sip
