#include "gateway/users/sqlite_users.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <utility>

#include "gateway/users/user_source.h"

namespace lastmile::users {
namespace {

constexpr int kMaxValue = 64 * 1024;  // bytes of one value or row

constexpr char kMakeTable[] =
    "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY NOT NULL, ha1 TEXT, ha1_sha256 TEXT, "
    "caller_id TEXT, tenant TEXT)";
constexpr char kFind[] = "SELECT ha1, ha1_sha256, caller_id, tenant FROM users WHERE name = ?1";
constexpr char kAdd[] =
    "INSERT INTO users (name, ha1, ha1_sha256, caller_id, tenant) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (name) DO NOTHING";
constexpr char kChangePassword[] = "UPDATE users SET ha1 = ?2, ha1_sha256 = ?3 WHERE name = ?1";

// `text` outlives the statement's run.
void Bind(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

std::string TextOf(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement, column))};
}

}  // namespace

void SqliteUsers::CloseDatabase::operator()(sqlite3* database) const noexcept {
  sqlite3_close(database);
}

void SqliteUsers::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

std::unexpected<Error> SqliteUsers::Failure(const char* what) const {
  return Fail(std::string(what) + " " + path_ + ": " + sqlite3_errmsg(database_.get()));
}

Result<SqliteUsers> SqliteUsers::Open(const std::string& path, int flags) {
  SqliteUsers users(path);
  sqlite3* database = nullptr;
  // Without a mutex of its own: it stays on one thread.
  const int error = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  users.database_.reset(database);
  if (error != SQLITE_OK) return users.Failure("cannot open");
  sqlite3_busy_timeout(database, static_cast<int>(kBusyLimit.count()));
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH, kMaxValue);
  // Whoever writes the file gives data, not functions to be run.
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return users;
}

Result<SqliteUsers> SqliteUsers::OpenToRead(const std::string& path) {
  auto users = Open(path, SQLITE_OPEN_READONLY);
  if (!users) return users;
  auto find = users->Prepare(kFind);
  if (!find) return std::unexpected(find.error());
  users->find_ = *std::move(find);
  return users;
}

Result<SqliteUsers> SqliteUsers::OpenToWrite(const std::string& path) {
  const mode_t before = umask(S_IRWXG | S_IRWXO);
  auto users = Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (users) {
    if (auto made = users->Change(kMakeTable, {}); !made) users = std::unexpected(made.error());
  }
  umask(before);
  return users;
}

Result<SqliteUsers::Statement> SqliteUsers::Prepare(const char* sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) {
    return Failure("cannot use the table of users in");
  }
  return Statement(statement);
}

Result<std::optional<browser::User>> SqliteUsers::Find(const std::string& name) {
  Bind(find_.get(), 1, name);
  const int step = sqlite3_step(find_.get());
  std::optional<browser::User> user;
  if (step == SQLITE_ROW) {
    user = MakeUser(name, {.ha1 = TextOf(find_.get(), 0),
                           .ha1_sha256 = TextOf(find_.get(), 1),
                           .caller_id = TextOf(find_.get(), 2),
                           .tenant = TextOf(find_.get(), 3)});
  }
  // Also what unlocks the file.
  const int done = sqlite3_reset(find_.get());
  sqlite3_clear_bindings(find_.get());
  if ((step != SQLITE_ROW && step != SQLITE_DONE) || done != SQLITE_OK) {
    return Failure("cannot read");
  }
  return user;
}

Result<int> SqliteUsers::Change(const char* sql,
                                std::initializer_list<const std::string*> parameters) {
  const auto statement = Prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  int index = 0;
  for (const std::string* parameter : parameters) Bind(statement->get(), ++index, *parameter);
  if (sqlite3_step(statement->get()) != SQLITE_DONE) return Failure("cannot write");
  return sqlite3_changes(database_.get());
}

Result<bool> SqliteUsers::Add(const browser::User& user) {
  const auto changed =
      Change(kAdd, {&user.name, &user.ha1, &user.ha1_sha256, &user.caller_id, &user.tenant});
  if (!changed) return std::unexpected(changed.error());
  return *changed > 0;
}

Result<bool> SqliteUsers::ChangePassword(const browser::User& user) {
  const auto changed = Change(kChangePassword, {&user.name, &user.ha1, &user.ha1_sha256});
  if (!changed) return std::unexpected(changed.error());
  return *changed > 0;
}

}  // namespace lastmile::users
