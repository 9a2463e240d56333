#ifndef LASTMILE_TESTS_UNIT_GATEWAY_LOG_CAPTURE_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_LOG_CAPTURE_H_

#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

#include "base/log.h"

namespace lastmile::test {

// What is logged while it is there, at every level. Thread: the test's.
class LogCapture {
 public:
  LogCapture() : level_(spdlog::default_logger()->level()) {
    spdlog::default_logger()->sinks().push_back(sink_);
    spdlog::set_level(spdlog::level::trace);
  }
  ~LogCapture() {
    spdlog::default_logger()->sinks().pop_back();
    spdlog::set_level(level_);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  std::string text() const { return text_.str(); }

 private:
  const spdlog::level::level_enum level_;
  std::ostringstream text_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_ =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_LOG_CAPTURE_H_
