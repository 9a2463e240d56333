#include "gateway/app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CallRecord AnsweredCall() {
  CallRecord record{.id = {7}, .parties = {.trunk = "acme"}};
  record.summary.invite_bytes = 653;
  record.summary.status = 200;
  record.summary.answered = TimePoint{} + 2s;
  record.summary.sdp = {.offer_in = 2237, .offer_out = 199, .answer_in = 250, .answer_out = 600};
  return record;
}

TEST(Histogram, CountsAreCumulativeAndABoundBelongsToItsBucket) {
  Histogram histogram({10, 20});
  for (const double value : {10, 11, 20, 21}) histogram.Observe(value);
  std::string out;
  histogram.Write("h", "", out);
  EXPECT_EQ(out,
            "h_bucket{le=\"10\"} 1\n"
            "h_bucket{le=\"20\"} 3\n"
            "h_bucket{le=\"+Inf\"} 4\n"
            "h_sum 62\n"
            "h_count 4\n");
}

TEST(Metrics, ACallCountsItsBytesByLegAndDirection) {
  Metrics metrics;
  metrics.Count(AnsweredCall());
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, HasSubstr("lastmile_calls_total{trunk=\"acme\",direction=\"from-browser\","
                              "result=\"answered\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_sdp_bytes_sum{leg=\"browser\",dir=\"in\"} 2237\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_sdp_bytes_sum{leg=\"trunk\",dir=\"out\"} 199\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_sdp_bytes_sum{leg=\"trunk\",dir=\"in\"} 250\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_sdp_bytes_sum{leg=\"browser\",dir=\"out\"} 600\n"));
  EXPECT_THAT(text,
              HasSubstr("lastmile_sdp_bytes_bucket{leg=\"trunk\",dir=\"out\",le=\"256\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_invite_bytes_sum{leg=\"trunk\",dir=\"out\"} 653\n"));
}

TEST(Metrics, ACallOfACarrierHasItsOfferOnTheTrunkLeg) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  record.direction = call::CallDirection::kFromTrunk;
  record.summary.invite_bytes = 0;
  metrics.Count(record);
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, HasSubstr("lastmile_sdp_bytes_sum{leg=\"trunk\",dir=\"in\"} 2237\n"));
  EXPECT_THAT(text, Not(HasSubstr("lastmile_invite_bytes_sum")));
}

TEST(Metrics, TrunksTellWhetherTheyAreUpAndRegistered) {
  GatewayGauges gauges;
  gauges.signalling.trunks = {
      {.trunk = "acme", .servers = 2, .up_servers = 1, .registers = true, .rtt = 1500us},
      {.trunk = "metro", .servers = 1}};
  const std::string text = Metrics().Text(gauges);
  EXPECT_THAT(text, HasSubstr("lastmile_trunk_up{trunk=\"acme\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_trunk_up{trunk=\"metro\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_trunk_options_rtt_seconds{trunk=\"acme\"} 0.001500\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_trunk_registered{trunk=\"acme\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("lastmile_trunk_registered{trunk=\"metro\"}")));
}

TEST(Metrics, CredentialsThatLetNobodyInAreCountedByReason) {
  GatewayGauges gauges;
  gauges.signalling.auth_failures = {.password = 4, .token = 3, .limited = 2, .unavailable = 1};
  const std::string text = Metrics().Text(gauges);
  EXPECT_THAT(text, HasSubstr("lastmile_auth_failures_total{reason=\"password\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_auth_failures_total{reason=\"token\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_auth_failures_total{reason=\"limited\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_auth_failures_total{reason=\"unavailable\"} 1\n"));
}

TEST(Metrics, ResultsAreToldApart) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  record.summary.answered.reset();
  for (const int status : {487, 486, 603, 503}) {
    record.summary.status = status;
    metrics.Count(record);
  }
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, HasSubstr("result=\"cancelled\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("result=\"rejected\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("result=\"failed\"} 1\n"));
}

TEST(Metrics, WhatNeverWasIsNotObserved) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  record.summary.sdp = {.offer_in = 900};
  metrics.Count(record);
  EXPECT_THAT(metrics.Text({}), Not(HasSubstr("dir=\"out\"} 0")));
}

TEST(Metrics, TheAudioOfEachLegIsObserved) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  media::SessionStats& stats = record.summary.media;
  stats.browser.received = media::StreamQuality{
      .packets = 990, .lost = 10, .loss = 0.01, .worst_loss = 0.04, .jitter = 15ms, .mos = 4.25};
  stats.browser.sent = media::StreamQuality{.packets = 500, .mos = 3.5};
  stats.browser.rtt = 125ms;
  stats.trunk.received = media::StreamQuality{.packets = 400, .lost = 100};
  metrics.Count(record);
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, HasSubstr("lastmile_rtp_packets_total{leg=\"browser\",dir=\"in\"} 990\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_rtp_packets_total{leg=\"browser\",dir=\"out\"} 500\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_rtp_lost_total{leg=\"browser\",dir=\"in\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_rtp_lost_total{leg=\"trunk\",dir=\"in\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE lastmile_mos histogram\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_mos_bucket{leg=\"browser\",dir=\"in\",le=\"4.03\"} 0\n"
                              "lastmile_mos_bucket{leg=\"browser\",dir=\"in\",le=\"4.34\"} 1\n"
                              "lastmile_mos_bucket{leg=\"browser\",dir=\"in\",le=\"+Inf\"} 1\n"
                              "lastmile_mos_sum{leg=\"browser\",dir=\"in\"} 4.25\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_mos_sum{leg=\"browser\",dir=\"out\"} 3.5\n"));
  EXPECT_THAT(text,
              HasSubstr("lastmile_rtp_jitter_seconds_sum{leg=\"browser\",dir=\"in\"} 0.015\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_rtp_rtt_seconds_sum{leg=\"browser\"} 0.125\n"));
  EXPECT_THAT(text, Not(HasSubstr("lastmile_mos_count{leg=\"trunk\""))) << "of no known codec";
  EXPECT_THAT(text, Not(HasSubstr("lastmile_rtp_rtt_seconds_count{leg=\"trunk\"")));
}

TEST(Metrics, BothLegsOfABridgeAreTrunks) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  record.direction = call::CallDirection::kBetweenTrunks;
  record.summary.media.browser.received = media::StreamQuality{.packets = 30};
  record.summary.media.trunk.received = media::StreamQuality{.packets = 40};
  metrics.Count(record);
  EXPECT_THAT(metrics.Text({}),
              HasSubstr("lastmile_rtp_packets_total{leg=\"trunk\",dir=\"in\"} 70\n"));
}

TEST(Metrics, ACallWithoutAudioHasNoFigures) {
  Metrics metrics;
  metrics.Count(AnsweredCall());
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, Not(HasSubstr("lastmile_mos_")));
  EXPECT_THAT(text, Not(HasSubstr("lastmile_rtp_lost_total{")));
}

TEST(Metrics, TheNameOfATrunkCannotBreakALine) {
  Metrics metrics;
  CallRecord record = AnsweredCall();
  record.parties.trunk = "a\"b\\c\nd";
  record.summary.over_budget = true;
  metrics.Count(record);
  EXPECT_THAT(metrics.Text({}),
              HasSubstr("lastmile_sdp_over_budget_total{trunk=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Metrics, GaugesAreThoseOfTheMoment) {
  const std::string text = Metrics().Text(
      {.signalling = {.calls = 3, .registrations = 5},
       .media = {.sessions = 2, .ports_in_use = 4, .tcp_connections = 7, .tcp_refused = 8},
       .ws = {.connections = 6}});
  EXPECT_THAT(text, HasSubstr("# TYPE lastmile_calls_active gauge\nlastmile_calls_active 3\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_registrations 5\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_media_sessions 2\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_media_ports_in_use 4\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_media_tcp_connections 7\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_media_tcp_refused_total{} 8\n"));
  EXPECT_THAT(text, HasSubstr("lastmile_ws_connections 6\n"));
}

}  // namespace
}  // namespace lastmile::app
