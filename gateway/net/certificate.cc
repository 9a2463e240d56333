#include "gateway/net/certificate.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "base/c_handle.h"
#include "base/endpoint.h"
#include "base/host_name.h"
#include "gateway/net/sentences.h"

namespace lastmile::net {
namespace {

using AlternativeNames = CHandle<GENERAL_NAMES, GENERAL_NAMES_free>;

std::string DateOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string AddressText(const ASN1_OCTET_STRING* bytes) {
  const auto* data = ASN1_STRING_get0_data(bytes);
  if (ASN1_STRING_length(bytes) == 4) return IpAddress::V4(LoadBe32(data)).ToString();
  if (ASN1_STRING_length(bytes) != 16) return "?";
  std::array<uint8_t, 16> v6;
  std::copy_n(data, v6.size(), v6.begin());
  return IpAddress::V6(v6).ToString();
}

std::string EntryOf(const X509_NAME* name, int nid) {
  const int index = X509_NAME_get_index_by_NID(name, nid, -1);
  const X509_NAME_ENTRY* entry = index < 0 ? nullptr : X509_NAME_get_entry(name, index);
  return entry ? TextOf(X509_NAME_ENTRY_get_data(entry)) : "";
}

std::string CommonName(const X509_NAME* name) { return EntryOf(name, NID_commonName); }

AlternativeNames AlternativesOf(const X509* certificate) {
  return AlternativeNames(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

// "sip:acme.example" -> "acme.example"; "" for what names a user, or is no sip: URI.
std::string DomainOfUri(std::string uri) {
  constexpr std::string_view kScheme = "sip:";
  uri = LowerCaseName(std::move(uri));
  if (!uri.starts_with(kScheme) || uri.find('@') != std::string::npos) return "";
  uri.erase(0, kScheme.size());
  return uri.substr(0, uri.find_first_of(":;?"));
}

}  // namespace

std::vector<std::string> NamesOf(const X509* certificate) {
  std::vector<std::string> names;
  const auto alternatives = AlternativesOf(certificate);
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(TextOf(name->d.dNSName));
    if (name->type == GEN_URI) names.push_back(TextOf(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) names.push_back(AddressText(name->d.iPAddress));
  }
  if (names.empty()) {
    if (auto common = CommonName(X509_get_subject_name(certificate)); !common.empty()) {
      names.push_back(std::move(common));
    }
  }
  return names;
}

std::vector<std::string> SipDomainsOf(const X509* certificate) {
  std::vector<std::string> uris;
  std::vector<std::string> hosts;
  const auto alternatives = AlternativesOf(certificate);
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_URI)
      uris.push_back(DomainOfUri(TextOf(name->d.uniformResourceIdentifier)));
    if (name->type == GEN_DNS) hosts.push_back(LowerCaseName(TextOf(name->d.dNSName)));
  }
  std::erase_if(uris, [](const std::string& uri) { return !IsHostName(uri); });
  std::erase_if(hosts, [](const std::string& host) { return !IsHostName(host); });
  return uris.empty() ? hosts : uris;
}

std::string IssuerOf(const X509* certificate) {
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  std::string name = CommonName(issuer);
  return name.empty() ? EntryOf(issuer, NID_organizationName) : name;
}

int64_t ExpiryOf(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return 0;
  return timegm(&parts);
}

std::string PinOf(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return "";
  std::array<unsigned char, 32> hash;
  const int hashed =
      EVP_Digest(der, static_cast<size_t>(size), hash.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  if (hashed != 1) return "";
  std::array<unsigned char, 4 * ((32 + 2) / 3) + 1> text;
  const int length = EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(hash.size()));
  return "sha256/" + std::string(text.begin(), text.begin() + length);
}

StreamEnd CertificateFault(int error, const X509* certificate, const std::string& server_name) {
  if (!certificate) return {StreamFault::kCertificate, "sent no certificate"};
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {StreamFault::kSelfSigned, "has a self-signed certificate"};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return {StreamFault::kAuthority,
              fmt::format("has a certificate of an authority that is not trusted ({})",
                          NameList({CommonName(X509_get_issuer_name(certificate))}))};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {StreamFault::kExpired, fmt::format("has a certificate which expired on {}",
                                                 DateOf(X509_get0_notAfter(certificate)))};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {StreamFault::kNotYetValid,
              fmt::format("has a certificate which is not valid before {}",
                          DateOf(X509_get0_notBefore(certificate)))};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {StreamFault::kWrongName, fmt::format("has a certificate for {}, not for {}",
                                                   NameList(NamesOf(certificate)), server_name)};
    case X509_V_ERR_INVALID_PURPOSE:
      return {StreamFault::kWrongUsage, "has a certificate which is not meant for TLS servers"};
    default:
      return {StreamFault::kCertificate, fmt::format("has a certificate that is refused: {}",
                                                     X509_verify_cert_error_string(error))};
  }
}

}  // namespace lastmile::net
