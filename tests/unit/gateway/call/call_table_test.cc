#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

// Every input in every state, for both directions. A pair without a row fails the test.
struct Row {
  CallState from;
  const char* input;
  CallState to;
  // "486" stands for the status the direction maps it to, "trunk" and "browser" for its parties.
  const char* outputs;
};

constexpr CallState kIdle = CallState::kIdle;
constexpr CallState kOpening = CallState::kOpeningMedia;
constexpr CallState kReserving = CallState::kReserving;
constexpr CallState kCalling = CallState::kCalling;
constexpr CallState kAnswered = CallState::kAnswered;
constexpr CallState kConnected = CallState::kConnected;
constexpr CallState kClosing = CallState::kClosing;
constexpr CallState kEnded = CallState::kEnded;

constexpr Row kTable[] = {
    {kIdle, "invited", kOpening, "open"},
    {kIdle, "invited-bad", kEnded, "answer:400 ended"},
    {kIdle, "media-opened", kIdle, ""},
    {kIdle, "media-connected", kIdle, ""},
    {kIdle, "media-failed", kIdle, ""},
    {kIdle, "media-closed", kIdle, ""},
    {kIdle, "progress", kIdle, ""},
    {kIdle, "answered", kIdle, ""},
    {kIdle, "answered-bad", kIdle, ""},
    {kIdle, "rejected", kIdle, ""},
    {kIdle, "another-trunk", kIdle, ""},
    {kIdle, "cancelled", kIdle, ""},
    {kIdle, "acked", kIdle, ""},
    {kIdle, "callee-acked", kIdle, ""},
    {kIdle, "refresh-due", kIdle, ""},
    {kIdle, "hung-up-caller", kIdle, ""},
    {kIdle, "hung-up-callee", kIdle, ""},
    {kIdle, "reoffered", kIdle, ""},
    {kIdle, "browser-back", kIdle, ""},
    {kIdle, "browser-silent", kIdle, ""},
    {kIdle, "browser-left", kIdle, ""},
    {kIdle, "browser-heard", kIdle, ""},
    {kIdle, "browser-away", kIdle, ""},
    {kIdle, "offer-answered", kIdle, ""},
    {kIdle, "offer-gone", kIdle, ""},
    {kIdle, "digit-info", kIdle, "info:503"},
    {kIdle, "digit-heard", kIdle, ""},
    {kIdle, "transfer-asked", kIdle, "refer:403"},
    {kIdle, "transfer-refused", kIdle, "refer:403"},
    {kIdle, "target-progress", kIdle, ""},
    {kIdle, "target-answered", kIdle, ""},
    {kIdle, "target-rejected", kIdle, ""},
    {kIdle, "trunk-replaced", kIdle, "replacing:491"},
    {kIdle, "shut-down", kEnded, "ended"},
    {kIdle, "timer", kIdle, ""},

    {kOpening, "invited", kOpening, ""},
    {kOpening, "invited-bad", kOpening, ""},
    {kOpening, "media-opened", kCalling, "place"},
    {kOpening, "media-connected", kOpening, ""},
    {kOpening, "media-failed", kClosing, "answer:503 close"},
    {kOpening, "media-closed", kOpening, ""},
    {kOpening, "progress", kOpening, ""},
    {kOpening, "answered", kOpening, ""},
    {kOpening, "answered-bad", kOpening, ""},
    {kOpening, "rejected", kOpening, ""},
    {kOpening, "another-trunk", kOpening, ""},
    {kOpening, "cancelled", kClosing, "close"},
    {kOpening, "acked", kOpening, ""},
    {kOpening, "callee-acked", kOpening, ""},
    {kOpening, "refresh-due", kOpening, ""},
    {kOpening, "hung-up-caller", kClosing, "close"},
    {kOpening, "hung-up-callee", kClosing, "close"},
    {kOpening, "reoffered", kOpening, "reoffer:500"},
    {kOpening, "browser-back", kOpening, ""},
    {kOpening, "browser-silent", kOpening, ""},
    {kOpening, "browser-left", kOpening, ""},
    {kOpening, "browser-heard", kOpening, ""},
    {kOpening, "browser-away", kOpening, ""},
    {kOpening, "offer-answered", kOpening, ""},
    {kOpening, "offer-gone", kOpening, ""},
    {kOpening, "digit-info", kOpening, "info:503"},
    {kOpening, "digit-heard", kOpening, ""},
    {kOpening, "transfer-asked", kOpening, "refer:403"},
    {kOpening, "transfer-refused", kOpening, "refer:403"},
    {kOpening, "target-progress", kOpening, ""},
    {kOpening, "target-answered", kOpening, ""},
    {kOpening, "target-rejected", kOpening, ""},
    {kOpening, "trunk-replaced", kOpening, "replacing:491"},
    {kOpening, "shut-down", kClosing, "answer:503 close"},
    {kOpening, "timer", kClosing, "answer:503 close"},

    // Of a carrier that calls.
    {kReserving, "invited", kReserving, ""},
    {kReserving, "invited-bad", kReserving, ""},
    {kReserving, "media-opened", kReserving, ""},
    {kReserving, "media-connected", kReserving, ""},
    {kReserving, "media-failed", kClosing, "answer:503 close"},
    {kReserving, "media-closed", kReserving, ""},
    {kReserving, "progress", kReserving, ""},
    {kReserving, "answered", kReserving, ""},
    {kReserving, "answered-bad", kReserving, ""},
    {kReserving, "rejected", kReserving, ""},
    {kReserving, "another-trunk", kReserving, ""},
    {kReserving, "cancelled", kClosing, "close"},
    {kReserving, "acked", kReserving, ""},
    {kReserving, "callee-acked", kReserving, ""},
    {kReserving, "refresh-due", kReserving, ""},
    {kReserving, "hung-up-caller", kClosing, "close"},
    {kReserving, "hung-up-callee", kClosing, "close"},
    {kReserving, "reoffered", kCalling, "update reoffer:200 place"},
    {kReserving, "browser-back", kReserving, ""},
    {kReserving, "browser-silent", kReserving, ""},
    {kReserving, "browser-left", kReserving, ""},
    {kReserving, "browser-heard", kReserving, ""},
    {kReserving, "browser-away", kReserving, ""},
    {kReserving, "offer-answered", kReserving, ""},
    {kReserving, "offer-gone", kReserving, ""},
    {kReserving, "digit-info", kReserving, "info:503"},
    {kReserving, "digit-heard", kReserving, ""},
    {kReserving, "shut-down", kClosing, "answer:503 close"},
    {kReserving, "timer", kClosing, "answer:580 close"},
    {kReserving, "transfer-asked", kReserving, "refer:403"},
    {kReserving, "transfer-refused", kReserving, "refer:403"},
    {kReserving, "target-progress", kReserving, ""},
    {kReserving, "target-answered", kReserving, ""},
    {kReserving, "target-rejected", kReserving, ""},
    {kReserving, "trunk-replaced", kReserving, "replacing:491"},

    {kCalling, "invited", kCalling, ""},
    {kCalling, "invited-bad", kCalling, ""},
    {kCalling, "media-opened", kCalling, ""},
    {kCalling, "media-connected", kCalling, ""},
    {kCalling, "media-failed", kClosing, "answer:480 cancel close"},
    {kCalling, "media-closed", kCalling, ""},
    {kCalling, "progress", kCalling, "answer:180"},
    {kCalling, "answered", kAnswered, "ack update answer:200+sdp"},
    {kCalling, "answered-bad", kClosing, "ack answer:488 bye:callee close"},
    {kCalling, "rejected", kClosing, "answer:486 close"},
    {kCalling, "another-trunk", kCalling, "place"},
    {kCalling, "cancelled", kClosing, "cancel close"},
    {kCalling, "acked", kCalling, ""},
    {kCalling, "callee-acked", kCalling, ""},
    {kCalling, "refresh-due", kCalling, ""},
    {kCalling, "hung-up-caller", kClosing, "cancel close"},
    {kCalling, "hung-up-callee", kClosing, "answer:480 close"},
    {kCalling, "reoffered", kCalling, "reoffer:500"},
    {kCalling, "browser-back", kCalling, ""},
    {kCalling, "browser-silent", kCalling, ""},
    {kCalling, "browser-left", kClosing, "answer:480 cancel close"},
    {kCalling, "browser-heard", kCalling, ""},
    {kCalling, "browser-away", kCalling, ""},
    {kCalling, "offer-answered", kCalling, ""},
    {kCalling, "offer-gone", kCalling, ""},
    {kCalling, "digit-info", kCalling, "info:503"},
    {kCalling, "digit-heard", kCalling, ""},
    {kCalling, "transfer-asked", kCalling, "refer:403"},
    {kCalling, "transfer-refused", kCalling, "refer:403"},
    {kCalling, "target-progress", kCalling, ""},
    {kCalling, "target-answered", kCalling, ""},
    {kCalling, "target-rejected", kCalling, ""},
    {kCalling, "trunk-replaced", kCalling, "replacing:491"},
    {kCalling, "shut-down", kClosing, "answer:503 cancel close"},
    {kCalling, "timer", kCalling, ""},

    {kAnswered, "invited", kAnswered, ""},
    {kAnswered, "invited-bad", kAnswered, ""},
    {kAnswered, "media-opened", kAnswered, ""},
    {kAnswered, "media-connected", kAnswered, ""},
    {kAnswered, "media-failed", kClosing, "bye:caller bye:callee close"},
    {kAnswered, "media-closed", kAnswered, ""},
    {kAnswered, "progress", kAnswered, ""},
    {kAnswered, "answered", kAnswered, ""},
    {kAnswered, "answered-bad", kAnswered, ""},
    {kAnswered, "rejected", kAnswered, ""},
    {kAnswered, "another-trunk", kAnswered, ""},
    {kAnswered, "cancelled", kClosing, "bye:callee close"},
    {kAnswered, "acked", kConnected, ""},
    {kAnswered, "callee-acked", kAnswered, ""},
    {kAnswered, "refresh-due", kAnswered, ""},
    {kAnswered, "hung-up-caller", kClosing, "bye:callee close"},
    {kAnswered, "hung-up-callee", kClosing, "bye:caller close"},
    {kAnswered, "reoffered", kAnswered, "update reoffer:200"},
    {kAnswered, "browser-back", kAnswered, ""},
    {kAnswered, "browser-silent", kAnswered, ""},
    {kAnswered, "browser-left", kClosing, "bye:caller bye:callee close"},
    {kAnswered, "browser-heard", kAnswered, ""},
    {kAnswered, "browser-away", kClosing, "bye:caller bye:callee close"},
    {kAnswered, "offer-answered", kAnswered, ""},
    {kAnswered, "offer-gone", kClosing, "bye:caller bye:callee close"},
    {kAnswered, "digit-info", kAnswered, "info:200 event:5"},
    {kAnswered, "digit-heard", kAnswered, "event:5"},
    {kAnswered, "transfer-asked", kAnswered, "refer:403"},
    {kAnswered, "transfer-refused", kAnswered, "refer:403"},
    {kAnswered, "target-progress", kAnswered, ""},
    {kAnswered, "target-answered", kAnswered, ""},
    {kAnswered, "target-rejected", kAnswered, ""},
    {kAnswered, "trunk-replaced", kAnswered, "replacing:491"},
    {kAnswered, "shut-down", kClosing, "bye:caller bye:callee close"},
    {kAnswered, "timer", kAnswered, ""},

    {kConnected, "invited", kConnected, ""},
    {kConnected, "invited-bad", kConnected, ""},
    {kConnected, "media-opened", kConnected, ""},
    {kConnected, "media-connected", kConnected, ""},
    {kConnected, "media-failed", kClosing, "bye:caller bye:callee close"},
    {kConnected, "media-closed", kConnected, ""},
    {kConnected, "progress", kConnected, ""},
    {kConnected, "answered", kConnected, ""},
    {kConnected, "answered-bad", kConnected, ""},
    {kConnected, "rejected", kConnected, ""},
    {kConnected, "another-trunk", kConnected, ""},
    {kConnected, "cancelled", kClosing, "bye:callee close"},
    {kConnected, "acked", kConnected, ""},
    {kConnected, "callee-acked", kConnected, ""},
    {kConnected, "refresh-due", kConnected, "offer"},
    {kConnected, "hung-up-caller", kClosing, "bye:callee close"},
    {kConnected, "hung-up-callee", kClosing, "bye:caller close"},
    {kConnected, "reoffered", kConnected, "update reoffer:200"},
    {kConnected, "browser-back", kConnected, "update offer"},
    {kConnected, "browser-silent", kConnected, "update offer"},
    {kConnected, "browser-left", kClosing, "bye:caller bye:callee close"},
    {kConnected, "browser-heard", kConnected, ""},
    {kConnected, "browser-away", kClosing, "bye:caller bye:callee close"},
    {kConnected, "offer-answered", kConnected, ""},
    {kConnected, "offer-gone", kClosing, "bye:caller bye:callee close"},
    {kConnected, "digit-info", kConnected, "info:200 event:5"},
    {kConnected, "digit-heard", kConnected, "event:5"},
    {kConnected, "transfer-asked", kConnected, "refer:202 notify:100 place-target"},
    {kConnected, "transfer-refused", kConnected, "refer:202 notify:404"},
    {kConnected, "target-progress", kConnected, ""},
    {kConnected, "target-answered", kConnected, ""},
    {kConnected, "target-rejected", kConnected, ""},
    {kConnected, "trunk-replaced", kConnected, "update replacing:200 bye:trunk swap"},
    {kConnected, "shut-down", kClosing, "bye:caller bye:callee close"},
    {kConnected, "timer", kConnected, ""},

    {kClosing, "invited", kClosing, ""},
    {kClosing, "invited-bad", kClosing, ""},
    {kClosing, "media-opened", kClosing, ""},
    {kClosing, "media-connected", kClosing, ""},
    {kClosing, "media-failed", kClosing, ""},
    {kClosing, "media-closed", kEnded, "ended"},
    {kClosing, "progress", kClosing, ""},
    {kClosing, "answered", kClosing, ""},
    {kClosing, "answered-bad", kClosing, ""},
    {kClosing, "rejected", kClosing, ""},
    {kClosing, "another-trunk", kClosing, ""},
    {kClosing, "cancelled", kClosing, ""},
    {kClosing, "acked", kClosing, ""},
    {kClosing, "callee-acked", kClosing, ""},
    {kClosing, "refresh-due", kClosing, ""},
    {kClosing, "hung-up-caller", kClosing, ""},
    {kClosing, "hung-up-callee", kClosing, ""},
    {kClosing, "reoffered", kClosing, "reoffer:481"},
    {kClosing, "browser-back", kClosing, ""},
    {kClosing, "browser-silent", kClosing, ""},
    {kClosing, "browser-left", kClosing, ""},
    {kClosing, "browser-heard", kClosing, ""},
    {kClosing, "browser-away", kClosing, ""},
    {kClosing, "offer-answered", kClosing, ""},
    {kClosing, "offer-gone", kClosing, ""},
    {kClosing, "digit-info", kClosing, "info:481"},
    {kClosing, "digit-heard", kClosing, ""},
    {kClosing, "transfer-asked", kClosing, "refer:481"},
    {kClosing, "transfer-refused", kClosing, "refer:481"},
    {kClosing, "target-progress", kClosing, ""},
    {kClosing, "target-answered", kClosing, ""},
    {kClosing, "target-rejected", kClosing, ""},
    {kClosing, "trunk-replaced", kClosing, "replacing:603"},
    {kClosing, "shut-down", kClosing, ""},
    {kClosing, "timer", kEnded, "ended"},
};

std::map<std::string, CallInput> InputsFor(const CallHarness& harness) {
  return {
      {"invited", Invited{harness.CallerOffer()}},
      {"invited-bad", Invited{"not sdp"}},
      {"media-opened", MediaOpened{OpenedSession()}},
      {"media-connected", MediaConnected{}},
      {"media-failed", MediaFailed{"the browser is gone"}},
      {"media-closed", MediaClosed{}},
      {"progress", CalleeProgress{180, ""}},
      {"answered", CalleeAnswered{harness.CalleeAnswer()}},
      {"answered-bad", CalleeAnswered{"not sdp"}},
      {"rejected", CalleeRejected{486, ""}},
      {"another-trunk", AnotherTrunk{}},
      {"cancelled", CallerCancelled{}},
      {"acked", CallerAcked{}},
      {"callee-acked", CalleeAcked{}},
      {"refresh-due", RefreshDue{}},
      {"hung-up-caller", HungUp{Party::kCaller, ""}},
      {"hung-up-callee", HungUp{Party::kCallee, ""}},
      {"reoffered", Reoffered{Party::kCaller, {5}, harness.CallerOffer()}},
      {"browser-back", BrowserBack{{"freshUfr", "freshfreshfreshfreshfres"}}},
      {"browser-silent",
       BrowserSilent{"silent", Signalling::kThere, {"freshUfr", "freshfreshfreshfreshfres"}}},
      {"browser-left", BrowserSilent{"silent", Signalling::kLeft, {}}},
      {"browser-heard", BrowserHeard{}},
      {"browser-away", BrowserAway{}},
      {"offer-answered", OfferAnswered{Party::kCaller, 200, "not sdp"}},
      {"offer-gone", OfferAnswered{Party::kCaller, 481, ""}},
      {"digit-info",
       InfoReceived{
           harness.from_browser() ? Party::kCaller : Party::kCallee, {6}, kDtmfRelay, "Signal=5"}},
      {"digit-heard", DigitHeard{.from_browser = true, .event = 5}},
      {"transfer-asked", TransferAsked{.request = {8}}},
      {"transfer-refused", TransferAsked{.request = {8}, .refused = 404, .why = "no route"}},
      {"target-progress", TargetProgress{180, ""}},
      {"target-answered", TargetAnswered{testing::TrunkSdp("0 101")}},
      {"target-rejected", TargetRejected{486}},
      {"trunk-replaced", TrunkReplaced{testing::TrunkSdp("0 101")}},
      {"shut-down", ShutDown{"stopping"}},
  };
}

class CallTable : public ::testing::TestWithParam<CallDirection> {};

TEST_P(CallTable, EveryInputInEveryStateDoesWhatTheTableSays) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(std::string(ToString(row.from)) + " x " + row.input);
    CallHarness harness(GetParam());
    if (row.from == kReserving && harness.from_browser()) continue;
    harness.DriveTo(row.from);
    ASSERT_EQ(harness.call().state(), row.from);
    const bool timer = std::string(row.input) == "timer";
    const std::string done =
        timer ? harness.Wait(1h) : harness.Feed(InputsFor(harness).at(row.input));
    // For the browser it is held back for a moment (Call::kMergeProgress).
    const bool held = std::string(row.outputs) == "answer:180" && harness.from_browser();
    // A browser that is called is no trunk.
    const bool no_trunk = std::string(row.input) == "another-trunk" && !harness.from_browser();
    EXPECT_EQ(done, held || no_trunk ? "" : harness.ByParty(row.outputs));
    EXPECT_EQ(harness.call().state(), row.to);
  }
}

// A call whose trunk transfers it, while the target is called. `alone`: the transferor has hung up.
struct TransferRow {
  const char* input;
  CallState to;
  const char* outputs;
  const char* alone;  // outputs
};

constexpr TransferRow kTransferTable[] = {
    {"invited", kConnected, "", ""},
    {"invited-bad", kConnected, "", ""},
    {"media-opened", kConnected, "", ""},
    {"media-connected", kConnected, "", ""},
    {"media-failed", kClosing, "notify:487 cancel-target bye:caller bye:callee close",
     "cancel-target bye:browser close"},
    {"media-closed", kConnected, "", ""},
    {"progress", kConnected, "", ""},
    {"answered", kConnected, "", ""},
    {"answered-bad", kConnected, "", ""},
    {"rejected", kConnected, "", ""},
    {"another-trunk", kConnected, "", ""},
    {"acked", kConnected, "", ""},
    {"callee-acked", kConnected, "", ""},
    {"refresh-due", kConnected, "offer", "offer"},
    {"hung-up-browser", kClosing, "notify:487 cancel-target bye:trunk close",
     "cancel-target close"},
    {"hung-up-trunk", kConnected, "", ""},
    {"reoffered-browser", kConnected, "update reoffer:200", "update reoffer:200"},
    {"browser-holds", kConnected, "update reoffer:200 offer", "update reoffer:200"},
    {"browser-back", kConnected, "update offer", "update offer"},
    {"browser-silent", kConnected, "update offer", "update offer"},
    {"browser-left", kClosing, "notify:487 cancel-target bye:caller bye:callee close",
     "cancel-target bye:browser close"},
    {"browser-heard", kConnected, "", ""},
    {"browser-away", kClosing, "notify:487 cancel-target bye:caller bye:callee close",
     "cancel-target bye:browser close"},
    {"offer-answered-trunk", kConnected, "", ""},
    {"offer-gone-browser", kClosing, "notify:487 cancel-target bye:caller bye:callee close",
     "cancel-target bye:browser close"},
    {"digit-info", kConnected, "info:200 event:5", "info:200 event:5"},
    {"digit-heard", kConnected, "event:5", "event:5"},
    {"transfer-asked", kConnected, "refer:491", "refer:491"},
    {"transfer-refused", kConnected, "refer:491", "refer:491"},
    {"target-progress", kConnected, "notify:180", ""},
    {"target-answered", kConnected, "ack-target update notify:200 bye:trunk swap",
     "ack-target update swap"},
    {"target-answered-bad", kConnected, "ack-target bye:target notify:488", nullptr},
    {"target-rejected", kConnected, "notify:486", nullptr},
    {"trunk-replaced", kConnected, "replacing:491", "replacing:491"},
    {"shut-down", kClosing, "notify:487 cancel-target bye:caller bye:callee close",
     "cancel-target bye:browser close"},
    {"timer", kConnected, "", ""},
};

// Of a transferor that is gone nothing can come any more; what ends the transfer ends the call.
constexpr TransferRow kAloneTable[] = {
    {"target-answered-bad", kClosing, nullptr, "ack-target bye:target bye:browser close"},
    {"target-rejected", kClosing, nullptr, "bye:browser close"},
};

std::map<std::string, CallInput> TransferInputsFor(const CallHarness& harness) {
  auto inputs = InputsFor(harness);
  for (const char* name : {"cancelled", "hung-up-caller", "hung-up-callee", "reoffered",
                           "offer-answered", "offer-gone"}) {
    inputs.erase(name);
  }
  const Party browser = harness.from_browser() ? Party::kCaller : Party::kCallee;
  const std::string sdp = testing::BrowserSdp("actpass", "0 101");
  std::string held = sdp;
  held.replace(held.find("a=sendrecv"), 10, "a=sendonly");
  inputs.emplace("hung-up-browser", HungUp{browser, ""});
  inputs.emplace("hung-up-trunk", HungUp{Other(browser), ""});
  inputs.emplace("reoffered-browser", Reoffered{browser, {5}, sdp});
  inputs.emplace("browser-holds", Reoffered{browser, {5}, held});
  inputs.emplace("offer-answered-trunk", OfferAnswered{Other(browser), 200, "not sdp"});
  inputs.emplace("offer-gone-browser", OfferAnswered{browser, 481, ""});
  inputs.emplace("target-answered-bad", TargetAnswered{"not sdp"});
  return inputs;
}

void RunTransferRow(CallDirection direction, const TransferRow& row, bool alone) {
  SCOPED_TRACE(std::string(row.input) + (alone ? ", alone" : ""));
  CallHarness harness(direction);
  harness.DriveTo(CallState::kConnected);
  const auto inputs = TransferInputsFor(harness);
  harness.Feed(inputs.at("transfer-asked"));
  if (alone) {
    ASSERT_EQ(harness.Feed(inputs.at("hung-up-trunk")), "");
  }
  const bool timer = std::string(row.input) == "timer";
  const std::string done = timer ? harness.Wait(1h) : harness.Feed(inputs.at(row.input));
  EXPECT_EQ(done, harness.ByParty(alone ? row.alone : row.outputs));
  EXPECT_EQ(harness.call().state(), row.to);
}

TEST_P(CallTable, EveryInputDuringATransferDoesWhatTheTableSays) {
  std::set<std::string> rows;
  for (const TransferRow& row : kTransferTable) {
    EXPECT_TRUE(rows.insert(row.input).second) << row.input;
    RunTransferRow(GetParam(), row, false);
    if (row.alone) RunTransferRow(GetParam(), row, true);
  }
  for (const TransferRow& row : kAloneTable) RunTransferRow(GetParam(), row, true);
  for (const auto& [name, input] : TransferInputsFor(CallHarness(GetParam()))) {
    EXPECT_TRUE(rows.contains(name)) << name;
  }
}

TEST_P(CallTable, HasARowForEveryPair) {
  std::set<std::pair<CallState, std::string>> rows;
  for (const Row& row : kTable) {
    EXPECT_TRUE(rows.emplace(row.from, row.input).second) << row.input;
  }
  const CallHarness harness(GetParam());
  for (CallState state : {kIdle, kOpening, kReserving, kCalling, kAnswered, kConnected, kClosing}) {
    EXPECT_TRUE(rows.contains({state, "timer"}));
    for (const auto& [name, input] : InputsFor(harness)) {
      EXPECT_TRUE(rows.contains({state, name})) << ToString(state) << " x " << name;
    }
  }
  std::set<size_t> kinds;
  for (const auto& [name, input] : InputsFor(harness)) kinds.insert(input.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<CallInput>);
}

TEST_P(CallTable, NothingHappensAfterTheEnd) {
  CallHarness harness(GetParam());
  harness.DriveTo(CallState::kEnded);
  for (const auto& [name, input] : InputsFor(harness)) {
    EXPECT_EQ(harness.Feed(input), "") << name;
    EXPECT_EQ(harness.call().state(), CallState::kEnded);
  }
  EXPECT_EQ(harness.call().next_timeout(), kNever);
}

INSTANTIATE_TEST_SUITE_P(Directions, CallTable,
                         ::testing::Values(CallDirection::kFromBrowser, CallDirection::kFromTrunk),
                         [](const auto& tested) {
                           return tested.param == CallDirection::kFromBrowser ? "FromBrowser"
                                                                              : "FromTrunk";
                         });

}  // namespace
}  // namespace lastmile::call
