#ifndef LASTMILE_WS_SIGNALS_BLOCKED_H_
#define LASTMILE_WS_SIGNALS_BLOCKED_H_

#include <signal.h>

namespace lastmile::ws {

// SIGTERM and its like belong to the thread that waits for them: the ws thread takes none.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_SIGNALS_BLOCKED_H_
