#include "gateway/net/dns_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/host_name.h"

namespace lastmile::net {
namespace {

constexpr size_t kMaxName = 253;
constexpr uint16_t kClassIn = 1;
constexpr uint16_t kTypeCname = 5;
constexpr uint16_t kTypeSrv = 33;
constexpr uint16_t kTypeNaptr = 35;

bool IsNameChar(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Walks through a message. After a fault every read gives nothing.
class Reader {
 public:
  explicit Reader(ByteView message) : message_(message) {}

  bool broken() const { return broken_; }
  size_t at() const { return at_; }
  void Skip(size_t count) {
    if (Has(count)) at_ += count;
  }
  uint16_t Number16() {
    if (!Has(2)) return 0;
    at_ += 2;
    return LoadBe16(message_.data() + at_ - 2);
  }
  uint32_t Number32() {
    const uint32_t high = Number16();
    return high << 16 | Number16();
  }
  // RFC 1035 section 3.3: a length and as many characters.
  std::string Text() {
    if (!Has(1)) return "";
    const size_t length = message_[at_];
    if (!Has(1 + length)) return "";
    at_ += 1 + length;
    return std::string(AsText(message_.subspan(at_ - length, length)));
  }
  // In lower case, without the last dot; "" is the root. A name nobody could connect to has a '?'.
  std::string Name();

 private:
  bool Has(size_t count) {
    if (count > message_.size() - at_) broken_ = true;
    return !broken_;
  }

  const ByteView message_;
  size_t at_ = 0;
  bool broken_ = false;
};

// A pointer leads to an earlier place than the one before it (RFC 1035 section 4.1.4): that ends.
std::string Reader::Name() {
  std::string name;
  std::optional<size_t> behind;  // the first pointer
  size_t limit = at_;
  while (Has(1)) {
    const size_t length = message_[at_];
    if ((length & 0xc0) == 0xc0) {
      if (!Has(2)) break;
      const size_t target = LoadBe16(message_.data() + at_) & 0x3fff;
      if (!behind) behind = at_ + 2;
      if (target >= limit) break;
      limit = at_ = target;
      continue;
    }
    if (length > 63 || !Has(1 + length)) break;
    ++at_;
    if (length == 0) {
      if (behind) at_ = *behind;
      return LowerCaseName(std::move(name));
    }
    if (name.size() + 1 + length > kMaxName) break;
    if (!name.empty()) name += '.';
    for (const uint8_t c : message_.subspan(at_, length)) {
      name += IsNameChar(c) ? static_cast<char>(c) : '?';
    }
    at_ += length;
  }
  broken_ = true;
  return "";
}

bool IsUsable(const std::string& name) {
  return !name.empty() && name.find('?') == std::string::npos;
}

std::string Canonical(const std::string& name) {
  std::string canonical = LowerCaseName(name);
  if (canonical.ends_with('.')) canonical.pop_back();
  return canonical;
}

struct Found {
  std::string owner;
  uint32_t ttl = 0;
  SrvRecord service;
  NaptrRecord pointer;
};
struct Alias {
  std::string target;
  uint32_t ttl = 0;
};

// What an answer section has of the wanted type, whoever owns it.
struct Section {
  std::vector<Found> records;
  std::map<std::string, Alias> aliases;
  bool not_offered = false;  // an SRV whose target is the root
};

// False: the record is none to use.
bool ReadSrv(Reader& reader, Section& section, Found& found) {
  found.service.priority = reader.Number16();
  found.service.weight = reader.Number16();
  found.service.port = reader.Number16();
  found.service.target = reader.Name();
  if (found.service.target.empty() && !reader.broken()) section.not_offered = true;
  return IsUsable(found.service.target) && found.service.port != 0;
}

bool ReadNaptr(Reader& reader, Found& found) {
  found.pointer.order = reader.Number16();
  found.pointer.preference = reader.Number16();
  const std::string flags = reader.Text();
  found.pointer.service = reader.Text();
  const bool regular_expression = !reader.Text().empty();
  found.pointer.replacement = reader.Name();
  return (flags == "s" || flags == "S") && !regular_expression &&
         IsUsable(found.pointer.replacement);
}

Section ReadAnswers(Reader& reader, uint16_t count, DnsType wanted) {
  Section section;
  const uint16_t wanted_type = wanted == DnsType::kSrv ? kTypeSrv : kTypeNaptr;
  for (int i = 0; i < count && !reader.broken(); ++i) {
    Found found{.owner = reader.Name(), .ttl = 0, .service = {}, .pointer = {}};
    const uint16_t type = reader.Number16();
    const uint16_t record_class = reader.Number16();
    // RFC 2181 section 8: with the highest bit set it is to be treated as zero.
    found.ttl = reader.Number32();
    if (found.ttl > uint32_t{std::numeric_limits<int32_t>::max()}) found.ttl = 0;
    const size_t length = reader.Number16();
    const size_t end = reader.at() + length;
    const bool ours = record_class == kClassIn && !reader.broken();
    if (ours && type == kTypeCname) {
      section.aliases[found.owner] = {reader.Name(), found.ttl};
    } else if (ours && type == wanted_type) {
      const bool usable =
          type == kTypeSrv ? ReadSrv(reader, section, found) : ReadNaptr(reader, found);
      if (usable) section.records.push_back(std::move(found));
    } else {
      reader.Skip(length);
    }
    if (reader.at() != end) reader.Skip(SIZE_MAX);  // longer or shorter than it says
  }
  return section;
}

template <class Record, class Rank>
void KeepBest(std::vector<Record>& records, Rank rank) {
  if (records.size() <= kMaxDnsRecords) return;
  std::ranges::stable_sort(records, {}, rank);
  records.resize(kMaxDnsRecords);
}

DnsAnswer Failed(std::string reason) {
  return {.status = DnsStatus::kFailed,
          .reason = std::move(reason),
          .addresses = {},
          .services = {},
          .pointers = {}};
}

}  // namespace

std::string NoRecordSentence(const std::string& name, DnsType type) {
  const char* what = type == DnsType::kAddress ? "address"
                     : type == DnsType::kSrv   ? "SRV record"
                                               : "NAPTR record";
  return fmt::format("the name {} has no {}", name, what);
}

DnsAnswer ReadDnsMessage(ByteView message, const std::string& name, DnsType type) {
  Reader reader(message);
  reader.Skip(4);
  const uint16_t questions = reader.Number16();
  const uint16_t answers = reader.Number16();
  reader.Skip(4);
  for (int i = 0; i < questions && !reader.broken(); ++i) {
    reader.Name();
    reader.Skip(4);
  }
  const Section section = ReadAnswers(reader, answers, type);
  if (reader.broken()) {
    return Failed(fmt::format("a name server's answer for {} is broken", name));
  }
  uint32_t ttl = std::numeric_limits<int32_t>::max();
  std::string owner = Canonical(name);
  int steps = 0;
  for (auto alias = section.aliases.find(owner); alias != section.aliases.end();
       alias = section.aliases.find(owner)) {
    if (++steps > kMaxDnsAliases) {
      return Failed(fmt::format("the name {} is an alias (CNAME) that leads nowhere", name));
    }
    owner = alias->second.target;
    ttl = std::min(ttl, alias->second.ttl);
  }
  DnsAnswer answer{.status = DnsStatus::kNoRecord,
                   .reason = {},
                   .addresses = {},
                   .services = {},
                   .pointers = {}};
  for (const Found& found : section.records) {
    if (found.owner != owner) continue;
    ttl = std::min(ttl, found.ttl);
    if (type == DnsType::kSrv) answer.services.push_back(found.service);
    if (type == DnsType::kNaptr) answer.pointers.push_back(found.pointer);
  }
  if (answer.services.empty() && answer.pointers.empty()) {
    answer.reason = section.not_offered ? fmt::format("{} is not offered (its SRV says so)", name)
                                        : NoRecordSentence(name, type);
    return answer;
  }
  answer.status = DnsStatus::kFound;
  answer.ttl = std::chrono::seconds(ttl);
  KeepBest(answer.services, [](const SrvRecord& record) { return record.priority; });
  KeepBest(answer.pointers,
           [](const NaptrRecord& record) { return std::pair(record.order, record.preference); });
  return answer;
}

}  // namespace lastmile::net
