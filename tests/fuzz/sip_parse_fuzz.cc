#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/sip/codec.h"
#include "gateway/sip/precheck.h"
#include "gateway/sip/refer.h"

namespace {

// A dialog that a REFER names is written into an INVITE, and is the same there.
void CheckRefer(const lastmile::sip::Message& message) {
  const auto refer = lastmile::sip::ParseRefer(message);
  if (!refer || !refer->replaces) return;
  lastmile::sip::Message invite;
  invite.SetExtra("Replaces", refer->replaces->ToString());
  const auto replaces = lastmile::sip::ParseReplaces(invite);
  if (!replaces || *replaces != refer->replaces) std::abort();
}

}  // namespace

// Parse takes any bytes. What it takes it has understood: printed and parsed again it is the same,
// unless printing made it longer than the bounds of the pre-check allow.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile::sip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto message = Parse(text);
  if (!message) {
    const auto& answerable = message.error().answerable;
    RawMessage raw;
    if (answerable && Precheck(Print(MakeResponse(*answerable, 400, "", "t")), raw) &&
        size < kMaxLine / 4) {
      std::abort();
    }
    return 0;
  }
  CheckRefer(*message);
  const std::string printed = Print(*message);
  if (printed.size() > kMaxLine) return 0;
  const auto again = Parse(printed);
  if (!again) {
    // Lists come out one element a line, which may be more lines than a message may have.
    if (message->vias.size() + message->contacts.size() + message->routes.size() +
            message->record_routes.size() + message->extra.size() <
        kMaxHeaders / 2) {
      std::abort();
    }
    return 0;
  }
  if (*again != *message) std::abort();
  return 0;
}
