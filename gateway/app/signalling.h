#ifndef LASTMILE_GATEWAY_APP_SIGNALLING_H_
#define LASTMILE_GATEWAY_APP_SIGNALLING_H_

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/mailbox.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/app/admin_http.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/config.h"
#include "gateway/app/metrics.h"
#include "gateway/app/trunk_streams.h"
#include "gateway/net/loop.h"
#include "gateway/net/stream_hub.h"
#include "gateway/users/user_source.h"
#include "media_anchor/io/media_engine.h"
#include "ws/server.h"

namespace lastmile::app {

// The `sig` thread: a loop with the carriers' streams, and the CallManager that decides everything.
// Constructor, Start and Stop: main's thread. Mailboxes, server and engine outlive it.
class Signalling final : private net::StreamSink {
 public:
  struct Shells {
    ws::Server& ws;
    Mailbox<ws::Event>& ws_events;
    media::MediaEngine& media;
    Mailbox<media::MediaEvent>& media_events;
    users::UserSource* users;  // nullptr: all users stand in the configuration
    Mailbox<browser::UserAnswer>& user_answers;
  };

  // Binds the SIP listeners of `config`; `trunk_host` is how carriers reach us.
  Signalling(const Config& config, std::string trunk_host, Shells shells);
  ~Signalling() override;

  // The bound SIP listeners, in order; after them that of `listen.admin`, if there is one.
  Result<std::vector<Endpoint>> Start();
  // Ends all calls and registrations at PBXs, gives their requests kDrainTime to be answered, then
  // joins the thread. Idempotent.
  void Stop();
  // Waits for the thread's next turn. All zero before Start() and after Stop().
  CallManagerGauges gauges();
  // Waits likewise; gives the old routes back. Between Start() and Stop().
  route::Router ExchangeRoutes(route::Router routes);

  static constexpr Duration kDrainTime = 1500ms;

 private:
  void Run();
  TimePoint OnTurn();
  void Flush(TimePoint now);
  void LookUp(std::string name, TimePoint now);
  bool PostToMedia(media::MediaCommand command);
  void Record(const CallRecord& record, TimePoint now);
  Result<std::vector<Endpoint>> Listen();
  bool IsDrained(TimePoint now) const;

  void OnStreamOpen(net::StreamId stream, const net::StreamPeer& peer) override;
  void OnStreamBytes(net::StreamId stream, ByteView bytes) override;
  void OnStreamClosed(net::StreamId stream, const net::StreamEnd& end) override;

  const Config& config_;
  Shells shells_;
  SystemRandom random_;
  net::Loop loop_;
  std::unique_ptr<net::StreamHub> hub_;
  std::unique_ptr<CallManager> manager_;
  std::unique_ptr<TrunkStreams> trunk_streams_;
  const std::string trunk_host_;
  uint16_t admin_port_ = 0;
  Metrics metrics_;
  AdminHttp admin_;

  std::vector<ws::Event> ws_batch_;
  std::vector<media::MediaEvent> media_batch_;
  std::vector<browser::UserAnswer> answer_batch_;
  std::vector<std::promise<CallManagerGauges>> gauge_batch_;
  std::deque<media::MediaCommand> media_backlog_;  // what a full media mailbox did not take

  struct RouteExchange {
    route::Router routes;
    std::promise<route::Router> old;
  };
  std::vector<RouteExchange> route_batch_;
  Mailbox<RouteExchange> route_exchanges_{1};
  std::atomic<bool> stop_requested_ = false;
  Mailbox<std::promise<CallManagerGauges>> gauge_requests_{1};
  TimePoint stop_at_ = kNever;  // set when the shut-down has begun
  std::thread thread_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_SIGNALLING_H_
