#include "base/file_watch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lastmile {
namespace {

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() {
    Write("a", "first");
    EXPECT_TRUE(watch_.HasChanged(now_)) << "nobody has read it yet";
  }
  ~FileWatchTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  bool ChangedASecondLater() {
    now_ += FileWatch::kInterval;
    return watch_.HasChanged(now_);
  }

  static std::filesystem::path NewFolder() {
    std::string pattern = ::testing::TempDir() + "lastmile-watch-XXXXXX";
    return mkdtemp(pattern.data());
  }

  const std::filesystem::path folder_ = NewFolder();
  TimePoint now_{};
  FileWatch watch_{{folder_ / "a", folder_ / "b"}};
};

TEST_F(FileWatchTest, NothingHasChangedUntilItHas) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(ChangedASecondLater());
  Write("a", "another length");
  EXPECT_TRUE(ChangedASecondLater());
  EXPECT_FALSE(ChangedASecondLater());
}

TEST_F(FileWatchTest, LooksOnceInAnInterval) {
  Write("a", "another length");
  EXPECT_FALSE(watch_.HasChanged(now_ + FileWatch::kInterval - 1ns));
  EXPECT_TRUE(watch_.HasChanged(now_ + FileWatch::kInterval));
}

TEST_F(FileWatchTest, FilesThatComeGoAndAreReplacedHaveChanged) {
  Write("b", "new");
  EXPECT_TRUE(ChangedASecondLater());
  std::filesystem::remove(folder_ / "b");
  EXPECT_TRUE(ChangedASecondLater());
  // As long and as old as the one before: only its inode is another.
  const auto time = std::filesystem::last_write_time(folder_ / "a");
  Write("new", "FIRST");
  std::filesystem::last_write_time(folder_ / "new", time);
  std::filesystem::rename(folder_ / "new", folder_ / "a");
  EXPECT_TRUE(ChangedASecondLater());
}

TEST_F(FileWatchTest, ALinkThatIsTurnedHasChanged) {
  Write("old_target", "same");
  Write("new_target", "same");
  std::filesystem::create_symlink(folder_ / "old_target", folder_ / "b");
  EXPECT_TRUE(ChangedASecondLater());
  std::filesystem::remove(folder_ / "b");
  std::filesystem::create_symlink(folder_ / "new_target", folder_ / "b");
  EXPECT_TRUE(ChangedASecondLater());
}

TEST(FileWatch, NoFilesNeverChange) {
  FileWatch watch({});
  EXPECT_FALSE(watch.HasChanged(TimePoint{}));
}

}  // namespace
}  // namespace lastmile
