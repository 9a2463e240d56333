#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_CARRIER_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_CARRIER_H_

#include <string>
#include <vector>

#include "tests/unit/gateway/simulation/peer.h"

namespace lastmile::simulation {

// A carrier over TCP: forks, answers in any order, transfers calls, uses several connections, loses
// them, goes away.
class Carrier final : public Peer {
 public:
  static constexpr char kHost[] = "198.51.100.9";
  // No random token has a dot, so that nobody finds it by chance.
  static constexpr char kTrunk[] = "acme.trunk";

  explicit Carrier(World& world) : Peer(world, "carrier") {}

  // No connection to it comes about.
  bool unreachable() const { return unreachable_; }
  void Call(PlannedCall& plan, const std::string& user);
  void OnLinkUp(Link& link) { links_.push_back(&link); }
  void OnLinkLost(Link& link) override;

 protected:
  Link* link() override;
  std::string Sdp(bool offer) override;
  sip::NameAddr Contact() const override;
  void FillRequest(sip::Message& request, Link& link) override;
  void Inspect(const sip::Message& message, const std::string& text) override;
  void Misbehave(Leg& leg) override;
  bool Transfer(Leg& leg) override;
  size_t most_forks() const override { return 3; }

 private:
  sip::Message MakeInvite(const PlannedCall& plan, const std::string& user);

  std::vector<Link*> links_;  // that are up
  bool unreachable_ = false;
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_CARRIER_H_
