#include "gateway/users/sqlite_source.h"

#include <sys/stat.h>

#include "base/log.h"

namespace lastmile::users {
namespace {

constexpr size_t kMaxNames = 1000;

}  // namespace

SqliteSource::SqliteSource(std::string path, Mailbox<UserAnswer>& answers)
    : path_(std::move(path)), answers_(answers), names_(kMaxNames) {}

Result<void> SqliteSource::Start() {
  // Only whether it can be opened: the thread has a connection of its own.
  if (auto users = SqliteUsers::OpenToRead(path_); !users) return std::unexpected(users.error());
  names_.SetWake([this] { wake_.release(); });
  thread_ = std::thread([this] { Run(); });
  return {};
}

void SqliteSource::Stop() {
  if (!thread_.joinable()) return;
  stop_ = true;
  wake_.release();
  thread_.join();
}

void SqliteSource::Run() {
  std::vector<std::string> names;
  while (true) {
    wake_.acquire();
    if (stop_) break;
    names_.Drain(names);
    AnswerAll(names);
  }
  users_.reset();
}

// A file that is locked or broken fails all of them at once: each would wait as long as the first.
void SqliteSource::AnswerAll(const std::vector<std::string>& names) {
  auto usable = OpenIfReplaced();
  for (const std::string& name : names) {
    UserAnswer answer{.name = name};
    if (usable) {
      auto user = users_->Find(name);
      if (!user) {
        usable = std::unexpected(user.error());
      } else if (*user) {
        answer.verdict = UserAnswer::Verdict::kFound;
        answer.user = **std::move(user);
      } else {
        answer.verdict = UserAnswer::Verdict::kNotFound;
      }
    }
    Deliver(std::move(answer), answers_);
  }
  if (!usable) spdlog::warn("users: {}", usable.error().message);
}

Result<void> SqliteSource::OpenIfReplaced() {
  struct stat file {};
  const bool exists = stat(path_.c_str(), &file) == 0;
  const FileId now = exists ? FileId(file.st_dev, file.st_ino) : FileId{};
  if (users_ && now == opened_) return {};
  users_.reset();
  auto users = SqliteUsers::OpenToRead(path_);
  if (!users) return std::unexpected(users.error());
  users_ = *std::move(users);
  opened_ = now;
  return {};
}

}  // namespace lastmile::users
