#include "gateway/browser/registrar.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <ranges>
#include <utility>

#include "gateway/sip/lexical.h"

namespace lastmile::browser {
namespace {

constexpr size_t kMaxInstance = 256;

uint32_t WantedExpires(const sip::NameAddr& contact, const sip::Message& request) {
  uint32_t seconds = request.expires.value_or(Registrar::kDefaultExpires);
  if (const std::string* text = contact.params.Find("expires")) {
    uint32_t own = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), own);
    if (error == std::errc() && end == text->data() + text->size()) seconds = own;
  }
  return std::min(seconds, Registrar::kMaxExpires);
}

const std::string* InstanceOf(const sip::NameAddr& contact) {
  return contact.params.Find("+sip.instance");
}

// The same browser again: the instance it names (RFC 5626), else the same Contact URI.
bool IsSameDevice(const sip::NameAddr& a, const sip::NameAddr& b) {
  const std::string* instance_a = InstanceOf(a);
  const std::string* instance_b = InstanceOf(b);
  if (instance_a && instance_b) return *instance_a == *instance_b;
  return a.uri == b.uri;
}

// RFC 5626 section 6: a device may hold several flows, told apart by reg-id.
bool IsSameBinding(const sip::NameAddr& a, const sip::NameAddr& b) {
  const std::string* id_a = a.params.Find("reg-id");
  const std::string* id_b = b.params.Find("reg-id");
  if (InstanceOf(a) && InstanceOf(b) && id_a && id_b && *id_a != *id_b) return false;
  return IsSameDevice(a, b);
}

// RFC 3261 section 10.3 step 7: an older request of the same client, come late.
bool IsOutOfOrder(const Binding& binding, const sip::Message& request) {
  return binding.call_id == request.call_id && request.cseq.number <= binding.cseq;
}

RegisterResult OutOfOrder() {
  return {.status = 500, .reason = "a later REGISTER was answered before this one"};
}

// The URN in the angle brackets of an instance, which is the `gr` of its GRUU; "" if it is none.
std::string GrOf(const sip::NameAddr& contact) {
  const std::string* instance = InstanceOf(contact);
  if (!instance || instance->size() > kMaxInstance || !instance->starts_with("<urn:") ||
      !instance->ends_with('>')) {
    return {};
  }
  return instance->substr(1, instance->size() - 2);
}

// What a registrar says about a Contact is not the browser's to say.
void DropAnswers(sip::NameAddr& contact) {
  std::erase_if(contact.params.list, [](const auto& param) {
    return sip::EqualNoCase(param.first, "expires") || sip::EqualNoCase(param.first, "pub-gruu") ||
           sip::EqualNoCase(param.first, "temp-gruu");
  });
}

}  // namespace

std::string DeviceOf(const sip::NameAddr& contact) {
  const std::string* instance = InstanceOf(contact);
  return instance ? *instance : contact.uri.user;
}

Registrar::Registrar(std::string domain, std::vector<User> users) : domain_(std::move(domain)) {
  for (User& user : users) users_.emplace(user.name, std::move(user));
}

const User* Registrar::FindUser(std::string_view name) const {
  const auto found = users_.find(std::string(name));
  return found == users_.end() ? nullptr : &found->second;
}

RegisterResult Registrar::Register(const User& user, sip::FlowId flow, const sip::Message& request,
                                   TimePoint now) {
  std::vector<Binding> bindings;
  if (const auto found = bindings_.find(user.name); found != bindings_.end()) {
    bindings = found->second;
  }
  // All of a request or nothing (RFC 3261 section 10.3 step 7): it works on a copy.
  RegisterResult result = Update(request, flow, bindings, now);
  if (result.status != 200) return result;
  const bool with_gruu = sip::HasToken(request.supported, "gruu");
  for (const Binding& binding : bindings) {
    next_expiry_ = std::min(next_expiry_, binding.expires_at);
    result.contacts.push_back(Describe(user, binding, with_gruu, now));
  }
  const auto [entry, is_new] = bindings_.try_emplace(user.name);
  entry->second = std::move(bindings);
  if (is_new && entry->second.empty()) {
    bindings_.erase(entry);
  } else {
    if (is_new) changes_.push_back({user.name, true});
    DropIfEmpty(entry);
  }
  return result;
}

RegisterResult Registrar::Update(const sip::Message& request, sip::FlowId flow,
                                 std::vector<Binding>& bindings, TimePoint now) const {
  std::erase_if(bindings, [&](const Binding& b) { return b.expires_at <= now; });
  if (request.contact_star) {
    if (request.expires != 0u) return {.status = 400, .reason = "Contact: * needs Expires: 0"};
    const auto late = [&](const Binding& b) { return IsOutOfOrder(b, request); };
    if (std::ranges::any_of(bindings, late)) return OutOfOrder();
    bindings.clear();
  }
  RegisterResult result;
  for (const sip::NameAddr& contact : request.contacts) {
    if (contact.uri.params.Has("gr")) {  // RFC 5627 section 5.1: it would lead to itself
      return {.status = 403, .reason = "a GRUU cannot be registered as a Contact"};
    }
    const uint32_t seconds = WantedExpires(contact, request);
    if (seconds != 0 && seconds < kMinExpires) {
      return {.status = 423, .reason = "the registration is too brief"};
    }
    const auto old = std::ranges::find_if(
        bindings, [&](const Binding& b) { return IsSameBinding(b.contact, contact); });
    if (old != bindings.end()) {
      if (IsOutOfOrder(*old, request)) return OutOfOrder();
      bindings.erase(old);
    }
    if (seconds == 0) continue;
    if (bindings.size() >= kMaxBindings) {
      return {.status = 403, .reason = "too many devices are registered"};
    }
    bindings.push_back({.flow = flow,
                        .contact = contact,
                        .expires_at = now + seconds * 1s,
                        .call_id = request.call_id,
                        .cseq = request.cseq.number});
    DropAnswers(bindings.back().contact);
    result.outbound |= sip::HasToken(request.supported, "outbound") &&
                       contact.params.Has("reg-id") && InstanceOf(contact);
  }
  return result;
}

sip::NameAddr Registrar::Describe(const User& user, const Binding& binding, bool with_gruu,
                                  TimePoint now) const {
  sip::NameAddr contact = binding.contact;
  const auto left = std::chrono::ceil<std::chrono::seconds>(binding.expires_at - now);
  contact.params.Set("expires", std::to_string(left.count()));
  const std::string gr = GrOf(contact);
  if (with_gruu && !gr.empty()) {
    sip::Uri gruu;
    gruu.user = user.name;
    gruu.host = domain_;
    gruu.params.Set("gr", gr);
    contact.params.Set("pub-gruu", gruu.ToString());
  }
  return contact;
}

Registrar::Bindings::iterator Registrar::DropIfEmpty(Bindings::iterator user) {
  if (!user->second.empty()) return std::next(user);
  changes_.push_back({user->first, false});
  return bindings_.erase(user);
}

void Registrar::RemoveFlow(sip::FlowId flow) {
  for (auto it = bindings_.begin(); it != bindings_.end();) {
    std::erase_if(it->second, [&](const Binding& b) { return b.flow == flow; });
    it = DropIfEmpty(it);
  }
}

void Registrar::OnTimer(TimePoint now) {
  if (now < next_expiry_) return;
  next_expiry_ = kNever;
  for (auto it = bindings_.begin(); it != bindings_.end();) {
    std::erase_if(it->second, [&](const Binding& b) { return b.expires_at <= now; });
    for (const Binding& b : it->second) next_expiry_ = std::min(next_expiry_, b.expires_at);
    it = DropIfEmpty(it);
  }
}

std::vector<const Binding*> Registrar::FindAll(std::string_view user, std::string_view instance,
                                               TimePoint now) const {
  std::vector<const Binding*> alive;
  const auto found = bindings_.find(std::string(user));
  if (found == bindings_.end()) return alive;
  for (const Binding& binding : found->second | std::views::reverse) {
    if (binding.expires_at <= now) continue;
    if (!instance.empty() && GrOf(binding.contact) != instance) continue;
    const bool is_known = std::ranges::any_of(
        alive, [&](const Binding* other) { return IsSameDevice(other->contact, binding.contact); });
    if (!is_known) alive.push_back(&binding);
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
