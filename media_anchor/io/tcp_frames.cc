#include "media_anchor/io/tcp_frames.h"

#include <algorithm>

namespace lastmile::media {

MutableByteView FrameReader::Space() {
  if (broken_) return {};
  std::copy(bytes_.begin() + static_cast<ptrdiff_t>(begin_),
            bytes_.begin() + static_cast<ptrdiff_t>(end_), bytes_.begin());
  end_ -= begin_;
  begin_ = 0;
  return MutableByteView(bytes_).subspan(end_);
}

void FrameReader::Add(size_t size) { end_ += size; }

std::optional<ByteView> FrameReader::Next() {
  while (!broken_ && end_ - begin_ >= kFrameHeader) {
    const size_t size = LoadBe16(&bytes_[begin_]);
    broken_ = size > AnchorSession::kMaxDatagram;
    if (broken_ || end_ - begin_ < kFrameHeader + size) break;
    const ByteView datagram = ByteView(bytes_).subspan(begin_ + kFrameHeader, size);
    begin_ += kFrameHeader + size;
    if (!datagram.empty()) return datagram;
  }
  return std::nullopt;
}

}  // namespace lastmile::media
