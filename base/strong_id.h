#ifndef LASTMILE_BASE_STRONG_ID_H_
#define LASTMILE_BASE_STRONG_ID_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace lastmile {

// An integer that names one kind of thing and cannot be mistaken for another kind's. 0 names
// nothing. Ids are never reused within a process. Thread: any, a plain value.
template <class Tag>
struct StrongId {
  uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  auto operator<=>(const StrongId&) const = default;
};

// Hands out 1, 2, 3 ... Thread: its owner's.
template <class Id>
class IdSource {
 public:
  Id Next() { return Id{++last_}; }

 private:
  uint64_t last_ = 0;
};

}  // namespace lastmile

template <class Tag>
struct std::hash<lastmile::StrongId<Tag>> {
  size_t operator()(lastmile::StrongId<Tag> id) const noexcept {
    return std::hash<uint64_t>{}(id.value);
  }
};

#endif  // LASTMILE_BASE_STRONG_ID_H_
