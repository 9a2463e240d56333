#ifndef LASTMILE_GATEWAY_USERS_SQLITE_USERS_H_
#define LASTMILE_GATEWAY_USERS_SQLITE_USERS_H_

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "gateway/browser/user.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lastmile::users {

// A file of users: the table
//   users(name TEXT PRIMARY KEY, ha1 TEXT, ha1_sha256 TEXT, caller_id TEXT,
//         tenant TEXT)
// of a SQLite database; it may have more columns. Names reach SQL as bound parameters alone. Errors
// name the file and the cause in a sentence. Blocks: never on the signalling thread. Thread: one,
// its owner's.
class SqliteUsers {
 public:
  // Fails if there is no such file, table or column.
  static Result<SqliteUsers> OpenToRead(const std::string& path);
  // Makes what is missing; a new file is for its owner's eyes only.
  static Result<SqliteUsers> OpenToWrite(const std::string& path);

  // nullopt: there is no such user. Fails if the file is locked for longer than kBusyLimit.
  Result<std::optional<browser::User>> Find(const std::string& name);
  // False: there is one of that name already.
  Result<bool> Add(const browser::User& user);
  // Sets both hashes, and nothing else. False: there is no such user.
  Result<bool> ChangePassword(const browser::User& user);

  static constexpr std::chrono::milliseconds kBusyLimit{500};

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  static Result<SqliteUsers> Open(const std::string& path, int flags);
  explicit SqliteUsers(std::string path) : path_(std::move(path)) {}
  Result<Statement> Prepare(const char* sql) const;
  // Runs `sql` with these texts as its parameters and returns how many rows it changed.
  Result<int> Change(const char* sql, std::initializer_list<const std::string*> parameters);
  std::unexpected<Error> Failure(const char* what) const;

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  Statement find_;
};

}  // namespace lastmile::users

#endif  // LASTMILE_GATEWAY_USERS_SQLITE_USERS_H_
