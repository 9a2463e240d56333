#include "tests/bench/load/ng_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace lastmile::bench {
namespace {

// The text behind the key `name` of an answer. rtpengine's answers hold it once.
std::string TextOf(std::string_view dictionary, const std::string& name) {
  const std::string key = NgClient::Text(name);
  const size_t at = dictionary.find(key);
  if (at == std::string_view::npos) return "";
  const std::string rest(dictionary.substr(at + key.size()));
  const size_t colon = rest.find(':');
  if (colon == std::string::npos) return "";
  return rest.substr(colon + 1, std::strtoul(rest.c_str(), nullptr, 10));
}

}  // namespace

NgClient::NgClient(const Endpoint& server) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_storage storage{};
  const socklen_t size = server.ToSockaddr(storage);
  connect(fd_, reinterpret_cast<sockaddr*>(&storage), size);
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

NgClient::~NgClient() { close(fd_); }

std::string NgClient::Text(const std::string& text) {
  return std::to_string(text.size()) + ":" + text;
}

Result<std::string> NgClient::Describe(const std::string& command, const std::string& call_id,
                                       const std::string& sdp,
                                       std::map<std::string, std::string> more) {
  more["command"] = Text(command);
  more["call-id"] = Text(call_id);
  more["from-tag"] = Text("client");
  if (command == "answer") more["to-tag"] = Text("carrier");
  more["sdp"] = Text(sdp);
  // rtpengine repeats its answer to a cookie that it knows, whoever sends it.
  const std::string cookie = "load" + std::to_string(++cookie_) + " ";
  std::string request = cookie + "d";
  for (const auto& [key, value] : more) request += Text(key) + value;
  request += "e";
  send(fd_, request.data(), request.size(), 0);
  std::array<char, 8192> room;
  const ssize_t got = recv(fd_, room.data(), room.size(), 0);
  if (got < 0) return Fail("rtpengine does not answer");
  const std::string_view answer(room.data(), static_cast<size_t>(got));
  if (!answer.starts_with(cookie)) return Fail("rtpengine answers something else");
  std::string described = TextOf(answer, "sdp");
  if (described.empty()) return Fail("rtpengine refuses: " + TextOf(answer, "error-reason"));
  return described;
}

}  // namespace lastmile::bench
