#include "gateway/app/admin_http.h"

#include <algorithm>

#include "ws/http_request.h"
#include "ws/http_response.h"

namespace lastmile::app {
namespace {

constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

std::string Response(int status, const std::string& body, std::string_view extra = {},
                     std::string_view content_type = "text/plain; charset=utf-8") {
  return ws::BuildResponseHead({.status = status,
                                .content_type = content_type,
                                .content_length = body.size(),
                                .extra = extra}) +
         body;
}

}  // namespace

bool AdminHttp::OnOpen(net::StreamId stream, TimePoint now) {
  if (streams_.size() >= kMaxStreams) return false;
  streams_[stream].until = now + kMaxIdle;
  return true;
}

std::vector<net::StreamId> AdminHttp::TakeIdle(TimePoint now) {
  std::vector<net::StreamId> idle;
  std::erase_if(streams_, [&](const auto& entry) {
    if (now < entry.second.until) return false;
    idle.push_back(entry.first);
    return true;
  });
  return idle;
}

TimePoint AdminHttp::next_timeout() const {
  TimePoint next = kNever;
  for (const auto& [id, stream] : streams_) next = std::min(next, stream.until);
  return next;
}

std::optional<std::string> AdminHttp::OnBytes(net::StreamId stream, ByteView bytes) {
  std::string& text = streams_.at(stream).text;
  text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const ws::HeadResult head = ws::ParseHead(text);
  switch (head.kind) {
    case ws::HeadResult::Kind::kIncomplete:
      return std::nullopt;
    case ws::HeadResult::Kind::kRefused:
      return Response(head.status, std::string(head.reason) + "\n");
    case ws::HeadResult::Kind::kComplete:
      break;
  }
  return Respond(head.request.method, head.request.target);
}

std::string AdminHttp::Respond(std::string_view method, std::string_view target) const {
  if (method != "GET") return Response(405, "only GET is known here\n", "Allow: GET\r\n");
  if (target == "/metrics") return Response(200, metrics_(), "", kPrometheusType);
  if (target == "/healthz") return Response(200, "ok\n");
  return Response(404, "there are /metrics and /healthz\n");
}

}  // namespace lastmile::app
