#include "gateway/app/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace lastmile::app {

FolderWatch::FolderWatch(const std::string& path) {
  if (path.empty()) return;
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const bool watched = fd_ >= 0 && inotify_add_watch(fd_, folder.empty() ? "." : folder.c_str(),
                                                     IN_CLOSE_WRITE | IN_MOVED_TO) >= 0;
  if (!watched) spdlog::warn("changes of {} are seen at SIGHUP only: {}", path, strerror(errno));
}

FolderWatch::~FolderWatch() {
  if (fd_ >= 0) close(fd_);
}

void FolderWatch::Clear() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (read(fd_, events.data(), events.size()) > 0) {
  }
}

}  // namespace lastmile::app
