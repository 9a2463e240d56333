#ifndef LASTMILE_BASE_MAILBOX_H_
#define LASTMILE_BASE_MAILBOX_H_

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace lastmile {

// The only way across threads: a bounded queue of values, many writers, one reader. Its lock is
// held for a push or a swap, never around logic. The writer decides what a full mailbox means.
template <class T>
class Mailbox {
 public:
  explicit Mailbox(size_t capacity) : capacity_(capacity) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Called by the reader before the first writer starts: `wake` must be callable from any thread
  // and only tell the reader's loop to call Drain() (uv_async_send, write to an eventfd). It is
  // called with the lock held, once for each time the queue stops being empty.
  void SetWake(std::function<void()> wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    if (!queue_.empty() && wake_) wake_();
  }

  // Any thread. False: full, `value` was not taken.
  [[nodiscard]] bool Push(T value) {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= capacity_) return false;
    queue_.push_back(std::move(value));
    if (queue_.size() == 1 && wake_) wake_();
    return true;
  }

  // The reader's thread. Takes all that is there, in order; `out` is cleared first and lends its
  // capacity to the next round.
  void Drain(std::vector<T>& out) {
    out.clear();
    std::lock_guard lock(mutex_);
    out.swap(queue_);
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::vector<T> queue_;
  std::function<void()> wake_;
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_MAILBOX_H_
