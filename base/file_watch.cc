#include "base/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace lastmile {

FileWatch::FileWatch(std::vector<std::string> files) : files_(std::move(files)) {}

bool FileWatch::HasChanged(TimePoint now) {
  if (now < next_look_) return false;
  next_look_ = now + kInterval;
  std::vector<Stamp> stamps;
  for (const std::string& file : files_) {
    struct stat info {};
    Stamp& stamp = stamps.emplace_back();
    if (stat(file.c_str(), &info) != 0) continue;
    stamp = {.modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec,
             .size = info.st_size,
             .inode = info.st_ino};
  }
  return std::exchange(stamps_, std::move(stamps)) != stamps_;
}

}  // namespace lastmile
