#ifndef LASTMILE_GATEWAY_NET_CERTIFICATE_H_
#define LASTMILE_GATEWAY_NET_CERTIFICATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/net/stream_hub.h"

struct x509_st;

// What an X.509 certificate says, for people and for those who decide by it. Its names are hostile
// text. Inside gateway/net only. Thread: any.
namespace lastmile::net {

// The names a certificate is for: its subjectAltName, or without any its common name.
std::vector<std::string> NamesOf(const x509_st* certificate);

// The SIP domains it vouches for, in lower case: the hosts of its sip: URIs, or without any its DNS
// names (RFC 5922 section 7.1). The common name does not count, and a wildcard is no domain
// (section 7.2).
std::vector<std::string> SipDomainsOf(const x509_st* certificate);

// As in ServerCertificate.
std::string IssuerOf(const x509_st* certificate);
int64_t ExpiryOf(const x509_st* certificate);

// As in TlsClientOptions::pins; "": a key that cannot be read.
std::string PinOf(const x509_st* certificate);

// Why OpenSSL refused it (X509_V_ERR_...), as a predicate about the server: "has a self-signed
// certificate". `certificate` is the one of the chain that the error is about, or null.
StreamEnd CertificateFault(int error, const x509_st* certificate, const std::string& server_name);

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_CERTIFICATE_H_
