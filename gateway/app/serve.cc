#include "gateway/app/serve.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/app/folder_watch.h"

namespace lastmile::app {
namespace {

// False: the gateway is to stop.
bool OnSignal(Gateway& gateway, int fd) {
  signalfd_siginfo info{};
  if (read(fd, &info, sizeof info) != sizeof info) return errno == EINTR || errno == EAGAIN;
  switch (info.ssi_signo) {
    case SIGHUP:
      gateway.ReloadRoutes();
      return true;
    case SIGUSR1:
      gateway.LogGauges();
      return true;
    default:
      return false;
  }
}

}  // namespace

void Serve(Gateway& gateway, const sigset_t& signals) {
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  FolderWatch watch(gateway.config_file());
  pollfd fds[] = {{signal_fd, POLLIN, 0}, {watch.fd(), POLLIN, 0}};
  for (bool goes_on = true; goes_on;) {
    if (poll(fds, std::size(fds), -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0) goes_on = OnSignal(gateway, signal_fd);
    if (goes_on && fds[1].revents != 0) {
      watch.Clear();
      gateway.ReloadRoutes();
    }
  }
  close(signal_fd);
}

}  // namespace lastmile::app
