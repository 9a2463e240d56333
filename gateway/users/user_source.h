#ifndef LASTMILE_GATEWAY_USERS_USER_SOURCE_H_
#define LASTMILE_GATEWAY_USERS_USER_SOURCE_H_

#include <string>

#include "base/mailbox.h"
#include "base/result.h"
#include "gateway/browser/user.h"

namespace lastmile::users {

using browser::User;
using browser::UserAnswer;

// Where users are looked up, on a thread of its own. Answers go into the mailbox that it was made
// with, one for each name asked for, in any order; one that finds no room there is lost, and the
// UserDirectory, which bounds how long it waits, takes it for a failure. Constructor, Start and
// Stop: main's thread.
class UserSource {
 public:
  virtual ~UserSource() = default;

  // The error says what is wrong with the source, in a sentence.
  virtual Result<void> Start() = 0;
  // Any thread. False: too many are waiting, and this one was not taken.
  [[nodiscard]] virtual bool Ask(std::string name) = 0;
  virtual void Stop() = 0;  // joins the thread; idempotent
};

// What is stored of a user. Hashes that are none are left out, with a line in the log.
struct StoredUser {
  std::string ha1;
  std::string ha1_sha256;
  std::string caller_id;
  std::string tenant = {};
};
User MakeUser(const std::string& name, const StoredUser& stored);

// Tells the one who asked. Thread: the source's.
void Deliver(UserAnswer answer, Mailbox<UserAnswer>& answers);

}  // namespace lastmile::users

#endif  // LASTMILE_GATEWAY_USERS_USER_SOURCE_H_
