#include "media_anchor/io/nice_names.h"

#include <gio/gio.h>

#include <memory>
#include <utility>

#include "base/log.h"

namespace lastmile::media {
namespace {

const std::string kNone;

// One of the family of `like`, which is any: IPv4.
std::string Choose(const GList* addresses, const IpAddress& like) {
  std::string chosen;
  for (const GList* item = addresses; item != nullptr; item = item->next) {
    auto* const address = static_cast<GInetAddress*>(item->data);
    const bool is_v6 = g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6;
    if (!chosen.empty() && is_v6 != like.is_v6()) continue;
    gchar* const text = g_inet_address_to_string(address);
    chosen = text;
    g_free(text);
    if (is_v6 == like.is_v6()) break;
  }
  return chosen;
}

}  // namespace

struct NiceNames::Query {
  NiceNames* owner;
  std::string host;

  static void Answered(GObject* resolver, GAsyncResult* result, gpointer data) noexcept {
    const std::unique_ptr<Query> query(static_cast<Query*>(data));
    GError* error = nullptr;
    GList* const found = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &error);
    --query->owner->pending_;
    query->owner->OnAnswer(query->host, Choose(found, query->owner->like_),
                           error == nullptr ? "no address" : error->message);
    g_list_free_full(found, g_object_unref);
    g_clear_error(&error);
  }
};

NiceNames::~NiceNames() {
  if (cancellable_ != nullptr) g_object_unref(cancellable_);
}

void NiceNames::Add(const std::string& host) {
  Entry& entry = entries_[host];
  if (const auto literal = IpAddress::Parse(host)) {
    entry.address = literal->ToString();
    entry.ask_again = kNever;
  }
}

void NiceNames::Refresh(TimePoint now) {
  for (auto& [host, entry] : entries_) {
    if (entry.asked || now < entry.ask_again) continue;
    if (cancellable_ == nullptr) cancellable_ = g_cancellable_new();
    GResolver* const resolver = g_resolver_get_default();
    entry.asked = true;
    ++pending_;
    g_resolver_lookup_by_name_async(resolver, host.c_str(),
                                    static_cast<GCancellable*>(cancellable_), &Query::Answered,
                                    new Query{this, host});
    g_object_unref(resolver);
  }
}

const std::string& NiceNames::AddressOf(const std::string& host) const {
  const auto found = entries_.find(host);
  return found == entries_.end() ? kNone : found->second.address;
}

void NiceNames::Cancel() {
  if (cancellable_ != nullptr) g_cancellable_cancel(static_cast<GCancellable*>(cancellable_));
}

void NiceNames::OnAnswer(const std::string& host, std::string address, std::string_view failure) {
  Entry& entry = entries_[host];
  entry.asked = false;
  entry.ask_again = MonotonicNow() + (address.empty() ? kRetry : kFresh);
  if (address.empty()) {
    spdlog::warn("ice: no address of {}: {}", Redacted(host), Redacted(failure));
  } else {
    entry.address = std::move(address);
  }
}

}  // namespace lastmile::media
