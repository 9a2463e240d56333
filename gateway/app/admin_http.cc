#include "gateway/app/admin_http.h"

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

bool AdminHttp::OnOpen(net::StreamId stream) {
  if (streams_.size() >= kMaxStreams) return false;
  streams_[stream];
  return true;
}

std::optional<std::string> AdminHttp::OnBytes(net::StreamId stream, ByteView bytes) {
  std::string& text = streams_.at(stream);
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
