#include "ws/frame.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "ws/utf8.h"

namespace lastmile::ws {
namespace {

constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kReserved = 0x70;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;

bool IsKnown(uint8_t opcode) { return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xa); }

uint64_t LoadBe64(const uint8_t* p) { return uint64_t{LoadBe32(p)} << 32 | LoadBe32(p + 4); }

}  // namespace

std::string BuildFrame(Opcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame.push_back(static_cast<char>(kFinal | static_cast<uint8_t>(opcode)));
  if (payload.size() < kLength16) {
    frame.push_back(static_cast<char>(payload.size()));
  } else if (payload.size() <= 0xffff) {
    frame.push_back(static_cast<char>(kLength16));
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back(static_cast<char>(kLength64));
    for (int shift = 56; shift >= 0; shift -= 8) {
      frame.push_back(static_cast<char>(uint64_t{payload.size()} >> shift));
    }
  }
  frame.append(payload);
  return frame;
}

std::string BuildCloseFrame(uint16_t code, std::string_view reason) {
  if (!IsWireCloseCode(code)) return BuildFrame(Opcode::kClose, {});
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code)};
  reason = reason.substr(0, kMaxControlPayload - payload.size());
  while (!IsUtf8(reason)) reason.remove_suffix(1);
  payload.append(reason);
  return BuildFrame(Opcode::kClose, payload);
}

bool IsWireCloseCode(uint16_t code) {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code != 1004 && code != kCloseNoStatus &&
         code != kCloseAbnormal;
}

size_t MessageReader::extended_length_bytes() const {
  if (short_length() == kLength16) return 2;
  return short_length() == kLength64 ? 8 : 0;
}

void MessageReader::Read(char* bytes, size_t size, std::vector<Item>& out) {
  while (size > 0 && !ended_) {
    if (!in_payload_ && !TakeHeader(bytes, size, out)) return;
    TakePayload(bytes, size);
    if (payload_left_ == 0) OnFrameComplete(out);
  }
}

// True: the header is complete and good. False: more bytes are needed or a rule is broken.
bool MessageReader::TakeHeader(char*& at, size_t& left, std::vector<Item>& out) {
  while (left > 0) {
    header_[header_filled_++] = static_cast<uint8_t>(*at++);
    --left;
    Fault wrong;
    if (header_filled_ == 1) {
      wrong = CheckFirstByte();
    } else if (header_filled_ == 2) {
      wrong = CheckLength();
    } else if (header_filled_ == 2 + extended_length_bytes() + mask_.size()) {
      wrong = OnHeaderComplete();
      if (!wrong) return true;
    }
    if (wrong) {
      Fail(*wrong, out);
      return false;
    }
  }
  return false;
}

MessageReader::Fault MessageReader::CheckFirstByte() const {
  const uint8_t opcode = header_[0] & 0x0f;
  const bool final = (header_[0] & kFinal) != 0;
  if ((header_[0] & kReserved) != 0) return Violation{kCloseProtocolError, "reserved bit set"};
  if (!IsKnown(opcode)) return Violation{kCloseProtocolError, "unknown opcode"};
  if (opcode >= 0x8) {
    if (!final) return Violation{kCloseProtocolError, "fragmented control frame"};
    return std::nullopt;
  }
  const bool continuation = opcode == static_cast<uint8_t>(Opcode::kContinuation);
  if (continuation && !in_message_) return Violation{kCloseProtocolError, "nothing to continue"};
  if (!continuation && in_message_)
    return Violation{kCloseProtocolError, "message inside a message"};
  if (continuation && fragments_ >= kMaxFragments)
    return Violation{kCloseTooBig, "too many fragments"};
  return std::nullopt;
}

MessageReader::Fault MessageReader::CheckLength() const {
  if ((header_[1] & kMasked) == 0) return Violation{kCloseProtocolError, "frame not masked"};
  if ((header_[0] & 0x8) != 0 && short_length() > kMaxControlPayload) {
    return Violation{kCloseProtocolError, "control frame too long"};
  }
  return std::nullopt;
}

MessageReader::Fault MessageReader::OnHeaderComplete() {
  opcode_ = header_[0] & 0x0f;
  final_ = (header_[0] & kFinal) != 0;
  const size_t extended = extended_length_bytes();
  payload_left_ = short_length();
  if (extended == 2) payload_left_ = LoadBe16(&header_[2]);
  if (extended == 8) payload_left_ = LoadBe64(&header_[2]);
  if ((extended == 2 && payload_left_ < kLength16) || (extended == 8 && payload_left_ <= 0xffff) ||
      payload_left_ > uint64_t{INT64_MAX}) {
    return Violation{kCloseProtocolError, "length not in its shortest form"};
  }
  if (!control() && payload_left_ > max_message_ - message_.size()) {
    return Violation{kCloseTooBig, "message too big"};
  }
  std::copy_n(header_.begin() + 2 + static_cast<ptrdiff_t>(extended), mask_.size(), mask_.begin());
  mask_at_ = 0;
  in_payload_ = true;
  if (control()) {
    control_.clear();
  } else {
    if (!in_message_) text_ = opcode_ == static_cast<uint8_t>(Opcode::kText);
    in_message_ = true;
    ++fragments_;
  }
  return std::nullopt;
}

void MessageReader::TakePayload(char*& at, size_t& left) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(left, payload_left_));
  for (size_t i = 0; i < count; ++i) {
    at[i] = static_cast<char>(static_cast<uint8_t>(at[i]) ^ mask_[(mask_at_ + i) & 3]);
  }
  mask_at_ = (mask_at_ + count) & 3;
  (control() ? control_ : message_).append(at, count);
  at += count;
  left -= count;
  payload_left_ -= count;
}

void MessageReader::OnFrameComplete(std::vector<Item>& out) {
  in_payload_ = false;
  header_filled_ = 0;
  if (control()) return OnControlFrame(out);
  if (!final_) return;
  if (text_ && !IsUtf8(message_)) {
    return Fail({kCloseBadData, "text is not UTF-8"}, out);
  }
  out.push_back(Data{std::exchange(message_, {})});
  in_message_ = false;
  fragments_ = 0;
}

void MessageReader::OnControlFrame(std::vector<Item>& out) {
  switch (static_cast<Opcode>(opcode_)) {
    case Opcode::kPing:
      out.push_back(Ping{std::exchange(control_, {})});
      break;
    case Opcode::kPong:
      out.push_back(Pong{});
      break;
    case Opcode::kClose:
      OnPeerClose(out);
      break;
    case Opcode::kContinuation:
    case Opcode::kText:
    case Opcode::kBinary:
      break;
  }
}

void MessageReader::OnPeerClose(std::vector<Item>& out) {
  if (control_.size() == 1) return Fail({kCloseProtocolError, "close code cut off"}, out);
  PeerClose close;
  if (control_.size() >= 2) {
    close.code = LoadBe16(reinterpret_cast<const uint8_t*>(control_.data()));
    if (!IsWireCloseCode(close.code)) {
      return Fail({kCloseProtocolError, "close code not allowed"}, out);
    }
    if (!IsUtf8(std::string_view(control_).substr(2))) {
      return Fail({kCloseBadData, "close reason is not UTF-8"}, out);
    }
  }
  ended_ = true;
  out.push_back(close);
}

void MessageReader::Fail(Violation what, std::vector<Item>& out) {
  ended_ = true;
  message_ = {};
  out.push_back(what);
}

}  // namespace lastmile::ws
