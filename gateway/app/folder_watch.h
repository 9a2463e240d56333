#ifndef LASTMILE_GATEWAY_APP_FOLDER_WATCH_H_
#define LASTMILE_GATEWAY_APP_FOLDER_WATCH_H_

#include <string>

namespace lastmile::app {

// Tells when something was written or moved into the folder of a file: editors and Kubernetes put a
// new file in the place of the old one, which a watch of the file itself would lose. Thread: one.
class FolderWatch {
 public:
  explicit FolderWatch(const std::string& path);  // "": nothing is watched
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  int fd() const { return fd_; }  // to poll for reading; -1: nothing can be watched
  void Clear();                   // of what has happened

 private:
  int fd_ = -1;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_FOLDER_WATCH_H_
