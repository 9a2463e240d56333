#ifndef LASTMILE_TESTS_SUPPORT_JWT_SAMPLES_H_
#define LASTMILE_TESTS_SUPPORT_JWT_SAMPLES_H_

#include <string>
#include <string_view>

// Tokens (RFC 7515, RFC 7519) as an application's server would make them, on OpenSSL alone.
namespace lastmile::testing {

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};
// Made once in a process.
const KeyPair& RsaKeys();
const KeyPair& EcKeys();  // P-256

// `algorithm`: "none", HS256, HS384, HS512 (key: the secret), RS256, ES256 (key: a private key in
// PEM). `claims` is JSON.
std::string MakeToken(std::string_view algorithm, std::string_view key, std::string_view claims);

}  // namespace lastmile::testing

#endif  // LASTMILE_TESTS_SUPPORT_JWT_SAMPLES_H_
