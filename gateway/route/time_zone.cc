#include "gateway/route/time_zone.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace lastmile::route {
namespace {

constexpr size_t kHeader = 44;
constexpr size_t kTypeSize = 6;
constexpr int64_t kFarEnough = 2'082'758'400;  // 2036: "fat" files go on until 2037

int64_t BigEndian(std::string_view bytes) {
  uint64_t value = bytes.empty() || !(bytes.front() & 0x80) ? 0 : ~uint64_t{0};
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

// RFC 8536 section 3.1, the counts of a header.
struct Counts {
  size_t isut = 0, isstd = 0, leap = 0, time = 0, type = 0, chars = 0;

  static Result<Counts> Read(std::string_view bytes) {
    constexpr size_t kMost = 1 << 16;
    if (bytes.size() < kHeader || !bytes.starts_with("TZif")) return Fail("no time zone file");
    Counts counts;
    size_t at = 20;
    for (size_t* count :
         {&counts.isut, &counts.isstd, &counts.leap, &counts.time, &counts.type, &counts.chars}) {
      const int64_t value = BigEndian(bytes.substr(at, 4));
      if (value < 0 || value > static_cast<int64_t>(kMost)) return Fail("a broken time zone file");
      *count = static_cast<size_t>(value);
      at += 4;
    }
    return counts;
  }
  size_t BlockSize(size_t time_size) const {
    return time * (time_size + 1) + type * kTypeSize + chars + leap * (time_size + 4) + isstd +
           isut;
  }
};

}  // namespace

Result<TimeZone> TimeZone::Parse(std::string_view bytes) {
  constexpr size_t kTimeSize = 8;
  const auto first = Counts::Read(bytes);
  if (!first) return std::unexpected(first.error());
  if (bytes[4] < '2') return Fail("a time zone file of an old version");
  bytes.remove_prefix(std::min(bytes.size(), kHeader + first->BlockSize(4)));
  const auto counts = Counts::Read(bytes);
  if (!counts) return std::unexpected(counts.error());
  bytes.remove_prefix(kHeader);
  if (bytes.size() < counts->BlockSize(kTimeSize) || counts->type == 0) {
    return Fail("a broken time zone file");
  }
  const std::string_view times = bytes.substr(0, counts->time * kTimeSize);
  const std::string_view indices = bytes.substr(times.size(), counts->time);
  const std::string_view types =
      bytes.substr(times.size() + indices.size(), counts->type * kTypeSize);
  const auto offset_of = [&](size_t type) {
    return static_cast<int32_t>(BigEndian(types.substr(type * kTypeSize, 4)));
  };
  TimeZone zone;
  zone.before_ = offset_of(0);
  for (size_t i = 0; i < counts->time; ++i) {
    const size_t type = static_cast<unsigned char>(indices[i]);
    if (type >= counts->type) return Fail("a broken time zone file");
    zone.changes_.push_back({BigEndian(times.substr(i * kTimeSize, kTimeSize)), offset_of(type)});
  }
  // The footer's rule has a comma if clocks are still put forward and back.
  const std::string_view footer = bytes.substr(counts->BlockSize(kTimeSize));
  const bool goes_on = footer.find(',') != std::string_view::npos;
  if (goes_on && (zone.changes_.empty() || zone.changes_.back().at < kFarEnough)) {
    return Fail("a time zone file without the changes to come");
  }
  return zone;
}

Result<TimeZone> TimeZone::Load(const std::string& name) {
  const bool is_name = !name.empty() && name.front() != '/' && name.find('.') == std::string::npos;
  const std::string path = "/usr/share/zoneinfo/" + name;
  std::error_code error;
  if (!is_name || !std::filesystem::is_regular_file(path, error)) {
    return Fail("this machine knows no time zone " + name +
                " (the package tzdata has those of the world)");
  }
  std::ifstream file(path, std::ios::binary);
  return Parse(std::string{std::istreambuf_iterator<char>(file), {}});
}

TimeZone::WeekMinute TimeZone::At(WallTime time) const {
  using std::chrono::floor;
  const int64_t utc = floor<std::chrono::seconds>(time).time_since_epoch().count();
  const auto after = std::ranges::upper_bound(changes_, utc, {}, &Change::at);
  const int32_t offset = after == changes_.begin() ? before_ : std::prev(after)->offset;
  const std::chrono::sys_seconds local{std::chrono::seconds(utc + offset)};
  const auto midnight = floor<std::chrono::days>(local);
  return {static_cast<int>(std::chrono::weekday(midnight).c_encoding()),
          static_cast<int>(floor<std::chrono::minutes>(local - midnight).count())};
}

}  // namespace lastmile::route
