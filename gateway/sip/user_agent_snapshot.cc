#include <utility>

#include "gateway/sip/user_agent_impl.h"

// Confirmed dialogs as values, and back.
namespace lastmile::sip {

std::optional<DialogSnapshot> UserAgent::Impl::Snapshot(DialogId dialog) const {
  const auto found = usages_.find(dialog);
  if (found == usages_.end() || found->second.state != State::kConfirmed) return std::nullopt;
  const Usage& usage = found->second;
  return DialogSnapshot{.dialog = usage.legs.back(), .we_called = usage.we_called};
}

DialogId UserAgent::Impl::Restore(DialogSnapshot snapshot, uint64_t owner) {
  const std::string tag = snapshot.dialog.local.tag();
  if (tag.empty() || by_local_tag_.contains(tag)) return {};
  const DialogId id = dialog_ids_.Next();
  Usage& usage = usages_[id];
  usage.id = id;
  usage.state = State::kConfirmed;
  usage.owner = owner;
  usage.local_tag = tag;
  usage.we_called = snapshot.we_called;
  usage.legs.push_back(std::move(snapshot.dialog));
  by_local_tag_[tag] = id;
  return id;
}

std::optional<DialogSnapshot> UserAgent::Snapshot(DialogId dialog) const {
  return impl_->Snapshot(dialog);
}

DialogId UserAgent::Restore(DialogSnapshot snapshot, uint64_t owner) {
  return impl_->Restore(std::move(snapshot), owner);
}

}  // namespace lastmile::sip
