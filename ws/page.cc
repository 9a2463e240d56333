#include "ws/page.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace lastmile::ws {
namespace {

constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxSegment = 128;

bool IsSegmentChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool IsSegment(std::string_view segment) {
  return !segment.empty() && segment.size() <= kMaxSegment && segment.front() != '.' &&
         std::all_of(segment.begin(), segment.end(), IsSegmentChar);
}

Fd OpenBelow(const std::string& page_dir, const std::vector<std::string>& path) {
  Fd at(open(page_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; at && i < path.size(); ++i) {
    const bool last = i + 1 == path.size();
    // O_NONBLOCK: a FIFO in the folder must not hold the loop.
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    at = Fd(openat(at.get(), path[i].c_str(), flags));
  }
  return at;
}

}  // namespace

std::optional<std::vector<std::string>> PagePathOf(std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (!target.starts_with('/')) return std::nullopt;
  target.remove_prefix(1);
  std::vector<std::string> path;
  if (target.empty()) return path = {"index.html"};
  while (true) {
    const size_t slash = target.find('/');
    const std::string_view segment = target.substr(0, slash);
    if (!IsSegment(segment) || path.size() == kMaxDepth) return std::nullopt;
    path.emplace_back(segment);
    if (slash == std::string_view::npos) return path;
    target.remove_prefix(slash + 1);
  }
}

std::string_view MimeTypeOf(std::string_view file_name) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Pair, 12> kTypes = {
      Pair{"html", "text/html; charset=utf-8"},
      Pair{"js", "text/javascript; charset=utf-8"},
      Pair{"mjs", "text/javascript; charset=utf-8"},
      Pair{"css", "text/css; charset=utf-8"},
      Pair{"json", "application/json"},
      Pair{"map", "application/json"},
      Pair{"svg", "image/svg+xml"},
      Pair{"png", "image/png"},
      Pair{"ico", "image/x-icon"},
      Pair{"wasm", "application/wasm"},
      Pair{"txt", "text/plain; charset=utf-8"},
      Pair{"wav", "audio/wav"},
  };
  const size_t dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    for (const auto& [extension, type] : kTypes) {
      if (file_name.substr(dot + 1) == extension) return type;
    }
  }
  return "application/octet-stream";
}

PageFile OpenPage(const std::string& page_dir, std::string_view target) {
  PageFile page;
  const auto path = PagePathOf(target);
  const bool wants_index = path && path->size() == 1 && path->front() == "index.html";
  if (path && !page_dir.empty()) {
    Fd file = OpenBelow(page_dir, *path);
    struct stat info {};
    if (file && fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode)) {
      page.status = 200;
      page.content_type = MimeTypeOf(path->back());
      page.file = std::move(file);
      page.size = static_cast<uint64_t>(info.st_size);
      return page;
    }
  }
  page.message = wants_index || page_dir.empty()
                     ? "The page is not built: run \"npm run build\" in web-demo, then load this "
                       "again. The gateway itself is running.\n"
                     : "There is no such file in the page.\n";
  return page;
}

std::string ReadPiece(const Fd& file, size_t limit) {
  std::string piece(limit, '\0');
  ssize_t got;
  do {
    got = read(file.get(), piece.data(), piece.size());
  } while (got < 0 && errno == EINTR);
  piece.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return piece;
}

}  // namespace lastmile::ws
