#ifndef LASTMILE_TESTS_SUPPORT_BROWSER_PHONE_H_
#define LASTMILE_TESTS_SUPPORT_BROWSER_PHONE_H_

#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "tests/support/sip_phone.h"
#include "tests/support/ws_client.h"

namespace lastmile::test {

// The demo page without a browser: SIP over WebSocket with digest, ICE, DTLS and SRTP.
class BrowserPhone final : public SipPhone {
 public:
  struct Options {
    Endpoint server;
    std::string origin;
    std::string domain;
    std::string user;
    std::string password;
    std::vector<std::string> candidates = {};  // values of a=candidate in its SDP
    bool tls = false;
  };
  explicit BrowserPhone(Options options);

  bool connected() const { return connected_; }
  int close_code() const { return close_code_; }  // of the gateway; 0: it has not closed
  void Register();
  int register_status() const { return register_status_; }  // 0: not answered yet
  // The connection is reset, as when a network goes.
  void LoseConnection();
  // The page says goodbye (1001) and is gone, as when its tab is closed.
  void ClosePage();
  // The page's media stops without a word: no checks, no packets.
  static void LoseMedia(Call& call);

  void AddDescriptors(std::vector<pollfd>& out) const override;
  void OnTurn(TimePoint now) override;
  int connection() const { return client_.fd(); }

 private:
  void SendText(uint64_t flow, const std::string& text) override;
  std::unique_ptr<CallMedia> MakeMedia() override;
  uint64_t OutgoingFlow() override { return 0; }
  sip::Via OwnVia() const override;
  sip::NameAddr OwnContact() const override;
  sip::Uri DomainUri() const override;
  std::optional<sip::Message> Authorized(const sip::Message& request,
                                         const sip::Message& challenge) override;
  void OnOtherResponse(const sip::Message& response) override;

  const Options options_;
  const std::string host_;  // the made-up one of Via and Contact (RFC 7118 section 5)
  WsClient client_;
  bool connected_ = false;
  int close_code_ = 0;
  sip::Message register_;
  int register_status_ = 0;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_BROWSER_PHONE_H_
