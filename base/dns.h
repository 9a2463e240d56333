#ifndef LASTMILE_BASE_DNS_H_
#define LASTMILE_BASE_DNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"

// What a name server says, as values: asked by the shell, judged by cores. Thread: any.
namespace lastmile {

enum class DnsType { kAddress, kSrv, kNaptr };  // kAddress: A and AAAA, the hosts file first

// RFC 3403 section 4.1; a record with a regular expression is of no use to SIP and left out.
struct NaptrRecord {
  uint16_t order = 0;
  uint16_t preference = 0;
  std::string service;      // "SIPS+D2T"
  std::string replacement;  // a name
  bool operator==(const NaptrRecord&) const = default;
};

// RFC 2782.
struct SrvRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;  // a name; "." is left out: the service is not there
  bool operator==(const SrvRecord&) const = default;
};

enum class DnsStatus {
  kFound,     // at least one record of the type
  kNoName,    // NXDOMAIN
  kNoRecord,  // the name has no such record
  kFailed,    // SERVFAIL, a broken answer, or no answer in time
};

struct DnsAnswer {
  DnsStatus status = DnsStatus::kFailed;
  std::string reason;                // a sentence that names the host; "" if found
  Duration ttl = Duration::zero();   // of the record that lives shortest
  std::vector<IpAddress> addresses;  // in the order to try them (RFC 6724)
  std::vector<SrvRecord> services;   // as they came
  std::vector<NaptrRecord> pointers;
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_DNS_H_
