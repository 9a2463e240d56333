#include "gateway/app/redirects.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/sip/lexical.h"

namespace lastmile::app {
namespace {

// RFC 3261 section 20.10. What is no number from 0 to 1 says nothing, as if it were missing.
double PreferenceOf(const sip::NameAddr& contact) {
  constexpr double kBest = 1;
  const std::string* q = contact.params.Find("q");
  if (!q) return kBest;
  double value = kBest;
  const char* end = q->data() + q->size();
  const auto [stop, error] = std::from_chars(q->data(), end, value, std::chars_format::fixed);
  return error == std::errc() && stop == end && value >= 0 && value <= 1 ? value : kBest;
}

}  // namespace

Redirects::Redirects(std::string dialled) { seen_.push_back(std::move(dialled)); }

void Redirects::Add(const sip::Message& response) {
  std::vector<sip::NameAddr> contacts = response.contacts;
  std::ranges::stable_sort(contacts, std::ranges::greater(), PreferenceOf);
  // More than that are never looked at.
  contacts.resize(std::min(contacts.size(), kMaxTargets));
  for (auto contact = contacts.rbegin(); contact != contacts.rend(); ++contact) {
    waiting_.push_front(contact->uri.dialled());
  }
}

Result<std::string, std::string> Redirects::Next(const Router& router, const route::Caller& caller,
                                                 std::string_view trunk) {
  std::string why = "the carrier redirects the call and does not say where to";
  while (!waiting_.empty()) {
    const std::string number = std::move(waiting_.front());
    waiting_.pop_front();
    if (number.empty()) continue;
    if (std::ranges::find(seen_, number) != seen_.end()) {
      why = "the carrier redirects the call to a number that was tried already";
      continue;
    }
    if (seen_.size() > kMaxTargets) {
      return std::unexpected("the carrier redirects the call more often than is followed");
    }
    seen_.push_back(number);
    const auto trunks = router.Outbound(caller, number).trunks;
    const auto same = std::ranges::find(trunks, trunk, &route::TrunkTry::trunk);
    if (same != trunks.end()) return same->number;
    why = !trunks.empty()
              ? "the carrier redirects the call to a number that is routed to another trunk"
              : "the carrier redirects the call to a number that no route leads to";
  }
  return std::unexpected(std::move(why));
}

}  // namespace lastmile::app
