#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_DTLS_WALL_CLOCK_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_DTLS_WALL_CLOCK_H_

#include "base/time.h"

namespace lastmile::test {

// OpenSSL times its retransmissions with gettimeofday(). In a program that links this file that
// call answers the time set here, so that a test of lost datagrams neither waits nor flickers.
void SetWallClock(Duration since_epoch);

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_DTLS_WALL_CLOCK_H_
