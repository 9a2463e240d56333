#include "gateway/browser/registrar.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <ranges>
#include <utility>

namespace lastmile::browser {
namespace {

uint32_t WantedExpires(const sip::NameAddr& contact, const sip::Message& request) {
  uint32_t seconds = request.expires.value_or(Registrar::kDefaultExpires);
  if (const std::string* text = contact.params.Find("expires")) {
    uint32_t own = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), own);
    if (error == std::errc() && end == text->data() + text->size()) seconds = own;
  }
  return std::min(seconds, Registrar::kMaxExpires);
}

// The same browser again: the instance it names (RFC 5626), else the same Contact URI.
bool SameDevice(const sip::NameAddr& a, const sip::NameAddr& b) {
  const std::string* instance_a = a.params.Find("+sip.instance");
  const std::string* instance_b = b.params.Find("+sip.instance");
  if (instance_a && instance_b) return *instance_a == *instance_b;
  return a.uri == b.uri;
}

void DropExpires(sip::NameAddr& contact) {
  std::erase_if(contact.params.list, [](const auto& param) { return param.first == "expires"; });
}

}  // namespace

std::string DeviceOf(const sip::NameAddr& contact) {
  const std::string* instance = contact.params.Find("+sip.instance");
  return instance ? *instance : contact.uri.user;
}

Registrar::Registrar(std::vector<User> users) {
  for (User& user : users) users_.emplace(user.name, std::move(user));
}

const User* Registrar::FindUser(std::string_view name) const {
  const auto found = users_.find(std::string(name));
  return found == users_.end() ? nullptr : &found->second;
}

RegisterResult Registrar::Register(const User& user, sip::FlowId flow, const sip::Message& request,
                                   TimePoint now) {
  auto& bindings = bindings_[user.name];
  std::erase_if(bindings, [&](const Binding& b) { return b.expires_at <= now; });
  if (request.contact_star) {
    if (request.expires != 0u) {
      return {.status = 400, .reason = "Contact: * needs Expires: 0", .contacts = {}};
    }
    std::erase_if(bindings, [&](const Binding& b) { return b.flow == flow; });
  }
  for (const sip::NameAddr& contact : request.contacts) {
    const uint32_t seconds = WantedExpires(contact, request);
    if (seconds != 0 && seconds < kMinExpires) {
      return {.status = 423, .reason = "the registration is too brief", .contacts = {}};
    }
    std::erase_if(bindings, [&](const Binding& b) { return SameDevice(b.contact, contact); });
    if (seconds == 0) continue;
    if (bindings.size() >= kMaxBindings) {
      return {.status = 403, .reason = "too many devices are registered", .contacts = {}};
    }
    Binding binding{.flow = flow, .contact = contact, .expires_at = now + seconds * 1s};
    DropExpires(binding.contact);
    next_expiry_ = std::min(next_expiry_, binding.expires_at);
    bindings.push_back(std::move(binding));
  }
  RegisterResult result;
  for (const Binding& binding : bindings) {
    sip::NameAddr contact = binding.contact;
    const auto left = std::chrono::ceil<std::chrono::seconds>(binding.expires_at - now);
    contact.params.Set("expires", std::to_string(left.count()));
    result.contacts.push_back(std::move(contact));
  }
  if (bindings.empty()) bindings_.erase(user.name);
  return result;
}

void Registrar::RemoveFlow(sip::FlowId flow) {
  for (auto it = bindings_.begin(); it != bindings_.end();) {
    std::erase_if(it->second, [&](const Binding& b) { return b.flow == flow; });
    it = it->second.empty() ? bindings_.erase(it) : std::next(it);
  }
}

void Registrar::OnTimer(TimePoint now) {
  if (now < next_expiry_) return;
  next_expiry_ = kNever;
  for (auto it = bindings_.begin(); it != bindings_.end();) {
    std::erase_if(it->second, [&](const Binding& b) { return b.expires_at <= now; });
    for (const Binding& b : it->second) next_expiry_ = std::min(next_expiry_, b.expires_at);
    it = it->second.empty() ? bindings_.erase(it) : std::next(it);
  }
}

std::vector<const Binding*> Registrar::FindAll(std::string_view user, TimePoint now) const {
  std::vector<const Binding*> alive;
  const auto found = bindings_.find(std::string(user));
  if (found == bindings_.end()) return alive;
  for (const Binding& binding : found->second | std::views::reverse) {
    const bool is_known = std::ranges::any_of(
        alive, [&](const Binding* other) { return SameDevice(other->contact, binding.contact); });
    if (binding.expires_at > now && !is_known) alive.push_back(&binding);
  }
  return alive;
}

const Binding* Registrar::FindOnFlow(std::string_view user, sip::FlowId flow) const {
  const auto found = bindings_.find(std::string(user));
  if (found == bindings_.end()) return nullptr;
  const auto binding =
      std::ranges::find_if(found->second, [&](const Binding& b) { return b.flow == flow; });
  return binding == found->second.end() ? nullptr : &*binding;
}

size_t Registrar::binding_count() const {
  size_t count = 0;
  for (const auto& [user, bindings] : bindings_) count += bindings.size();
  return count;
}

}  // namespace lastmile::browser
