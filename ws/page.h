#ifndef LASTMILE_WS_PAGE_H_
#define LASTMILE_WS_PAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ws/fd.h"

namespace lastmile::ws {

// The path of a request target below the page's folder, one element a segment: "/" is
// {"index.html"}. None if the target is nothing a page has: segments of letters, digits, '.', '-'
// and '_' that do not start with a dot, nothing percent-encoded, at most 8 of them. That leaves no
// way to spell a path that climbs out. A query is ignored. Pure.
std::optional<std::vector<std::string>> PagePathOf(std::string_view target);

// The MIME type that goes with the file name's extension. Pure.
std::string_view MimeTypeOf(std::string_view file_name);

// A file of the page, open for reading, or why there is none.
struct PageFile {
  int status = 404;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string message;  // status other than 200: a sentence for a person
  Fd file;              // status 200
  uint64_t size = 0;    // bytes
};

// Opens the file a request asks for. `page_dir` may be empty or not exist: the message then names
// the command that makes it. Links inside page_dir are not followed. Files are opened a request, so
// a rebuilt page is served at once. Thread: any; blocks for a local open.
PageFile OpenPage(const std::string& page_dir, std::string_view target);

// The next piece of an open page, at most `limit` bytes; empty: the file ended early or failed.
std::string ReadPiece(const Fd& file, size_t limit);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_PAGE_H_
