#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <memory>

namespace lastmile {

void InitLog(std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>(
      "lastmile", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(spdlog::level::from_str(std::string(level)));
  if (logger->level() == spdlog::level::off && level != "off") {
    logger->set_level(spdlog::level::info);
  }
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(logger);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%-5l%$ %v");
}

std::string RedactText(std::string_view text) {
  return fmt::format("{}***({})", text.substr(0, text.size() > 4 ? 2 : 0), text.size());
}

}  // namespace lastmile
