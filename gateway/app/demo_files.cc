#include "gateway/app/demo_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "gateway/app/config.h"
#include "gateway/net/self_signed.h"

namespace lastmile::app {

DemoFiles::DemoFiles(std::string folder) : folder_(std::move(folder)) {
  if (!folder_.empty()) return;
  keep_ = false;
  char made[] = "/tmp/lastmile-demo-XXXXXX";
  if (mkdtemp(made)) folder_ = made;
}

DemoFiles::~DemoFiles() {
  std::error_code ignored;  // nothing is left to do about a folder that will not go
  if (!keep_ && !folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<std::string> DemoFiles::Config() {
  if (!std::filesystem::exists(folder_ + "/cert.pem")) {
    auto made = net::MakeSelfSigned();
    if (!made) return std::unexpected(made.error());
    std::ofstream(folder_ + "/cert.pem") << made->cert_pem;
    std::ofstream(folder_ + "/key.pem") << made->key_pem;
  }
  constexpr std::string_view kPlaceholder = "@DEMO_TLS@";
  std::string text(DemoConfig());
  for (size_t at; (at = text.find(kPlaceholder)) != std::string::npos;) {
    text.replace(at, kPlaceholder.size(), folder_);
  }
  return text;
}

}  // namespace lastmile::app
