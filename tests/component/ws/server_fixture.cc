#include "tests/component/ws/server_fixture.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "base/c_handle.h"

namespace lastmile::ws {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

using File = CHandle<std::FILE, std::fclose>;

}  // namespace

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "lastmile-ws-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempFolder::Write(const std::string& name, std::string_view content) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << content;
}

void WriteCertificate(const std::filesystem::path& cert, const std::filesystem::path& key) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> pair(EVP_EC_gen("P-256"));
  const CHandle<X509, X509_free> x509(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), pair.get());
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_sign(x509.get(), pair.get(), EVP_sha256());
  const File cert_file(std::fopen(cert.c_str(), "we"));
  PEM_write_X509(cert_file.get(), x509.get());
  const File key_file(std::fopen(key.c_str(), "we"));
  PEM_write_PrivateKey(key_file.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

EventReader::EventReader(size_t capacity) : mailbox_(capacity) {
  mailbox_.SetWake([this] {
    std::lock_guard lock(mutex_);
    awake_ = true;
    woken_.notify_one();
  });
}

std::optional<Event> EventReader::Next(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (queue_.empty()) {
    {
      std::unique_lock lock(mutex_);
      if (!woken_.wait_until(lock, deadline, [this] { return awake_; })) return std::nullopt;
      awake_ = false;
    }
    mailbox_.Drain(batch_);
    for (Event& event : batch_) queue_.push_back(std::move(event));
  }
  Event event = std::move(queue_.front());
  queue_.pop_front();
  return event;
}

bool Eventually(const std::function<bool()>& condition, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

size_t OpenFileDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

ServerTest::ServerTest() {
  WriteCertificate(folder_.path() / "cert.pem", folder_.path() / "key.pem");
  Listener ws;
  ws.address = Endpoint{IpAddress::V4(0x7f000001), 0};
  ws.config_path = "listen.ws";
  Listener wss = ws;
  wss.tls = true;
  wss.cert_file = folder_.path() / "cert.pem";
  wss.key_file = folder_.path() / "key.pem";
  wss.config_path = "listen.wss";
  options_.listeners = {ws, wss};
  options_.allow_no_origin = true;
}

ServerTest::~ServerTest() {
  if (server_) server_->Stop();
}

void ServerTest::Start(size_t event_capacity) {
  events_ = std::make_unique<EventReader>(event_capacity);
  server_ = std::make_unique<Server>(options_, events_->mailbox());
  auto bound = server_->Start();
  ASSERT_TRUE(bound) << bound.error().message;
  bound_ = *bound;
}

}  // namespace lastmile::ws
