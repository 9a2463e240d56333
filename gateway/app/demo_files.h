#ifndef LASTMILE_GATEWAY_APP_DEMO_FILES_H_
#define LASTMILE_GATEWAY_APP_DEMO_FILES_H_

#include <string>

#include "base/result.h"

namespace lastmile::app {

// Certificate and key of the demo, which its carrier has, too. Thread: main.
class DemoFiles {
 public:
  // `folder`: where they are, or are made if they are not there. Empty: a folder of one run, that
  // only this user can read and that goes away with the object.
  explicit DemoFiles(std::string folder);
  ~DemoFiles();
  DemoFiles(const DemoFiles&) = delete;
  DemoFiles& operator=(const DemoFiles&) = delete;

  // Makes what is missing. Returns the demo's configuration with their names in it.
  Result<std::string> Config();

 private:
  std::string folder_;
  bool keep_ = true;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_DEMO_FILES_H_
