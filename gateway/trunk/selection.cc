#include "gateway/trunk/selection.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "gateway/sip/lexical.h"

namespace lastmile::trunk {
namespace {

std::string TransportService(std::string_view host, bool tls) {
  return (tls ? "_sips._tcp." : "_sip._tcp.") + std::string(host);
}

// Takes entry `drawn` of those that are left and returns its index.
size_t Take(std::vector<size_t>& left, size_t drawn) {
  const size_t index = left[drawn];
  left.erase(left.begin() + static_cast<ptrdiff_t>(drawn));
  return index;
}

// Position in `left`: entries of weight 0 stand first and are drawn by a zero alone.
size_t Draw(const std::vector<PriorityWeight>& entries, const std::vector<size_t>& left,
            RandomSource& random) {
  uint64_t sum = 0;
  for (const size_t index : left) sum += entries[index].weight;
  const uint64_t drawn = random.Next64() % (sum + 1);
  uint64_t running = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    running += entries[left[i]].weight;
    if (running >= drawn) return i;
  }
  return left.size() - 1;
}

}  // namespace

std::vector<size_t> DrawOrder(const std::vector<PriorityWeight>& entries, RandomSource& random) {
  std::vector<size_t> by_priority(entries.size());
  std::iota(by_priority.begin(), by_priority.end(), size_t{0});
  std::ranges::stable_sort(by_priority, {}, [&](size_t i) {
    return std::pair(entries[i].priority, entries[i].weight != 0);
  });
  std::vector<size_t> order;
  while (order.size() < entries.size()) {
    const uint16_t priority = entries[by_priority[order.size()]].priority;
    std::vector<size_t> left;
    for (size_t i = order.size(); i < by_priority.size(); ++i) {
      if (entries[by_priority[i]].priority == priority) left.push_back(by_priority[i]);
    }
    while (left.size() > 1) order.push_back(Take(left, Draw(entries, left, random)));
    order.push_back(left.front());
  }
  return order;
}

Selection::Selection(const ConfiguredServer& server, bool tls)
    : host_(server.host), port_(server.port), tls_(tls) {
  if (const auto address = IpAddress::Parse(host_)) {
    hosts_.push_back({.endpoints = {{*address, port_ == 0 ? DefaultPort(tls) : port_}}});
    done_ = true;
  } else if (port_ != 0) {
    services_.push_back({.port = port_, .target = host_});
    AskAddresses();
  } else {
    Ask(host_, DnsType::kNaptr);
  }
}

void Selection::Ask(std::string name, DnsType type) {
  ++asked_;
  ++unanswered_;
  queries_.push_back({std::move(name), type});
}

void Selection::OnAnswer(const Query& query, const DnsAnswer& answer) {
  if (done_ || unanswered_ == 0) return;
  --unanswered_;
  if (answer.status == DnsStatus::kFound) {
    ttl_ = std::min(ttl_, answer.ttl);
  } else {
    failure_ = answer.reason;
    unsure_ |= answer.status == DnsStatus::kFailed;
  }
  switch (query.type) {
    case DnsType::kNaptr:
      return OnPointers(answer);
    case DnsType::kSrv:
      return OnServices(query.name, answer);
    case DnsType::kAddress:
      return OnAddresses(query.name, answer);
  }
}

// RFC 3263 section 4.1: of those for the transport, by order and preference.
void Selection::OnPointers(const DnsAnswer& answer) {
  std::vector<NaptrRecord> ours = answer.pointers;
  std::erase_if(ours, [&](const NaptrRecord& record) {
    return !sip::EqualNoCase(record.service, tls_ ? "SIPS+D2T" : "SIP+D2T") ||
           record.replacement.empty();
  });
  std::ranges::stable_sort(ours, std::greater<>(), [](const NaptrRecord& record) {
    return std::pair(record.order, record.preference);
  });
  const std::string own = TransportService(host_, tls_);
  service_names_.push_back(own);
  for (NaptrRecord& record : ours) {
    if (record.replacement != own) service_names_.push_back(std::move(record.replacement));
  }
  AskNextService();
}

void Selection::AskNextService() {
  // One query is kept for the addresses.
  if (service_names_.empty() || asked_ + 1 >= kMaxQueries) {
    services_.push_back({.port = DefaultPort(tls_), .target = host_});
    return AskAddresses();
  }
  std::string name = std::move(service_names_.back());
  service_names_.pop_back();
  Ask(std::move(name), DnsType::kSrv);
}

void Selection::OnServices(const std::string& name, const DnsAnswer& answer) {
  services_ = answer.services;
  std::erase_if(services_,
                [](const SrvRecord& record) { return record.target.empty() || record.port == 0; });
  if (!services_.empty()) return AskAddresses();
  if (answer.status == DnsStatus::kFound) failure_ = name + " names no server";
  AskNextService();
}

// Of more names than may be asked for, those that would be tried first.
void Selection::AskAddresses() {
  std::ranges::stable_sort(services_, {}, [](const SrvRecord& record) {
    return std::tuple(record.priority, UINT16_MAX - record.weight);
  });
  for (const SrvRecord& record : services_) {
    if (addresses_.size() == kMaxEndpoints) break;
    const bool known = std::ranges::any_of(
        addresses_, [&](const auto& entry) { return entry.first == record.target; });
    if (known) continue;
    if (const auto address = IpAddress::Parse(record.target)) {
      addresses_.push_back({record.target, {*address}});
    } else if (asked_ < kMaxQueries) {
      addresses_.push_back({record.target, {}});
      Ask(record.target, DnsType::kAddress);
    }
  }
  if (unanswered_ == 0) Finish();
}

void Selection::OnAddresses(const std::string& name, const DnsAnswer& answer) {
  const auto entry =
      std::ranges::find(addresses_, name, &std::pair<std::string, std::vector<IpAddress>>::first);
  if (entry != addresses_.end()) entry->second = answer.addresses;
  if (unanswered_ == 0) Finish();
}

void Selection::Finish() {
  done_ = true;
  size_t count = 0;
  for (const SrvRecord& record : services_) {
    const auto entry = std::ranges::find(addresses_, record.target,
                                         &std::pair<std::string, std::vector<IpAddress>>::first);
    if (entry == addresses_.end() || entry->second.empty()) continue;
    ServerHost host{.priority = record.priority, .weight = record.weight};
    for (const IpAddress& address : entry->second) {
      if (count == kMaxEndpoints) break;
      host.endpoints.push_back({address, record.port});
      ++count;
    }
    if (!host.endpoints.empty()) hosts_.push_back(std::move(host));
  }
  if (hosts_.empty() && failure_.empty()) failure_ = "there is no address for " + host_;
  if (!hosts_.empty()) failure_.clear();
}

}  // namespace lastmile::trunk
