#include "gateway/sip/events.h"

#include <algorithm>
#include <string_view>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

using State = SubscriptionState::State;

struct Value {
  std::string_view token;
  Params params;
};

std::optional<Value> ValueOf(const Message& message, std::string_view name) {
  const std::string* header = message.FindExtra(name);
  if (!header) return std::nullopt;
  const std::string_view text = *header;
  const size_t end = std::min(text.find(';'), text.size());
  const std::string_view token = Trim(text.substr(0, end));
  if (!IsToken(token)) return std::nullopt;
  return Value{token, Params::Read(text.substr(end))};
}

std::optional<uint32_t> SecondsOf(const Params& params, std::string_view name) {
  const std::string* value = params.Find(name);
  return value ? ParseNumber(*value, UINT32_MAX) : std::nullopt;
}

std::string TokenOf(const Params& params, std::string_view name) {
  const std::string* value = params.Find(name);
  return value && IsToken(*value) ? *value : "";
}

}  // namespace

std::optional<Event> Event::Of(const Message& message) {
  const auto value = ValueOf(message, "Event");
  if (!value) return std::nullopt;
  return Event{std::string(value->token), TokenOf(value->params, "id")};
}

std::string Event::ToString() const { return id.empty() ? package : package + ";id=" + id; }

std::optional<SubscriptionState> SubscriptionState::Of(const Message& message) {
  const auto value = ValueOf(message, "Subscription-State");
  if (!value) return std::nullopt;
  SubscriptionState found;
  if (EqualNoCase(value->token, "pending")) {
    found.state = State::kPending;
  } else if (EqualNoCase(value->token, "terminated")) {
    found.state = State::kTerminated;
    found.reason = TokenOf(value->params, "reason");
    found.retry_after = SecondsOf(value->params, "retry-after");
    return found;
  } else if (!EqualNoCase(value->token, "active")) {
    return std::nullopt;
  }
  found.expires = SecondsOf(value->params, "expires");
  return found;
}

std::string SubscriptionState::ToString() const {
  std::string text;
  switch (state) {
    case State::kPending:
      text = "pending";
      break;
    case State::kActive:
      text = "active";
      break;
    case State::kTerminated:
      text = "terminated";
      break;
  }
  if (expires) text += ";expires=" + std::to_string(*expires);
  if (!reason.empty()) text += ";reason=" + reason;
  if (retry_after) text += ";retry-after=" + std::to_string(*retry_after);
  return text;
}

}  // namespace lastmile::sip
