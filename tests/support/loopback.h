#ifndef LASTMILE_TESTS_SUPPORT_LOOPBACK_H_
#define LASTMILE_TESTS_SUPPORT_LOOPBACK_H_

#include <cstddef>
#include <cstdint>

#include "base/endpoint.h"

// What tests with real sockets need to know of this machine.
namespace lastmile::test {

inline IpAddress Loopback(uint8_t last) { return IpAddress::V4(0x7f000000u | last); }
// An even port with `ports` free UDP ports from it on, on 127.0.0.1, below the ephemeral ones.
uint16_t FindFreeRange(int ports);
// Of this process.
size_t OpenDescriptors();

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_LOOPBACK_H_
