#ifndef LASTMILE_MEDIA_ANCHOR_IO_NICE_NAMES_H_
#define LASTMILE_MEDIA_ANCHOR_IO_NICE_NAMES_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "base/time.h"

namespace lastmile::media {

// The addresses of STUN and TURN servers that are configured by name. libnice would look a name up
// for each agent anew, and not let go of an agent in between. GLib asks on threads of its own and
// answers by the main loop. Thread: the ice thread, with its context as the thread's default.
class NiceNames {
 public:
  static constexpr Duration kFresh = 300s;
  static constexpr Duration kRetry = 10s;  // of a name that was not found

  // `like`: of several addresses one of its family is taken.
  explicit NiceNames(const IpAddress& like) : like_(like) {}
  // Only once nothing is pending: Cancel(), and turn the loop until then.
  ~NiceNames();
  NiceNames(const NiceNames&) = delete;
  NiceNames& operator=(const NiceNames&) = delete;

  // An address or a name.
  void Add(const std::string& host);
  // Asks for those that are too old. The old answer counts until there is a new one.
  void Refresh(TimePoint now);
  // As text. Empty: there is none (yet).
  const std::string& AddressOf(const std::string& host) const;
  size_t pending() const { return pending_; }
  void Cancel();

 private:
  struct Query;
  struct Entry {
    std::string address;
    TimePoint ask_again{};
    bool asked = false;  // and not answered
  };
  void OnAnswer(const std::string& host, std::string address, std::string_view failure);

  const IpAddress like_;
  std::map<std::string, Entry> entries_;
  size_t pending_ = 0;
  void* cancellable_ = nullptr;  // GCancellable, once something was asked
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_NICE_NAMES_H_
