// One byte chooses: a request head, or a stream of frames, in one piece and cut at places that its
// own bytes choose. Both ways of reading have to see the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ws/frame.h"
#include "ws/http_request.h"

namespace lastmile::ws {
namespace {

constexpr size_t kMaxMessage = 4096;

struct Describe {
  std::string operator()(const MessageReader::Data& data) const { return "data " + data.payload; }
  std::string operator()(const MessageReader::Ping& ping) const { return "ping " + ping.payload; }
  std::string operator()(const MessageReader::Pong&) const { return "pong"; }
  std::string operator()(const MessageReader::PeerClose& close) const {
    return "close " + std::to_string(close.code);
  }
  std::string operator()(const MessageReader::Violation& fault) const {
    return "violation " + std::to_string(fault.code) + std::string(fault.reason);
  }
};

std::vector<std::string> Described(const std::vector<MessageReader::Item>& items) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(std::visit(Describe{}, item));
  return out;
}

void Frames(std::string_view stream) {
  std::string bytes(stream);
  MessageReader whole(kMaxMessage);
  std::vector<MessageReader::Item> expected;
  whole.Read(bytes.data(), bytes.size(), expected);
  for (const auto& item : expected) {
    const auto* data = std::get_if<MessageReader::Data>(&item);
    if (data && data->payload.size() > kMaxMessage) std::abort();
  }
  bytes = stream;  // the first reader has unmasked it
  MessageReader pieces(kMaxMessage);
  std::vector<MessageReader::Item> items;
  for (size_t at = 0; at < bytes.size();) {
    const size_t size =
        std::min<size_t>(1 + static_cast<uint8_t>(stream[at]) % 17, bytes.size() - at);
    pieces.Read(bytes.data() + at, size, items);
    at += size;
  }
  if (Described(items) != Described(expected)) std::abort();
}

void Head(std::string_view bytes) {
  const HeadResult result = ParseHead(bytes);
  if (result.kind == HeadResult::Kind::kRefused && result.status < 400) std::abort();
  if (result.kind != HeadResult::Kind::kComplete) return;
  if (result.consumed == 0 || result.consumed > std::min(bytes.size(), kMaxHeadBytes) ||
      result.request.headers.size() > kMaxHeaders || !result.request.target.starts_with('/')) {
    std::abort();
  }
  // What follows the head changes nothing, and less than the head is never one.
  if (ParseHead(bytes.substr(0, result.consumed)).consumed != result.consumed ||
      ParseHead(bytes.substr(0, result.consumed - 1)).kind == HeadResult::Kind::kComplete) {
    std::abort();
  }
  for (const auto& header : result.request.headers) {
    if (result.request.Count(header.name) == 0) std::abort();
    result.request.HasToken(header.name, "websocket");
  }
}

}  // namespace
}  // namespace lastmile::ws

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = lastmile::AsText({data + 1, size - 1});
  if (data[0] % 2 == 0) {
    lastmile::ws::Head(bytes);
  } else {
    lastmile::ws::Frames(bytes);
  }
  return 0;
}
