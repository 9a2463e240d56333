// What a name server could send. Whatever it is, there is an answer with a reason or with records
// that somebody can connect to.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/net/dns_message.h"

namespace {

bool IsConnectable(const std::string& name) {
  return !name.empty() && name.size() <= 253 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile;
  for (const DnsType type : {DnsType::kSrv, DnsType::kNaptr}) {
    const DnsAnswer answer = net::ReadDnsMessage(ByteView(data, size), "_s.x", type);
    const size_t found = answer.services.size() + answer.pointers.size();
    if ((answer.status == DnsStatus::kFound) != (found > 0)) std::abort();
    if (answer.reason.empty() != (found > 0) || found > net::kMaxDnsRecords) std::abort();
    for (const SrvRecord& record : answer.services) {
      if (record.port == 0 || !IsConnectable(record.target)) std::abort();
    }
    for (const NaptrRecord& record : answer.pointers) {
      if (!IsConnectable(record.replacement)) std::abort();
    }
  }
  return 0;
}
