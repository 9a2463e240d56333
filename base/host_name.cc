#include "base/host_name.h"

#include <algorithm>

namespace lastmile {
namespace {

constexpr size_t kMaxLength = 253;  // RFC 1035 section 2.3.4, as text

}  // namespace

std::string LowerCaseName(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

bool IsHostName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxLength && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

}  // namespace lastmile
