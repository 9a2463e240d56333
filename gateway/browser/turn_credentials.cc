#include "gateway/browser/turn_credentials.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/lexical.h"

namespace lastmile::browser {
namespace {

std::string OwnerOf(const User& user) {
  const std::string name = sip::Escape(user.name, "");
  if (user.tenant.empty()) return name;
  return sip::Escape(user.tenant, "") + "/" + name;
}

}  // namespace

std::string BuildIceServers(const TurnOptions& options, const User& user, WallTime now) {
  const auto expiry =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()) + options.lifetime;
  const std::string username = fmt::format("{}:{}", expiry.count(), OwnerOf(user));
  std::string urls;
  for (const std::string& url : options.urls) {
    urls += fmt::format("{}\"{}\"", urls.empty() ? "" : ",", url);
  }
  return fmt::format(R"([{{"urls":[{}],"username":"{}","credential":"{}"}}])", urls, username,
                     ToBase64(sip::HmacSha1(options.secret, username)));
}

}  // namespace lastmile::browser
