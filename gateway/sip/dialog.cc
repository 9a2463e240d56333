#include "gateway/sip/dialog.h"

namespace lastmile::sip {
bool IsTargetRefresh(std::string_view method) {
  return method == "INVITE" || method == "UPDATE" || method == "SUBSCRIBE" || method == "NOTIFY" ||
         method == "REFER";
}

Dialog Dialog::OfServer(const Message& invite, std::string_view local_tag) {
  Dialog dialog;
  dialog.call_id = invite.call_id;
  dialog.local = invite.to;
  dialog.local.params.Set("tag", local_tag);
  dialog.remote = invite.from;
  dialog.remote_cseq = invite.cseq.number;
  dialog.route_set = invite.record_routes;
  dialog.RefreshTarget(invite);
  return dialog;
}

Dialog Dialog::OfClient(const Message& invite, const Message& response) {
  Dialog dialog;
  dialog.call_id = invite.call_id;
  dialog.local = invite.from;
  dialog.remote = response.to;
  dialog.local_cseq = invite.cseq.number;
  // Peers that send no Contact in a 18x are reached at the address they were called at.
  dialog.remote_target = invite.request_uri;
  dialog.Confirm(response);
  return dialog;
}

void Dialog::Confirm(const Message& response) {
  route_set.assign(response.record_routes.rbegin(), response.record_routes.rend());
  RefreshTarget(response);
}

void Dialog::ConfirmByRequest(const Message& request) {
  remote = request.from;
  route_set = request.record_routes;
  RefreshTarget(request);
}

Message Dialog::NextRequest(std::string_view method) { return Request(method, ++local_cseq); }

Message Dialog::Ack(uint32_t invite_cseq) const { return Request("ACK", invite_cseq); }

Message Dialog::Request(std::string_view method, uint32_t cseq) const {
  Message request;
  request.method = method;
  request.request_uri = remote_target;
  request.from = local;
  request.to = remote;
  request.call_id = call_id;
  request.cseq = {cseq, std::string(method)};
  request.max_forwards = kMaxForwards;
  request.routes = route_set;
  if (!route_set.empty() && !route_set.front().uri.params.Has("lr")) {
    // A strict router of RFC 2543 comes first: it wants to be the Request-URI itself.
    request.request_uri = route_set.front().uri;
    request.routes.erase(request.routes.begin());
    NameAddr target;
    target.uri = remote_target;
    request.routes.push_back(target);
  }
  return request;
}

bool Dialog::IsPeer(std::string_view request_call_id, std::string_view remote_tag) const {
  return call_id == request_call_id && remote.tag() == remote_tag;
}

bool Dialog::TakeCSeq(uint32_t number) {
  if (remote_cseq && number < *remote_cseq) return false;
  remote_cseq = number;
  return true;
}

void Dialog::RefreshTarget(const Message& message) {
  if (!message.contacts.empty()) remote_target = message.contacts.front().uri;
}

}  // namespace lastmile::sip
