#ifndef LASTMILE_GATEWAY_BROWSER_USER_H_
#define LASTMILE_GATEWAY_BROWSER_USER_H_

#include <string>

namespace lastmile::browser {

// Who may register and call. Passwords are not kept, only their hashes (sip::Ha1). Thread: any, a
// plain value.
struct User {
  std::string name;
  std::string ha1;              // MD5, lower-case hex; "" = none
  std::string caller_id;        // number shown to carriers; "" = the name
  std::string ha1_sha256 = {};  // "" = none
  std::string tenant = {};      // whom routes know the user by, besides the name; "" = none

  // What carriers know the user by.
  const std::string& shown_number() const { return caller_id.empty() ? name : caller_id; }
};

// What a source of users says of one name.
struct UserAnswer {
  enum class Verdict {
    kFound,
    kNotFound,
    kFailed,  // the source could not tell
  };
  std::string name;  // as it was asked for
  Verdict verdict = Verdict::kFailed;
  User user = {};  // with kFound; its `name` is the one above
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_USER_H_
