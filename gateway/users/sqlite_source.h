#ifndef LASTMILE_GATEWAY_USERS_SQLITE_SOURCE_H_
#define LASTMILE_GATEWAY_USERS_SQLITE_SOURCE_H_

#include <atomic>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/users/sqlite_users.h"
#include "gateway/users/user_source.h"

namespace lastmile::users {

// Users of a SQLite file, which is only read. A file that was put in the place of the old one is
// opened anew. Thread: `users`, its own.
class SqliteSource final : public UserSource {
 public:
  // `answers` outlives this object.
  SqliteSource(std::string path, Mailbox<UserAnswer>& answers);
  ~SqliteSource() override { Stop(); }

  Result<void> Start() override;
  bool Ask(std::string name) override { return names_.Push(std::move(name)); }
  void Stop() override;

 private:
  using FileId = std::pair<uint64_t, uint64_t>;  // device and inode; 0: no file

  void Run();
  void AnswerAll(const std::vector<std::string>& names);
  Result<void> OpenIfReplaced();

  const std::string path_;
  Mailbox<UserAnswer>& answers_;
  Mailbox<std::string> names_;
  std::counting_semaphore<> wake_{0};
  std::atomic<bool> stop_ = false;
  std::optional<SqliteUsers> users_;
  FileId opened_{};
  std::thread thread_;
};

}  // namespace lastmile::users

#endif  // LASTMILE_GATEWAY_USERS_SQLITE_SOURCE_H_
