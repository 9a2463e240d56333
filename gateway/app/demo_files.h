#ifndef LASTMILE_GATEWAY_APP_DEMO_FILES_H_
#define LASTMILE_GATEWAY_APP_DEMO_FILES_H_

#include <string>

#include "base/result.h"

namespace lastmile::app {

// Certificate and key of one demo run, in a folder that only this user can read and that goes away
// with the object. Thread: main.
class DemoFiles {
 public:
  DemoFiles();
  ~DemoFiles();
  DemoFiles(const DemoFiles&) = delete;
  DemoFiles& operator=(const DemoFiles&) = delete;

  // Makes the files. Returns the demo's configuration with their names in it.
  Result<std::string> Config();

 private:
  std::string folder_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_DEMO_FILES_H_
