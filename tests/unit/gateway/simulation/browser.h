#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_BROWSER_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_BROWSER_H_

#include <string>

#include "tests/unit/gateway/simulation/peer.h"

namespace lastmile::simulation {

// A page with JsSIP: registers, calls, loses its connection and comes back, is reloaded. Judges
// what JsSIP does not bear (the J rows of the JsSIP contract).
class Browser final : public Peer {
 public:
  static constexpr char kDomain[] = "gw.example";
  static constexpr char kPassword[] = "secret";

  Browser(World& world, std::string user) : Peer(world, user), user_(std::move(user)) {}

  const std::string& user() const { return user_; }
  void Start();
  void Call(PlannedCall& plan);
  void OnLinkLost(Link& link) override;

 protected:
  Link* link() override { return link_ && link_->up ? link_ : nullptr; }
  std::string Sdp(bool offer) override;
  sip::NameAddr Contact() const override;
  void FillRequest(sip::Message& request, Link& link) override;
  void Inspect(const sip::Message& message, const std::string& text) override;
  bool OnChallenge(Leg& leg, const sip::Message& response) override;
  bool OnOther(Link& link, const sip::Message& message) override;
  void Misbehave(Leg& leg) override;
  bool Transfer(Leg& leg) override;
  size_t most_forks() const override { return 1; }

 private:
  void Connect();
  void Register();
  void Authorize(sip::Message& request, const sip::Message& challenge);
  void InspectAnswer(const sip::Message& message, const std::string& text);
  void Reload();

  const std::string user_;
  Link* link_ = nullptr;
  int page_ = 0;  // counts reloads: a new instance each
  sip::Message register_;
  bool challenged_ = false;
  TimePoint away_since_ = kNever;
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_BROWSER_H_
