#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lastmile {
namespace {

TEST(Mailbox, WakesOnceForEachTimeItStopsBeingEmpty) {
  Mailbox<int> mailbox(8);
  int wakes = 0;
  mailbox.SetWake([&] { ++wakes; });
  EXPECT_TRUE(mailbox.Push(1));
  EXPECT_TRUE(mailbox.Push(2));
  EXPECT_EQ(wakes, 1);
  std::vector<int> got;
  mailbox.Drain(got);
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
  EXPECT_TRUE(mailbox.Push(3));
  EXPECT_EQ(wakes, 2);
}

TEST(Mailbox, SaysWhenItIsFullAndLosesNothingItTook) {
  Mailbox<int> mailbox(2);
  EXPECT_TRUE(mailbox.Push(1));
  EXPECT_TRUE(mailbox.Push(2));
  EXPECT_FALSE(mailbox.Push(3));
  std::vector<int> got;
  mailbox.Drain(got);
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
}

TEST(Mailbox, KeepsEachWritersOrderAcrossThreads) {
  constexpr int kWriters = 4, kEach = 20000;
  Mailbox<std::pair<int, int>> mailbox(1 << 20);
  std::atomic<bool> woken{false};
  mailbox.SetWake([&] { woken = true; });
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(mailbox.Push({w, i}));
    });
  }
  std::vector<int> next(kWriters, 0);
  std::vector<std::pair<int, int>> batch;
  int received = 0;
  while (received < kWriters * kEach) {
    if (!woken.exchange(false)) {
      std::this_thread::yield();
      continue;
    }
    mailbox.Drain(batch);
    for (auto [writer, i] : batch) {
      EXPECT_EQ(i, next[writer]++);
      ++received;
    }
  }
  for (auto& thread : writers) thread.join();
}

}  // namespace
}  // namespace lastmile
