#ifndef LASTMILE_TESTS_SUPPORT_SIP_CARRIER_H_
#define LASTMILE_TESTS_SUPPORT_SIP_CARRIER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "gateway/sip/framer.h"
#include "tests/support/sip_phone.h"

namespace lastmile::test {

// The far end of a trunk: SIP over plain TCP on 127.0.0.1, plain RTP. Takes the connections the
// gateway makes and, once the gateway's listener is known, makes one of its own for its calls.
class SipCarrier final : public SipPhone {
 public:
  explicit SipCarrier(uint16_t port = 0);
  ~SipCarrier() override;

  const Endpoint& local() const { return local_; }  // its listener
  void set_gateway(const Endpoint& gateway) { gateway_ = gateway; }
  // How many connections the gateway has made.
  int accepted() const { return accepted_; }

  void AddDescriptors(std::vector<pollfd>& out) const override;
  void OnTurn(TimePoint now) override;

 private:
  void SendText(uint64_t flow, const std::string& text) override;
  std::unique_ptr<CallMedia> MakeMedia() override;
  uint64_t OutgoingFlow() override;
  sip::Via OwnVia() const override;
  sip::NameAddr OwnContact() const override;
  sip::Uri DomainUri() const override;

  bool Read(int fd);

  Endpoint local_;
  Endpoint gateway_;
  int listener_ = -1;
  int out_ = -1;
  int accepted_ = 0;
  std::map<int, sip::Framer> streams_;  // by descriptor, which is also the flow
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_SIP_CARRIER_H_
