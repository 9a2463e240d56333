#ifndef LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_SIP_PEER_H_
#define LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_SIP_PEER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"

namespace lastmile::demo_carrier {

// A SIP message as text, taken from a TCP stream.
struct SipText {
  std::string start_line;
  std::string head;  // start line and headers
  std::string body;
  int connection = -1;  // to answer on

  std::string Header(const std::string& name) const;  // the first one's value; empty: none
  int code() const;                                   // 0: a request
  std::string method() const;                         // of the CSeq
};

// The other end of the trunk in a few lines of text: connects to the carrier, and takes the
// connections that the carrier makes. One thread.
class SipPeer {
 public:
  explicit SipPeer(const Endpoint& carrier);
  ~SipPeer();
  SipPeer(const SipPeer&) = delete;
  SipPeer& operator=(const SipPeer&) = delete;

  // Where the carrier connects to: our Contact.
  const Endpoint& local() const { return local_; }

  // A dialog's worth of identifiers; `to_tag` is learned from answers.
  struct Dialog {
    std::string number;
    std::string call_id;
    std::string to_tag;
    int sequence = 0;
    int invite_sequence = 0;
    std::string invite_branch;
  };
  Dialog NewDialog(const std::string& number);

  void Send(Dialog& dialog, const std::string& method, const std::string& sdp = "",
            const std::string& more_headers = "");
  void SendRaw(const std::string& text);
  // The answer with this code (or any final one) to the dialog's `method`; fails the test without.
  std::optional<SipText> WaitForCode(Dialog& dialog, const std::string& method, int code,
                                     Duration limit = 5s);
  std::optional<SipText> WaitForRequest(const std::string& method, Duration limit = 5s);
  // On the connection the request came by; `tag` is added to its To.
  void Respond(const SipText& request, const std::string& status, const std::string& tag,
               const std::string& sdp = "");
  bool Nothing(Duration duration);  // no message at all for so long

 private:
  std::optional<SipText> Next(Duration limit);
  bool Turn(Duration limit);
  void Cut(int connection);

  Endpoint carrier_;
  Endpoint local_;
  int listener_ = -1;
  int out_ = -1;
  int last_call_ = 0;
  std::map<int, std::string> streams_;
  std::vector<SipText> messages_;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_SIP_PEER_H_
