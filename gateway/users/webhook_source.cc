#include "gateway/users/webhook_source.h"

#include <curl/curl.h>

#include <csignal>
#include <map>
#include <nlohmann/json.hpp>

#include "base/c_handle.h"
#include "base/endpoint.h"
#include "base/log.h"

namespace lastmile::users {
namespace {

constexpr size_t kMaxNames = 1000;
// Whoever asked has given up by then.
constexpr Duration kMaxWait = 4s;

using Easy = CHandle<CURL, curl_easy_cleanup>;
using HeaderList = CHandle<curl_slist, curl_slist_free_all>;

// A part of the URL as libcurl itself understands it; "" if there is none.
std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string value(text);
  curl_free(text);
  return value;
}

bool IsThisMachine(const std::string& host) {
  const auto address = IpAddress::Parse(host);
  return host == "localhost" || (address && address->is_loopback());
}

void AddHeader(HeaderList& list, const std::string& line) {
  // The list begins with its first element: it is released to be lengthened.
  list = HeaderList(curl_slist_append(list.release(), line.c_str()));
}

// nullopt: not what was agreed on.
std::optional<StoredUser> ReadUser(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  StoredUser user;
  for (const auto& [key, value] : {std::pair{"ha1", &user.ha1},
                                   {"ha1_sha256", &user.ha1_sha256},
                                   {"caller_id", &user.caller_id},
                                   {"tenant", &user.tenant}}) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) continue;
    if (!found->is_string()) return std::nullopt;
    *value = found->get<std::string>();
  }
  return user;
}

}  // namespace

Result<void> CheckWebhookUrl(const std::string& text) {
  const CHandle<CURLU, curl_url_cleanup> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return Fail("`" + text + "` is not an https URL");
  }
  if (!PartOf(url.get(), CURLUPART_USER).empty()) {
    return Fail("the URL of a webhook holds no user or password: use `users.webhook.token`");
  }
  const std::string scheme = PartOf(url.get(), CURLUPART_SCHEME);
  if (scheme == "https") return {};
  if (scheme != "http") return Fail("a webhook is reached by https");
  if (IsThisMachine(PartOf(url.get(), CURLUPART_HOST))) return {};
  return Fail("a webhook is reached by https; plain http only on this machine");
}

// One request, from its beginning to its answer.
struct WebhookSource::Transfer {
  std::string name;
  std::string body;
  std::string answer;
  Easy easy;

  static size_t OnBytes(char* bytes, size_t, size_t size, void* self) noexcept {
    std::string& answer = static_cast<Transfer*>(self)->answer;
    if (answer.size() + size > kMaxAnswer) return 0;  // ends the transfer with an error
    answer.append(bytes, size);
    return size;
  }
};

struct WebhookSource::Client {
  CHandle<CURLM, curl_multi_cleanup> multi;  // after the transfers are gone
  HeaderList headers;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;

  ~Client() {
    for (const auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi.get(), easy);
  }
  void Begin(std::string name, const WebhookOptions& options);
};

void WebhookSource::Client::Begin(std::string name, const WebhookOptions& options) {
  auto transfer = std::make_unique<Transfer>();
  // Bytes that are not UTF-8 become U+FFFD: it is then nobody's name over there.
  transfer->body = nlohmann::json{{"user", name}, {"realm", options.realm}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  transfer->name = std::move(name);
  transfer->easy = Easy(curl_easy_init());
  CURL* easy = transfer->easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, options.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // not what the environment says
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(kLimit.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer->body.size()));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_multi_add_handle(multi.get(), easy);
  transfers[easy] = std::move(transfer);
}

WebhookSource::WebhookSource(WebhookOptions options, Mailbox<UserAnswer>& answers)
    : options_(std::move(options)), answers_(answers), names_(kMaxNames) {}

WebhookSource::~WebhookSource() { Stop(); }

Result<void> WebhookSource::Start() {
  // OpenSSL writes to sockets with write(2): without this a peer that resets ends the process.
  std::signal(SIGPIPE, SIG_IGN);
  // Sets up what all of libcurl shares; nothing is left to be taken down at the end.
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) return Fail("libcurl does not start");
  client_ = std::make_unique<Client>();
  client_->multi.reset(curl_multi_init());
  if (!client_->multi) return Fail("libcurl does not start");
  AddHeader(client_->headers, "Content-Type: application/json");
  AddHeader(client_->headers, "Accept: application/json");
  if (!options_.token.empty()) {
    AddHeader(client_->headers, "Authorization: Bearer " + options_.token);
  }
  names_.SetWake([this] { curl_multi_wakeup(client_->multi.get()); });
  thread_ = std::thread([this] { Run(); });
  return {};
}

void WebhookSource::Stop() {
  if (!thread_.joinable()) return;
  stop_ = true;
  curl_multi_wakeup(client_->multi.get());
  thread_.join();
  names_.SetWake(nullptr);
  client_.reset();
}

void WebhookSource::Run() {
  constexpr int kNoTimer = 60'000;  // ms: a wake-up comes first
  while (!stop_) {
    TakeNames();
    BeginWaiting();
    int running = 0;
    curl_multi_perform(client_->multi.get(), &running);
    Finish();
    const bool has_room = client_->transfers.size() < kMaxConcurrent;
    const bool goes_on = has_room && !waiting_.empty();
    curl_multi_poll(client_->multi.get(), nullptr, 0, goes_on ? 0 : kNoTimer, nullptr);
  }
}

void WebhookSource::TakeNames() {
  names_.Drain(batch_);
  const TimePoint now = MonotonicNow();
  for (std::string& name : batch_) waiting_.push_back({std::move(name), now});
}

void WebhookSource::BeginWaiting() {
  const TimePoint now = MonotonicNow();
  while (!waiting_.empty() && client_->transfers.size() < kMaxConcurrent) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (now - next.since >= kMaxWait) {
      Deliver({.name = std::move(next.name)}, answers_);
    } else {
      client_->Begin(std::move(next.name), options_);
    }
  }
}

void WebhookSource::Finish() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(client_->multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(client_->multi.get(), easy);
    const auto transfer = std::move(client_->transfers.at(easy));
    client_->transfers.erase(easy);
    UserAnswer answer{.name = transfer->name};
    if (code != CURLE_OK) {
      const bool too_long = code == CURLE_WRITE_ERROR;
      spdlog::warn("users: the webhook failed: {}",
                   too_long ? "its answer is too long" : curl_easy_strerror(code));
    } else if (status == 404) {
      answer.verdict = UserAnswer::Verdict::kNotFound;
    } else if (status != 200) {
      spdlog::warn("users: the webhook answered {}", status);
    } else if (const auto user = ReadUser(transfer->answer)) {
      answer.verdict = UserAnswer::Verdict::kFound;
      answer.user = MakeUser(transfer->name, *user);
    } else {
      spdlog::warn("users: the webhook's answer is not an object of texts in JSON");
    }
    Deliver(std::move(answer), answers_);
  }
}

}  // namespace lastmile::users
