#ifndef LASTMILE_GATEWAY_USERS_WEBHOOK_SOURCE_H_
#define LASTMILE_GATEWAY_USERS_WEBHOOK_SOURCE_H_

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "gateway/users/user_source.h"

namespace lastmile::users {

struct WebhookOptions {
  std::string url;
  std::string token;    // Authorization: Bearer ...; "" = none
  std::string ca_file;  // whom to trust instead of the system's authorities; "" = those
  std::string realm;    // told with each user
};

// https, or http to this machine only; no user and password in it. The error is a sentence.
Result<void> CheckWebhookUrl(const std::string& url);

// Users of a web application. It is sent POST {"user":"alice","realm":"voice.example.com"} and
// answers 200 with {"ha1":"...","ha1_sha256":"...","caller_id":"...","tenant":"..."}, each of which
// may be absent, or 404: no such user. Anything else is a failure: another status, a redirection, a
// certificate that does not fit, no answer within kLimit, more than kMaxAnswer. Thread: `users`,
// its own.
class WebhookSource final : public UserSource {
 public:
  // `answers` outlives this object.
  WebhookSource(WebhookOptions options, Mailbox<UserAnswer>& answers);
  ~WebhookSource() override;

  Result<void> Start() override;
  bool Ask(std::string name) override { return names_.Push(std::move(name)); }
  void Stop() override;

  static constexpr std::chrono::milliseconds kLimit{2000};
  static constexpr size_t kMaxAnswer = 16 * 1024;  // bytes
  static constexpr size_t kMaxConcurrent = 16;     // requests; more wait

 private:
  struct Transfer;
  struct Client;
  struct Waiting {
    std::string name;
    TimePoint since;
  };

  void Run();
  void TakeNames();
  void BeginWaiting();
  void Finish();

  const WebhookOptions options_;
  Mailbox<UserAnswer>& answers_;
  Mailbox<std::string> names_;
  std::vector<std::string> batch_;
  std::deque<Waiting> waiting_;
  std::unique_ptr<Client> client_;  // from Start to Stop; between them the thread's
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace lastmile::users

#endif  // LASTMILE_GATEWAY_USERS_WEBHOOK_SOURCE_H_
