#ifndef LASTMILE_GATEWAY_BROWSER_REGISTRAR_H_
#define LASTMILE_GATEWAY_BROWSER_REGISTRAR_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "gateway/sip/ids.h"
#include "gateway/sip/message.h"

namespace lastmile::browser {

// Who may register and call. Passwords are not kept, only their hashes (sip::Ha1).
struct User {
  std::string name;
  std::string ha1;              // MD5; "" = none
  std::string caller_id;        // number shown to carriers; "" = the name
  std::string ha1_sha256 = {};  // "" = none
};

// Where a user's browser is: a Contact that is only reachable over the flow that registered it.
struct Binding {
  sip::FlowId flow;
  sip::NameAddr contact;  // as the browser sent it, without expires
  TimePoint expires_at;
  std::string call_id;  // of the REGISTER that made or refreshed it
  uint32_t cseq = 0;
};

// Tells a user's browsers apart, also over connections that come and go: the instance it names
// (RFC 5626 section 4.1), else the user part of its Contact.
std::string DeviceOf(const sip::NameAddr& contact);

// A user has a first binding, or none any more.
struct PresenceChanged {
  std::string user;
  bool present = false;
};

// The answer to a REGISTER that passed authentication.
struct RegisterResult {
  int status = 200;
  std::string reason = {};  // a sentence, for failures
  // With expires: JsSIP ignores a 200 that lacks its Contact.
  std::vector<sip::NameAddr> contacts = {};
  bool outbound = false;  // RFC 5626 was followed: Require it
};

// The location service of RFC 3261 section 10.3 for browsers: bindings belong to their flow (RFC
// 5626) and go with it. Each has a public GRUU (RFC 5627), which is the user's address with the
// instance as `gr`. Sans-IO. Thread: signalling.
class Registrar {
 public:
  // `domain` is the host of GRUUs.
  Registrar(std::string domain, std::vector<User> users);

  const User* FindUser(std::string_view name) const;  // nullptr: unknown
  // `user` is the authenticated one.
  RegisterResult Register(const User& user, sip::FlowId flow, const sip::Message& request,
                          TimePoint now);
  void RemoveFlow(sip::FlowId flow);
  void OnTimer(TimePoint now);  // forgets what has expired
  TimePoint next_timeout() const { return next_expiry_; }
  // Where the user can be rung: the bindings that are alive, newest first, one a device (RFC 5626
  // section 6). Valid until the next change. Empty: the user is away. `instance`: only that device,
  // named as `gr` of its GRUU; "": all.
  std::vector<const Binding*> FindAll(std::string_view user, std::string_view instance,
                                      TimePoint now) const;
  // That user's binding over this flow; nullptr: none.
  const Binding* FindOnFlow(std::string_view user, sip::FlowId flow) const;
  size_t binding_count() const;
  // Since the last call, in order.
  std::vector<PresenceChanged> TakeChanges() { return std::exchange(changes_, {}); }

  static constexpr size_t kMaxBindings = 10;  // a user
  static constexpr uint32_t kDefaultExpires = 600;
  static constexpr uint32_t kMinExpires = 10;  // seconds; JsSIP asks for 600
  static constexpr uint32_t kMaxExpires = 3600;

 private:
  using Bindings = std::unordered_map<std::string, std::vector<Binding>>;  // by user, newest last

  // The bindings that `request` leaves of `old`, or why it is refused.
  RegisterResult Update(const sip::Message& request, sip::FlowId flow, std::vector<Binding>& old,
                        TimePoint now) const;
  // Erases a user without bindings. Returns what comes after it.
  Bindings::iterator DropIfEmpty(Bindings::iterator user);
  sip::NameAddr Describe(const User& user, const Binding& binding, bool with_gruu,
                         TimePoint now) const;

  const std::string domain_;
  std::unordered_map<std::string, User> users_;
  Bindings bindings_;
  std::vector<PresenceChanged> changes_;
  TimePoint next_expiry_ = kNever;  // never later than the first expiry; exact after OnTimer
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_REGISTRAR_H_
