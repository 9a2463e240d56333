#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/unit/gateway/sip/ua_support.h"

// Two user agents, random commands, flows that break, come back and overtake each other, messages
// that come twice, and a stranger who plays all of them again. A model of the contract in
// user_agent.h judges every event. Whatever happened: at the end nothing is left.
namespace lastmile::sip {
namespace {

// What the contract says of a dialog, as its owner sees it.
enum class Seen { kOut, kCancelled, kAccepted, kIn, kAnswered, kUp, kGone };

// The caller of one user agent.
class Driver {
 public:
  Driver(TestUa& side, const char* name)
      : side_(side), name_(name), account_(side.ua.AddAccount({name, "secret"})) {}

  void OnEvents() {
    side_.Collect();
    while (!side_.events.empty()) {
      UserAgentEvent event = std::move(side_.events.front());
      side_.events.pop_front();
      what_ = std::string(name_) + ": " + NameOf(event);
      std::visit([this](auto& e) { On(e); }, event);
    }
  }

  void Call(FlowId flow, TimePoint now) {
    InviteRequest invite = MakeInvite();
    invite.ring_timeout = 60s;
    invite.account = account_;
    const DialogId id = side_.ua.Invite(flow, std::move(invite), now);
    seen_[id] = Seen::kOut;
    OnEvents();
  }

  // A random command on a random dialog or request; often one that is not allowed.
  void Act(std::mt19937_64& dice, FlowId flow, TimePoint now) {
    const auto roll = [&](size_t n) { return dice() % n; };
    if (!requests_.empty() && roll(3) == 0) {
      static constexpr int kAnswers[] = {180, 200, 200, 200, 401, 403, 491};
      const ServerRequestId id = requests_[roll(requests_.size())];
      const int status = kAnswers[roll(std::size(kAnswers))];
      side_.ua.Respond(id, status, status == 401 ? Challenge(id.value) : Body("x"), now);
    } else if (!seen_.empty()) {
      auto at = seen_.begin();
      std::advance(at, roll(seen_.size()));
      const bool sensible = roll(4) != 0;
      const size_t which = sensible ? Sensible(at->second, roll(20)) : roll(11);
      Command(at->first, at->second, which, flow, now);
    }
    OnEvents();
  }

  // Brings everything to its end, as a good caller does.
  void Finish(TimePoint now) {
    for (ServerRequestId id : std::exchange(requests_, {})) side_.ua.Respond(id, 200, {}, now);
    for (auto& [id, seen] : seen_) {
      if (seen == Seen::kOut) Cancel(id, seen, now);
      if (seen == Seen::kIn) Answer(id, seen, 486, now);
      if (seen == Seen::kAccepted || seen == Seen::kAnswered || seen == Seen::kUp) {
        Bye(id, seen, now);
      }
    }
    OnEvents();
  }

  void ExpectFinished() const {
    for (const auto& [id, seen] : seen_) {
      EXPECT_EQ(seen, Seen::kGone) << name_ << " dialog " << id.value;
    }
    EXPECT_TRUE(owed_.empty()) << name_ << ": requests without an answer";
    EXPECT_EQ(side_.ua.gauges().transactions, 0u) << name_;
    EXPECT_EQ(side_.ua.gauges().dialogs, 0u) << name_;
    EXPECT_EQ(side_.ua.next_timeout(), kNever) << name_;
  }

  size_t accepted = 0;
  size_t ended = 0;

 private:
  // What a caller would do next; see Command() for the numbers.
  static size_t Sensible(Seen seen, size_t dice) {
    switch (seen) {
      case Seen::kOut:
        return dice < 1 ? 5 : 7;
      case Seen::kAccepted:
        return dice < 2 ? 6 : 3;
      case Seen::kIn:
        return dice < 8 ? 0 : 1;
      case Seen::kAnswered:
        return 7 + dice % 3;
      case Seen::kUp:
        return dice < 4 ? 6 : 7 + dice % 3;
      case Seen::kCancelled:
      case Seen::kGone:
        break;
    }
    return 10;
  }

  // Every third one says that a nonce was stale.
  static Extras Challenge(uint64_t number) {
    std::string value = "Digest realm=\"r\", qop=\"auth\", nonce=\"" + std::to_string(number) + '"';
    if (number % 3 == 0) value += ", stale=true";
    return {.headers = {{"WWW-Authenticate", std::move(value)}}};
  }

  void Command(DialogId id, Seen& seen, size_t which, FlowId flow, TimePoint now) {
    static constexpr int kFinals[] = {200, 200, 200, 200, 401, 486};
    switch (which) {
      case 0:
        side_.ua.RespondInvite(id, 183, Body("early"), now);
        break;
      case 1:
      case 2:
        Answer(id, seen, kFinals[(id.value + which) % std::size(kFinals)], now);
        break;
      case 3:
      case 4:
        side_.ua.Ack(id, {}, now);
        if (seen == Seen::kAccepted) seen = Seen::kUp;
        break;
      case 5:
        Cancel(id, seen, now);
        break;
      case 6:
        Bye(id, seen, now);
        break;
      case 7:
        Send(id, "INFO", now);
        break;
      case 8:
        Send(id, "UPDATE", now);
        break;
      case 9:
        Send(id, "INVITE", now);
        break;
      default:
        side_.ua.BindFlow(id, flow);
        break;
    }
  }

  void Answer(DialogId id, Seen& seen, int status, TimePoint now) {
    side_.ua.RespondInvite(id, status, status == 401 ? Challenge(id.value) : Body("answer"), now);
    if (seen == Seen::kIn) seen = status < 300 ? Seen::kAnswered : Seen::kGone;
  }
  void Cancel(DialogId id, Seen& seen, TimePoint now) {
    side_.ua.Cancel(id, {}, now);
    const bool open = seen == Seen::kOut || seen == Seen::kAccepted;
    if (open) seen = Seen::kCancelled;
  }
  void Bye(DialogId id, Seen& seen, TimePoint now) {
    side_.ua.Bye(id, {}, now);
    const bool up = seen == Seen::kAccepted || seen == Seen::kAnswered || seen == Seen::kUp;
    if (up) seen = Seen::kGone;
  }
  void Send(DialogId id, const char* method, TimePoint now) {
    const bool offer = id.value % 2 == 0;
    owed_.insert(side_.ua.SendInDialog(id, method, offer ? Body("offer") : Extras{}, now));
  }

  Seen& Expect(DialogId id, std::set<Seen> allowed) {
    EXPECT_TRUE(seen_.contains(id)) << what_ << " of unknown dialog " << id.value;
    Seen& seen = seen_[id];
    EXPECT_TRUE(allowed.contains(seen))
        << what_ << " of dialog " << id.value << " in state " << static_cast<int>(seen);
    return seen;
  }

  void On(IncomingInvite& e) { EXPECT_TRUE(seen_.emplace(e.dialog, Seen::kIn).second) << what_; }
  void On(IncomingRequest& e) {
    if (e.dialog) {
      Expect(e.dialog, {Seen::kOut, Seen::kCancelled, Seen::kAccepted, Seen::kIn, Seen::kAnswered,
                        Seen::kUp});
    }
    requests_.push_back(e.id);
  }
  void On(InviteProgress& e) { Expect(e.dialog, {Seen::kOut}); }
  void On(InviteAccepted& e) {
    Expect(e.dialog, {Seen::kOut}) = Seen::kAccepted;
    ++accepted;
  }
  void On(InviteRejected& e) {
    Seen& seen = Expect(e.dialog, {Seen::kOut, Seen::kCancelled});
    const bool challenge = e.status == 401 || e.status == 407;
    EXPECT_TRUE(!challenge || seen == Seen::kOut) << what_ << " of what was cancelled";
    EXPECT_EQ(challenge, !e.challenge_fault.empty());
    EXPECT_GE(e.status, 300);
    seen = Seen::kGone;
  }
  void On(InviteAcked& e) { Expect(e.dialog, {Seen::kAnswered, Seen::kUp}) = Seen::kUp; }
  // A 2xx may still wait for a PRACK.
  void On(InviteCancelled& e) { Expect(e.dialog, {Seen::kIn, Seen::kAnswered}) = Seen::kGone; }
  void On(DialogEnded& e) {
    const bool owed = e.end == DialogEnd::kNoAck && !side_.ua.FlowOf(e.dialog);
    std::set<Seen> allowed = {Seen::kAccepted, Seen::kAnswered, Seen::kUp};
    if (e.end == DialogEnd::kNoAck) allowed.insert(Seen::kGone);  // a BYE waited for that ACK
    Expect(e.dialog, allowed) = Seen::kGone;
    ++ended;
    if (owed) side_.ua.Bye(e.dialog, {}, {});
  }
  void On(RequestAnswered& e) {
    EXPECT_EQ(owed_.erase(e.id), 1u) << what_ << " twice or of an unknown request";
  }

  TestUa& side_;
  const char* name_;
  const AccountId account_;
  std::string what_;
  std::map<DialogId, Seen> seen_;
  std::set<ClientRequestId> owed_;
  std::vector<ServerRequestId> requests_;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : pair_(seed), dice_(seed) {
    pair_.through_codec = false;
    static constexpr std::pair<Prack, Prack> kReliable[] = {{Prack::kNone, Prack::kNone},
                                                            {Prack::kSupported, Prack::kRequired},
                                                            {Prack::kRequired, Prack::kSupported},
                                                            {Prack::kRequired, Prack::kRequired}};
    std::tie(pair_.prack_of_a, pair_.prack_of_b) = kReliable[seed % std::size(kReliable)];
    stranger_at_a_ = pair_.ConnectStranger(pair_.a);
    stranger_at_b_ = pair_.ConnectStranger(pair_.b);
    for (int i = 0; i < 2; ++i) pair_.Connect();
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) Step();
    // The flows stay as they are, or hang without a word, or break.
    const size_t end = Roll(3);
    pair_.mute = end == 1;
    if (end == 2) {
      for (FlowId flow : pair_.Flows()) pair_.Disconnect(flow);
      a.OnEvents();
      b.OnEvents();
    }
    for (int i = 0; i < 8; ++i) {
      a.Finish(pair_.now);
      b.Finish(pair_.now);
      pair_.Advance(40s);
      a.OnEvents();
      b.OnEvents();
    }
    a.ExpectFinished();
    b.ExpectFinished();
  }

  size_t pracked() const {
    return static_cast<size_t>(std::ranges::count_if(
        pair_.log, [](const auto& line) { return line.substr(1) == " PRACK"; }));
  }

 private:
  size_t Roll(size_t n) { return dice_() % n; }

  FlowId AnyFlow() {
    const std::vector<FlowId> flows = pair_.Flows();
    return flows.empty() ? FlowId{12345} : flows[Roll(flows.size())];
  }

  void Step() {
    Driver& driver = Roll(2) == 0 ? a : b;
    const size_t what = Roll(100);
    if (what < 5) {
      driver.Call(AnyFlow(), pair_.now);
    } else if (what < 35) {
      driver.Act(dice_, AnyFlow(), pair_.now);
    } else if (what < 87) {
      pair_.Deliver(AnyFlow());
    } else if (what < 89) {
      if (pair_.Flows().size() < 4) pair_.Connect();
    } else if (what < 90) {
      pair_.Disconnect(AnyFlow());
    } else if (what < 94) {
      Replay();
    } else if (what < 99 || Roll(4) != 0) {
      pair_.AdvanceWithoutDelivery(Roll(1500) * 1ms);
    } else {
      pair_.AdvanceWithoutDelivery(Roll(40) * 1s);
    }
    pair_.Pump();
    a.OnEvents();
    b.OnEvents();
  }

  // Something that was sent once comes again: on a flow of its sender's, or from the stranger.
  void Replay() {
    if (pair_.sent().empty()) return;
    const auto [by_a, message] = pair_.sent()[Roll(pair_.sent().size())];
    TestUa& receiver = by_a ? pair_.b : pair_.a;
    const FlowId strange = by_a ? stranger_at_b_ : stranger_at_a_;
    const bool spoof = Roll(2) == 0;
    receiver.ua.OnMessage(spoof ? strange : AnyFlow(), message, pair_.now);
    if (!spoof) return;
    for (const UserAgentEvent& event : receiver.ua.TakeEvents()) {
      // Calls and requests of his own at the most; nothing about what is ours.
      const auto* invite = std::get_if<IncomingInvite>(&event);
      const auto* request = std::get_if<IncomingRequest>(&event);
      const auto* cancelled = std::get_if<InviteCancelled>(&event);
      if (invite) strange_calls_.insert({by_a, invite->dialog});
      EXPECT_TRUE(invite || (request && !request->dialog) ||
                  (cancelled && strange_calls_.contains({by_a, cancelled->dialog})))
          << "the stranger caused " << NameOf(event);
      receiver.events.push_back(event);
    }
  }

  Pair pair_;
  std::mt19937_64 dice_;
  FlowId stranger_at_a_;
  FlowId stranger_at_b_;
  std::set<std::pair<bool, DialogId>> strange_calls_;  // true: at b

 public:
  Driver a{pair_.a, "a"};
  Driver b{pair_.b, "b"};
};

TEST(UserAgentSimulation, NothingIsLeftWhateverHappens) {
  size_t accepted = 0;
  size_t ended = 0;
  size_t pracked = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed);
    simulation.Run(160);
    if (HasFailure()) break;
    accepted += simulation.a.accepted + simulation.b.accepted;
    ended += simulation.a.ended + simulation.b.ended;
    pracked += simulation.pracked();
  }
  // The dice do reach the interesting states.
  EXPECT_GT(accepted, 2000u);
  EXPECT_GT(ended, 500u);
  EXPECT_GT(pracked, 500u);
  std::printf("2000 runs: %zu calls accepted, %zu dialogs ended by the peer, %zu PRACKs\n",
              accepted, ended, pracked);
}

}  // namespace
}  // namespace lastmile::sip
