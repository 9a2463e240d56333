#include "gateway/call/reasons.h"

#include <fmt/format.h>

namespace lastmile::call {

int StatusForBrowser(int carrier_status) {
  switch (carrier_status) {
    case 403:
    case 404:
    case 408:
    case 410:
    case 430:
    case 480:
    case 484:
    case 486:
    case 488:
    case 600:
    case 603:
    case 604:
    case 606:
    case 503:
      return carrier_status;
    case 401:
    case 407:  // the gateway's credentials, not the browser's: it must not try its own
      return 503;
    case 402:
    case 433:
    case 436:
    case 437:
    case 438:
      return 403;
    case 414:
    case 416:
    case 485:
      return 404;
    case 504:
      return 408;
    case 415:
    case 493:
    case 580:
      return 488;
    case 607:
    case 608:
      return 603;
    default:
      return carrier_status >= 600 ? 603 : 480;
  }
}

int StatusForTrunk(int browser_status) {
  switch (browser_status) {
    case 403:
    case 404:
    case 480:
    case 486:
    case 488:
    case 600:
    case 603:
    case 606:
      return browser_status;
    default:
      return browser_status >= 600 ? 603 : 480;
  }
}

std::string SipReason(int status, std::string_view text) {
  std::string safe;
  for (char c : text) {
    if (c == '"' || c == '\\') safe.push_back('\\');
    safe.push_back(c);
  }
  return fmt::format("SIP;cause={};text=\"{}\"", status, safe);
}

}  // namespace lastmile::call
