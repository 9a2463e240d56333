#ifndef LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_CERTIFICATE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_CERTIFICATE_H_

#include <vector>

#include "media_anchor/core/leg_plan.h"

// OpenSSL's types by their tags: its headers stay out of ours.
struct ssl_ctx_st;
struct x509_st;

namespace lastmile::media {

// Gives `ctx` a fresh P-256 key with a self-signed certificate and says its sha-256 fingerprint.
// False: OpenSSL failed. Thread: any.
bool UseFreshCertificate(ssl_ctx_st* ctx, DtlsFingerprint& fingerprint);

// The hash functions whose fingerprints are believed: sha-256, sha-384, sha-512. RFC 8122 section 5
// knows weaker ones, which an attacker in the middle of signalling could collide.
bool IsStrongHash(const DtlsFingerprint& fingerprint);

// One of the strong fingerprints in `expected` is that of `certificate` (RFC 8122 section 5).
bool MatchesAny(const x509_st* certificate, const std::vector<DtlsFingerprint>& expected);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_CERTIFICATE_H_
