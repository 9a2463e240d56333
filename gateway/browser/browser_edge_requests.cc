// Requests outside dialogs: whose those of browsers are and what becomes of them, and those to
// browsers.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/sip/privacy.h"

namespace lastmile::browser {
namespace {

constexpr uint16_t kTryAgainLater = 1013;  // RFC 6455 section 7.4, IANA's registry

// Of the RFCs, whether the gateway takes it or not.
bool IsKnownMethod(std::string_view method) {
  constexpr std::string_view kMethods[] = {"OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH",
                                           "REFER",   "INFO",    "UPDATE",    "PRACK"};
  return std::ranges::find(kMethods, method) != std::end(kMethods);
}

}  // namespace

Lookup BrowserEdge::FindUser(std::string_view name, TimePoint now) {
  return users_.Find(name, now);
}

void BrowserEdge::OnUserAnswer(const UserAnswer& answer, TimePoint now) {
  users_.OnAnswer(answer, now);
}

void BrowserEdge::GoOn(TimePoint now) {
  for (const std::string& name : users_.TakeSettled()) {
    for (Waiting& waiting : waiting_.Take(name)) {
      if (auto* invite = std::get_if<sip::IncomingInvite>(&waiting)) {
        OnInvite(std::move(*invite), own_events_, now);
      } else {
        OnRequest(std::get<sip::IncomingRequest>(std::move(waiting)), own_events_, now);
      }
    }
    own_events_.push_back(UserSettled{name});
  }
}

bool BrowserEdge::CanWait(sip::FlowId flow) const {
  return !waiting_.is_full() && waiting_.CountIf([&](const Waiting& waiting) {
    return std::visit([&](const auto& other) { return other.flow == flow; }, waiting);
  }) < kMaxWaitingOnFlow;
}

template <class Request>
BrowserEdge::Authorized BrowserEdge::Authorize(Request& request, TimePoint now) {
  Identity identity = authenticator_.Identify(request.request, request.flow, users_, now);
  if (identity.user) return {.user = identity.user};
  if (!identity.awaited.empty()) {
    if (CanWait(request.flow)) {
      waiting_.Add(identity.awaited, std::move(request));
      return {.waits = true};
    }
    identity.status = 503;
    identity.reason = "too many requests wait until it is known who sent them";
  }
  Authorized refused{.status = identity.status,
                     .extras = sip::Sentence(std::move(identity.reason))};
  std::ranges::move(identity.headers, std::back_inserter(refused.extras.headers));
  return refused;
}

void BrowserEdge::OnInvite(sip::IncomingInvite invite, std::vector<BrowserEvent>& out,
                           TimePoint now) {
  auto [user, waits, status, extras] = Authorize(invite, now);
  if (waits) return;
  if (!user) {
    user_agent_.RespondInvite(invite.dialog, status, std::move(extras), now);
    return;
  }
  if (!invite.request.body.empty() && invite.request.content_type != "application/sdp") {
    extras = sip::Sentence("the body of an INVITE must be application/sdp");
    extras.headers.push_back({"Accept", "application/sdp"});
    user_agent_.RespondInvite(invite.dialog, 415, std::move(extras), now);
    return;
  }
  const Binding* binding = registrar_.FindOnFlow(user->name, invite.flow);
  dialogs_[invite.dialog] = {.user = user->name,
                             .device = binding ? DeviceOf(binding->contact) : "",
                             .takes_update = !RefusesUpdate(invite.request)};
  out.push_back(BrowserInvite{.dialog = invite.dialog,
                              .user = *user,
                              .target = invite.request.request_uri.dialled(),
                              .offer = std::move(invite.request.body),
                              .anonymous = sip::AsksForPrivacy(invite.request),
                              .headers = PassedHeaders(invite.request)});
}

std::vector<sip::Header> BrowserEdge::PassedHeaders(const sip::Message& invite) const {
  std::vector<sip::Header> headers;
  for (const std::string& name : options_.passed_headers) {
    if (const std::string* value = invite.FindExtra(name)) headers.push_back({name, *value});
  }
  return headers;
}

void BrowserEdge::OnRequest(sip::IncomingRequest request, std::vector<BrowserEvent>& out,
                            TimePoint now) {
  if (request.request.to.tag().empty()) return OnRequestOutside(std::move(request), out, now);
  if (!OnInDialogRequest(request, now)) out.push_back(sip::UserAgentEvent{std::move(request)});
}

void BrowserEdge::OnRequestOutside(sip::IncomingRequest request, std::vector<BrowserEvent>& out,
                                   TimePoint now) {
  const std::string method = request.request.method;
  if (method == "REGISTER") return OnRegister(std::move(request), now);
  // What nobody knows, credentials cannot change.
  if (!IsKnownMethod(method)) return user_agent_.Respond(request.id, 501, {}, now);
  auto [user, waits, status, extras] = Authorize(request, now);
  if (waits) return;
  if (user) {
    if (method == "MESSAGE" || method == "SUBSCRIBE") {
      out.push_back(BrowserRequest{std::move(request), *user});
      return;
    }
    if (method == "OPTIONS") {
      return AnswerOptions(request.id, IceServersFor(*user, request.flow), now);
    }
    status = method == "REFER" ? 403 : 405;
    if (method == "REFER") extras = sip::Sentence("a REFER is taken inside a call only");
  }
  user_agent_.Respond(request.id, status, std::move(extras), now);
}

// RFC 3261 section 11.2.
void BrowserEdge::AnswerOptions(sip::ServerRequestId request, std::vector<sip::Header> headers,
                                TimePoint now) {
  headers.insert(headers.begin(), {{"Accept", "application/sdp"},
                                   {"Accept-Encoding", "identity"},
                                   {"Accept-Language", "en"},
                                   {"Allow-Events", "dialog, message-summary"}});
  user_agent_.Respond(request, 200, {.headers = std::move(headers)}, now);
}

std::vector<sip::Header> BrowserEdge::IceServersFor(const User& user, sip::FlowId flow) const {
  if (!options_.turn) return {};
  if (!private_flows_.contains(flow)) {
    spdlog::info("leg=browser flow={} gets no TURN credentials: it came by ws from elsewhere",
                 flow.value);
    return {};
  }
  return {{kIceServersHeader, BuildIceServers(*options_.turn, user, options_.wall_clock())}};
}

void BrowserEdge::OnRegister(sip::IncomingRequest request, TimePoint now) {
  auto [user, waits, status, extras] = Authorize(request, now);
  if (waits) return;
  if (!user && status == 503) {
    // JsSIP never tries again after a 5xx, but connects anew after a lost WebSocket, with REGISTER.
    spdlog::warn("leg=browser flow={} is closed: a REGISTER could not be checked",
                 request.flow.value);
    closings_.push_back(
        {.flow = request.flow, .code = kTryAgainLater, .reason = "users cannot be looked up now"});
    return;
  }
  if (!user) return user_agent_.Respond(request.id, status, std::move(extras), now);
  if (request.request.to.uri.user != user->name) {
    return user_agent_.Respond(request.id, 403,
                               sip::Sentence("a user can register only its own address"), now);
  }
  RegisterResult result = registrar_.Register(*user, request.flow, request.request, now);
  extras = sip::Sentence(result.reason);
  if (result.status == 423) {
    extras.headers.push_back({"Min-Expires", std::to_string(Registrar::kMinExpires)});
  }
  if (result.outbound) extras.headers.push_back({"Require", "outbound"});
  for (const auto& contact : result.contacts) {
    extras.headers.push_back({"Contact", contact.ToString()});
  }
  if (!result.contacts.empty()) {
    std::ranges::move(IceServersFor(*user, request.flow), std::back_inserter(extras.headers));
  }
  spdlog::info("leg=browser flow={} register {} -> {} ({} contacts)", request.flow.value,
               Redacted{user->name}, result.status, result.contacts.size());
  user_agent_.Respond(request.id, result.status, std::move(extras), now);
  if (result.status == 200) Rebind(*user, request.flow, now);
}

// --- to browsers ---

Result<std::vector<sip::ClientRequestId>, NotReachable> BrowserEdge::SendToUser(
    const RequestToUser& request, TimePoint now) {
  const auto bindings = registrar_.FindAll(request.user, request.instance, now);
  if (bindings.empty()) {
    // A name that is still being looked up is nobody's browser now, whoever it is.
    return std::unexpected(users_.Find(request.user, now).status == Lookup::Status::kNobody
                               ? NotReachable{404, "there is no such user"}
                               : NotReachable{480, "the user is not registered now"});
  }
  sip::Parties parties = PartiesOf(request.user, request.caller, request.display_name);
  std::vector<sip::ClientRequestId> sent;
  for (const Binding* binding : bindings) {
    parties.request_uri = binding->contact.uri;
    sent.push_back(
        user_agent_.SendRequest(binding->flow, request.method, parties, request.extras, now));
  }
  return sent;
}

std::vector<BrowserClose> BrowserEdge::TakeClosings() { return std::exchange(closings_, {}); }

}  // namespace lastmile::browser
