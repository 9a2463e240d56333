#ifndef LASTMILE_BASE_FILE_WATCH_H_
#define LASTMILE_BASE_FILE_WATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace lastmile {

// Tells when files have changed: by their modification time, size and inode, so that files renamed
// over them (as certificate tools do) and links that are turned (as Kubernetes does) are seen, too.
// Only for those who ask now and then, like a listener for each new peer. Thread: its owner's;
// blocks for a stat() of each file.
class FileWatch {
 public:
  static constexpr Duration kInterval = 1s;

  explicit FileWatch(std::vector<std::string> files);

  // True: one of them is another than at the last look; the first time always, if there are any.
  // Asked again within kInterval it is false without a look. Ask before reading them: what is
  // written meanwhile is then seen the next time.
  bool HasChanged(TimePoint now);

 private:
  // What tells one content of a file from another; all zero: it is not there.
  struct Stamp {
    int64_t modified_ns = 0;
    int64_t size = 0;
    uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };

  const std::vector<std::string> files_;
  std::vector<Stamp> stamps_;
  TimePoint next_look_ = TimePoint::min();
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_FILE_WATCH_H_
