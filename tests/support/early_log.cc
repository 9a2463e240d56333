// In the tests that run threads. The logger is made before there are any: spdlog makes it when
// somebody first logs, in a library that ThreadSanitizer does not see, so that it would report two
// threads that first log at the same time.
#include <spdlog/spdlog.h>

namespace lastmile::test {
namespace {

[[maybe_unused]] const auto logger = spdlog::default_logger();

}  // namespace
}  // namespace lastmile::test
