#include "tests/support/dtls_peer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <deque>
#include <stdexcept>
#include <utility>

#include "base/c_handle.h"

namespace lastmile::test {

namespace {

constexpr size_t kRecordHeader = 13;
constexpr unsigned kPaddingExtension = 0xfafa;  // a GREASE value: never assigned

// In a test a failed set-up is a bug of the test.
template <class T>
T Must(T value) {
  if (!value) throw std::runtime_error("OpenSSL set-up failed");
  return value;
}

const EVP_MD* AlgorithmOf(const std::string& hash) {
  if (hash == "sha-1") return EVP_sha1();
  if (hash == "sha-384") return EVP_sha384();
  if (hash == "sha-512") return EVP_sha512();
  return EVP_sha256();
}

media::DtlsFingerprint FingerprintOf(const X509* certificate, const std::string& hash) {
  if (!certificate) return {hash, {}};
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  Must(X509_digest(certificate, AlgorithmOf(hash), digest.data(), &size));
  digest.resize(size);
  return {hash, digest};
}

int AddPadding(SSL*, unsigned, unsigned, const unsigned char** out, size_t* size, X509*, size_t,
               int*, void* argument) {
  auto* padding = static_cast<Bytes*>(argument);
  *out = padding->data();
  *size = padding->size();
  return 1;
}

}  // namespace

struct DtlsPeer::Impl {
  Options options;
  Bytes padding;
  CHandle<SSL_CTX, SSL_CTX_free> ctx{Must(SSL_CTX_new(DTLS_method()))};
  CHandle<X509, X509_free> certificate{Must(X509_new())};
  CHandle<SSL, SSL_free> ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
  std::deque<Bytes> datagrams;
  bool connected = false;
  bool failed = false;
  std::string failure;

  explicit Impl(const Options& wanted) : options(wanted), padding(wanted.hello_padding, 0) {
    MakeCertificate();
    Must(SSL_CTX_set_max_proto_version(ctx.get(), DTLS1_2_VERSION));
    if (!options.srtp_profiles.empty()) {
      Must(SSL_CTX_set_tlsext_use_srtp(ctx.get(), options.srtp_profiles.c_str()) == 0);
    }
    if (!padding.empty()) {
      Must(SSL_CTX_add_custom_ext(ctx.get(), kPaddingExtension, SSL_EXT_CLIENT_HELLO, AddPadding,
                                  nullptr, &padding, nullptr, nullptr));
    }
    SSL_CTX_set_options(ctx.get(), SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    ssl.reset(Must(SSL_new(ctx.get())));
    in = Must(BIO_new(BIO_s_mem()));
    out = Must(BIO_new(BIO_s_mem()));
    SSL_set_bio(ssl.get(), in, out);
    Must(SSL_set_mtu(ssl.get(), options.mtu));
    DTLS_set_timer_cb(ssl.get(), [](SSL*, unsigned previous_us) {
      return previous_us == 0 ? 50'000 : 2 * previous_us;  // as Chromium does
    });
    if (options.role == media::DtlsRole::kClient) {
      SSL_set_connect_state(ssl.get());
    } else {
      SSL_set_accept_state(ssl.get());
    }
  }

  void MakeCertificate() {
    const CHandle<EVP_PKEY, EVP_PKEY_free> key(
        Must(options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")));
    X509* x509 = certificate.get();
    Must(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1));
    Must(X509_gmtime_adj(X509_getm_notBefore(x509), -3600));
    Must(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
    Must(X509_set_pubkey(x509, key.get()));
    Must(X509_sign(x509, key.get(), EVP_sha256()));
    if (!options.certificate) return;
    Must(SSL_CTX_use_certificate(ctx.get(), x509));
    Must(SSL_CTX_use_PrivateKey(ctx.get(), key.get()));
  }

  void Run() {
    if (!failed) Step();
    Collect();
  }

  void Step() {
    ERR_clear_error();
    if (!connected) {
      const int result = SSL_do_handshake(ssl.get());
      if (result != 1) return Judge(result);
      connected = true;
    }
    uint8_t dropped[2048];
    int result = 0;
    while ((result = SSL_read(ssl.get(), dropped, sizeof(dropped))) > 0) {
    }
    Judge(result);
  }

  void Judge(int result) {
    const int error = SSL_get_error(ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return;
    failed = true;
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    failure = reason ? reason : "unknown";
  }

  // A memory BIO joins what OpenSSL wrote; datagrams are made of it as Chromium does, with as many
  // records as fit.
  void Collect() {
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(out, &data));
    const auto* bytes = reinterpret_cast<const uint8_t*>(data);
    for (size_t at = 0; at + kRecordHeader <= size;) {
      const size_t length = kRecordHeader + LoadBe16(bytes + at + 11);
      const bool join = at > 0 && !options.split_records &&
                        datagrams.back().size() + length <= static_cast<size_t>(options.mtu);
      if (!join) datagrams.emplace_back();
      datagrams.back().insert(datagrams.back().end(), bytes + at, bytes + at + length);
      at += length;
    }
    (void)BIO_reset(out);
  }

  // RFC 5764 section 4.2.
  media::SrtpKeys KeysOf(bool client) const {
    const std::string name = SSL_get_selected_srtp_profile(ssl.get())->name;
    media::SrtpKeys keys;
    if (name == "SRTP_AES128_CM_SHA1_80") keys.profile = media::SrtpProfile::kAes128CmHmacSha1_80;
    if (name == "SRTP_AES128_CM_SHA1_32") keys.profile = media::SrtpProfile::kAes128CmHmacSha1_32;
    if (name == "SRTP_AEAD_AES_128_GCM") keys.profile = media::SrtpProfile::kAeadAes128Gcm;
    if (name == "SRTP_AEAD_AES_256_GCM") keys.profile = media::SrtpProfile::kAeadAes256Gcm;
    const bool gcm = name.find("GCM") != std::string::npos;
    const size_t key = name == "SRTP_AEAD_AES_256_GCM" ? 32 : 16;
    const size_t salt = gcm ? 12 : 14;
    Bytes material(2 * key + 2 * salt);
    constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
    Must(SSL_export_keying_material(ssl.get(), material.data(), material.size(), kLabel.data(),
                                    kLabel.size(), nullptr, 0, 0));
    const uint8_t* client_key = material.data();
    const uint8_t* server_key = client_key + key;
    const uint8_t* client_salt = server_key + key;
    const uint8_t* server_salt = client_salt + salt;
    const uint8_t* own_key = client ? client_key : server_key;
    const uint8_t* own_salt = client ? client_salt : server_salt;
    keys.master_key.assign(own_key, own_key + key);
    keys.master_salt.assign(own_salt, own_salt + salt);
    return keys;
  }
};

DtlsPeer::DtlsPeer(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
DtlsPeer::~DtlsPeer() = default;

void DtlsPeer::Start() { impl_->Run(); }

void DtlsPeer::OnDatagram(ByteView datagram) {
  OnTimer();  // what is overdue goes first, in a datagram of its own
  BIO_write(impl_->in, datagram.data(), static_cast<int>(datagram.size()));
  impl_->Run();
  (void)BIO_reset(impl_->in);
}

void DtlsPeer::OnTimer() {
  if (impl_->failed || impl_->connected) return;
  ERR_clear_error();
  DTLSv1_handle_timeout(impl_->ssl.get());
  impl_->Collect();
}

bool DtlsPeer::PopDatagram(Bytes& out) {
  if (impl_->datagrams.empty()) return false;
  out = std::move(impl_->datagrams.front());
  impl_->datagrams.pop_front();
  return true;
}

void DtlsPeer::Close() {
  SSL_shutdown(impl_->ssl.get());
  impl_->Collect();
}

bool DtlsPeer::connected() const { return impl_->connected; }
bool DtlsPeer::failed() const { return impl_->failed; }
bool DtlsPeer::closed() const {
  return (SSL_get_shutdown(impl_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}
const std::string& DtlsPeer::failure() const { return impl_->failure; }

media::DtlsFingerprint DtlsPeer::fingerprint(const std::string& hash) const {
  return FingerprintOf(impl_->certificate.get(), hash);
}

media::DtlsFingerprint DtlsPeer::remote_fingerprint() const {
  return FingerprintOf(SSL_get0_peer_certificate(impl_->ssl.get()), "sha-256");
}

std::string DtlsPeer::srtp_profile() const {
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(impl_->ssl.get());
  return profile ? profile->name : "";
}

std::string DtlsPeer::group() const {
  const char* name = OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(impl_->ssl.get())));
  return name ? name : "";
}

media::SrtpKeys DtlsPeer::send_keys() const {
  return impl_->KeysOf(impl_->options.role == media::DtlsRole::kClient);
}

media::SrtpKeys DtlsPeer::receive_keys() const {
  return impl_->KeysOf(impl_->options.role == media::DtlsRole::kServer);
}

}  // namespace lastmile::test
