#ifndef LASTMILE_GATEWAY_NET_DNS_MESSAGE_H_
#define LASTMILE_GATEWAY_NET_DNS_MESSAGE_H_

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/dns.h"

// What a name server's bytes say. Hostile: time and memory are bounded by their length, and names
// with anything but letters, digits, '-', '_' and '.' in them are left out. Pure; thread: any.
namespace lastmile::net {

// More than this a message may carry, but nobody connects to so many: those of the lowest priority
// (NAPTR: order, then preference) are kept, in that order.
constexpr size_t kMaxDnsRecords = 64;
// CNAME records from the name that was asked for to the one that has the records.
constexpr int kMaxDnsAliases = 8;

// The records of `type` (kSrv or kNaptr) for `name` in a response (RFC 1035 section 4) without
// error. kNoRecord: it has none. kFailed: it is broken, or its CNAMEs lead nowhere. Of NAPTR those
// count that RFC 3263 section 4.1 knows: flag "s", without a regular expression.
DnsAnswer ReadDnsMessage(ByteView message, const std::string& name, DnsType type);

// "the name sip.example has no SRV record".
std::string NoRecordSentence(const std::string& name, DnsType type);

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_DNS_MESSAGE_H_
