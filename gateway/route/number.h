#ifndef LASTMILE_GATEWAY_ROUTE_NUMBER_H_
#define LASTMILE_GATEWAY_ROUTE_NUMBER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

// Dialled numbers in their one canonical form: routes and limits look at nothing else, and nothing
// else is sent to a carrier, so that no spelling gets around a route. Pure. Thread: any.
namespace lastmile::route {

// How numbers are dialled here: `country` "44", `international` "00", `national` "0". An empty part
// is not known, and numbers that need it stay as they were dialled.
struct Numbering {
  std::string country;        // country code, digits
  std::string international;  // the prefix before a country code
  std::string national;       // the prefix before an area code
  bool operator==(const Numbering&) const = default;
};

enum class NumberKind {
  kGlobal,   // "+442071234567" (E.164)
  kPrivate,  // "600", "112", "*21": digits that mean something here or to one trunk
  kName,     // "alice": the user part of an address
};
std::string_view ToString(NumberKind kind);

struct Number {
  NumberKind kind = NumberKind::kPrivate;
  std::string text;  // canonical
  bool operator==(const Number&) const = default;
};

// What a trunk wants to be told of a number.
enum class NumberFormat {
  kCanonical,      // as the routes see it
  kE164,           // digits without "+"
  kNational,       // of the own country: national prefix and area code; others: international
  kInternational,  // international prefix, country code, number
};

inline constexpr size_t kMaxDialled = 128;  // bytes of what is dialled, parameters included

// `dialled`: the user part of a SIP URI, or what follows "tel:"; escapes are resolved already.
// Parameters (RFC 3966) are dropped but phone-context, which completes a number. The visual
// separators "-.()" and spaces do not count. Error: a sentence that does not quote the number.
Result<Number> Canonical(std::string_view dialled, const Numbering& numbering);

// A global number as that trunk wants it; all others as they are.
std::string Formatted(const Number& number, NumberFormat format, const Numbering& numbering);

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_NUMBER_H_
