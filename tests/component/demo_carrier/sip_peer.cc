#include "tests/component/demo_carrier/sip_peer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace lastmile::demo_carrier {

std::string SipText::Header(const std::string& name) const {
  size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const size_t start = at + 2;
    const size_t end = std::min(head.find("\r\n", start), head.size());
    const std::string line = head.substr(start, end - start);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.c_str(), name.c_str(), name.size()) == 0) {
      const size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
    at = head.find("\r\n", start);
  }
  return "";
}

int SipText::code() const {
  return start_line.starts_with("SIP/2.0 ") ? std::atoi(start_line.c_str() + 8) : 0;
}

std::string SipText::method() const {
  const std::string cseq = Header("CSeq");
  return cseq.substr(cseq.find(' ') + 1);
}

SipPeer::SipPeer(const Endpoint& carrier)
    : carrier_(carrier),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      out_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_storage storage;
  socklen_t length = Endpoint::Parse("127.0.0.1:0")->ToSockaddr(storage);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&storage), length), 0);
  EXPECT_EQ(listen(listener_, 8), 0);
  length = sizeof storage;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &length);
  local_ = Endpoint::FromSockaddr(storage);
  if (carrier_.port == 0) return;  // only listens
  length = carrier_.ToSockaddr(storage);
  EXPECT_EQ(connect(out_, reinterpret_cast<sockaddr*>(&storage), length), 0);
  // The ACK and the BYE behind it must not wait for each other.
  const int at_once = 1;
  setsockopt(out_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  streams_[out_];
}

SipPeer::~SipPeer() {
  close(listener_);
  for (const auto& [fd, bytes] : streams_) {
    if (fd != out_) close(fd);
  }
  close(out_);
}

SipPeer::Dialog SipPeer::NewDialog(const std::string& number) {
  return {.number = number,
          .call_id = fmt::format("{}-{}", local_.port, ++last_call_),
          .to_tag = "",
          .invite_branch = ""};
}

void SipPeer::Send(Dialog& dialog, const std::string& method, const std::string& sdp,
                   const std::string& more_headers) {
  const bool of_invite = method == "ACK" || method == "CANCEL";
  const int sequence = of_invite ? dialog.invite_sequence : ++dialog.sequence;
  std::string branch = fmt::format("z9hG4bK-{}-{}-{}", dialog.call_id, sequence, method);
  if (method == "INVITE") {
    dialog.invite_sequence = sequence;
    dialog.invite_branch = branch;
  }
  if (method == "CANCEL") branch = dialog.invite_branch;
  const std::string tag =
      dialog.to_tag.empty() || method == "CANCEL" ? "" : ";tag=" + dialog.to_tag;
  SendRaw(fmt::format(
      "{0} sip:{1}@{2} SIP/2.0\r\nVia: SIP/2.0/TCP {3};branch={4}\r\nMax-Forwards: 70\r\n"
      "From: <sip:+15550100@{3}>;tag=near\r\nTo: <sip:{1}@{2}>{5}\r\nCall-ID: {6}\r\n"
      "CSeq: {7} {0}\r\nContact: <sip:peer@{3};transport=tcp>\r\n{8}{9}Content-Length: {10}\r\n\r\n"
      "{11}",
      method, dialog.number, carrier_.ToString(), local_.ToString(), branch, tag, dialog.call_id,
      sequence, more_headers, sdp.empty() ? "" : "Content-Type: application/sdp\r\n", sdp.size(),
      sdp));
}

void SipPeer::SendRaw(const std::string& text) {
  EXPECT_EQ(send(out_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

void SipPeer::Cut(int connection) {
  std::string& stream = streams_[connection];
  for (;;) {
    stream.erase(0, std::min(stream.find_first_not_of("\r\n"), stream.size()));  // keep-alives
    const size_t end = stream.find("\r\n\r\n");
    if (end == std::string::npos) return;
    SipText message;
    message.connection = connection;
    message.head = stream.substr(0, end);
    message.start_line = message.head.substr(0, message.head.find("\r\n"));
    const size_t length = std::strtoul(message.Header("Content-Length").c_str(), nullptr, 10);
    if (stream.size() < end + 4 + length) return;
    message.body = stream.substr(end + 4, length);
    stream.erase(0, end + 4 + length);
    messages_.push_back(std::move(message));
  }
}

bool SipPeer::Turn(Duration limit) {
  std::vector<pollfd> sockets = {{listener_, POLLIN, 0}};
  for (const auto& [fd, bytes] : streams_) sockets.push_back({fd, POLLIN, 0});
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  if (ms < 0 || poll(sockets.data(), sockets.size(), static_cast<int>(ms)) <= 0) return false;
  for (const pollfd& socket : sockets) {
    if (socket.revents == 0) continue;
    if (socket.fd == listener_) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) streams_[fd];
      continue;
    }
    char buffer[4096];
    const ssize_t count = recv(socket.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count <= 0) {
      streams_.erase(socket.fd);
      if (socket.fd != out_) close(socket.fd);
      continue;
    }
    streams_[socket.fd].append(buffer, static_cast<size_t>(count));
    Cut(socket.fd);
  }
  return true;
}

std::optional<SipText> SipPeer::WaitForCode(Dialog& dialog, const std::string& method, int code,
                                            Duration limit) {
  const TimePoint deadline = MonotonicNow() + limit;
  do {
    const auto found = std::ranges::find_if(messages_, [&](const SipText& message) {
      return message.code() == code && message.method() == method &&
             message.Header("Call-ID") == dialog.call_id;
    });
    if (found == messages_.end()) continue;
    SipText message = std::move(*found);
    messages_.erase(found);
    const std::string to = message.Header("To");
    if (const size_t tag = to.find(";tag="); tag != std::string::npos) {
      dialog.to_tag = to.substr(tag + 5);
    }
    return message;
  } while (Turn(deadline - MonotonicNow()));
  ADD_FAILURE() << "no " << code << " to " << method;
  for (const SipText& message : messages_) ADD_FAILURE() << "but " << message.start_line;
  return std::nullopt;
}

std::optional<SipText> SipPeer::WaitForRequest(const std::string& method, Duration limit) {
  const TimePoint deadline = MonotonicNow() + limit;
  do {
    const auto found = std::ranges::find_if(messages_, [&](const SipText& message) {
      return message.start_line.starts_with(method + " ");
    });
    if (found == messages_.end()) continue;
    SipText message = std::move(*found);
    messages_.erase(found);
    return message;
  } while (Turn(deadline - MonotonicNow()));
  ADD_FAILURE() << "no " << method;
  return std::nullopt;
}

void SipPeer::Respond(const SipText& request, const std::string& status, const std::string& tag,
                      const std::string& sdp) {
  std::string to = request.Header("To");
  if (!to.contains(";tag=") && !tag.empty()) to += ";tag=" + tag;
  const std::string text = fmt::format(
      "SIP/2.0 {}\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\n"
      "Contact: <sip:peer@{};transport=tcp>\r\n{}Content-Length: {}\r\n\r\n{}",
      status, request.Header("Via"), request.Header("From"), to, request.Header("Call-ID"),
      request.Header("CSeq"), local_.ToString(),
      sdp.empty() ? "" : "Content-Type: application/sdp\r\n", sdp.size(), sdp);
  EXPECT_EQ(send(request.connection, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

bool SipPeer::Nothing(Duration duration) {
  const TimePoint deadline = MonotonicNow() + duration;
  const size_t before = messages_.size();
  while (Turn(deadline - MonotonicNow())) {
  }
  return messages_.size() == before;
}

}  // namespace lastmile::demo_carrier
