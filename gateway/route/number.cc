#include "gateway/route/number.h"

#include <algorithm>
#include <optional>

namespace lastmile::route {
namespace {

constexpr size_t kMaxGlobalDigits = 15;  // ITU-T E.164 section 6.2.1
constexpr size_t kMaxPrivate = 32;
// Shorter ones are no number of another exchange: 112 and 116117 begin with a digit that may be a
// national prefix, and have to stay what they are.
constexpr size_t kLeastSubscriber = 6;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsSeparator(char c) { return std::string_view("-.() ").find(c) != std::string_view::npos; }
bool IsNameChar(char c) {
  return IsDigit(c) || IsLetter(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}
bool AllDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsDigit);
}
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string WithoutSeparators(std::string_view text) {
  std::string bare;
  std::ranges::remove_copy_if(text, std::back_inserter(bare), IsSeparator);
  return bare;
}

// The value of phone-context; nothing: there is none. Two of them are as bad as a wrong one.
Result<std::optional<std::string>> ContextOf(std::string_view params) {
  constexpr std::string_view kName = "phone-context=";
  std::optional<std::string> context;
  while (!params.empty()) {
    params.remove_prefix(1);  // ';'
    const std::string_view param = params.substr(0, params.find(';'));
    params.remove_prefix(param.size());
    std::string name(param.substr(0, kName.size()));
    std::ranges::transform(name, name.begin(), Lower);
    if (name != kName) continue;
    if (context) return Fail("the number has two phone-contexts");
    context = WithoutSeparators(param.substr(kName.size()));
  }
  return context;
}

Result<Number> Global(std::string digits, const Numbering& numbering) {
  // "+44 (0)20": the national prefix is not part of the number, whatever a carrier would make of
  // it.
  const std::string& country = numbering.country;
  if (!country.empty() && !numbering.national.empty() && digits.starts_with(country)) {
    while (digits.compare(country.size(), numbering.national.size(), numbering.national) == 0) {
      digits.erase(country.size(), numbering.national.size());
    }
  }
  if (!AllDigits(digits)) return Fail("a number with + goes on with digits only");
  if (digits.front() == '0') return Fail("no country code begins with 0");
  if (digits.size() > kMaxGlobalDigits) {
    return Fail("the number is longer than phone numbers are (15 digits)");
  }
  return Number{NumberKind::kGlobal, "+" + digits};
}

Result<Number> ByDialPlan(const std::string& digits, const Numbering& numbering) {
  const std::string& international = numbering.international;
  if (!international.empty() && digits.starts_with(international)) {
    return Global(digits.substr(international.size()), numbering);
  }
  const std::string& national = numbering.national;
  if (!national.empty() && !numbering.country.empty() && digits.starts_with(national) &&
      digits.size() >= national.size() + kLeastSubscriber) {
    return Global(numbering.country + digits.substr(national.size()), numbering);
  }
  if (digits.size() > kMaxPrivate) return Fail("the number is too long");
  return Number{NumberKind::kPrivate, digits};
}

Result<Number> InContext(const std::string& number, const std::string& context,
                         const Numbering& numbering) {
  if (!context.starts_with('+')) {
    return Fail("the number belongs to a numbering plan that is not known here (phone-context)");
  }
  if (!AllDigits(number)) return Fail("a number with a phone-context has digits only");
  if (context.substr(1) == numbering.country) {
    // As it would be dialled there.
    const std::string& international = numbering.international;
    if (!international.empty() && number.starts_with(international)) {
      return Global(number.substr(international.size()), numbering);
    }
  } else if (number.front() == '0') {
    return Fail("a number with a phone-context comes without the prefixes of dialling");
  }
  return Global(context.substr(1) + number, numbering);
}

}  // namespace

std::string_view ToString(NumberKind kind) {
  switch (kind) {
    case NumberKind::kGlobal:
      return "phone number";
    case NumberKind::kPrivate:
      return "private number";
    case NumberKind::kName:
      return "name";
  }
  return "";
}

Result<Number> Canonical(std::string_view dialled, const Numbering& numbering) {
  if (dialled.size() > kMaxDialled) return Fail("the number is too long");
  const std::string_view text = dialled.substr(0, dialled.find(';'));
  auto context = ContextOf(dialled.substr(text.size()));
  if (!context) return std::unexpected(context.error());
  const std::string bare = WithoutSeparators(text);
  if (bare.empty()) return Fail("no number was dialled");
  const bool has_letter = std::ranges::any_of(text, IsLetter);
  if (has_letter && bare.front() != '+') {
    if (*context || !std::ranges::all_of(text, IsNameChar)) {
      return Fail("neither a number nor the name of a user was dialled");
    }
    return Number{NumberKind::kName, std::string(text)};
  }
  if (*context) return InContext(bare, **context, numbering);
  if (bare.front() == '+') return Global(bare.substr(1), numbering);
  const bool is_code = bare.front() == '*' || bare.front() == '#';
  if (is_code && bare.size() <= kMaxPrivate &&
      std::ranges::all_of(bare, [](char c) { return IsDigit(c) || c == '*' || c == '#'; })) {
    return Number{NumberKind::kPrivate, bare};
  }
  if (!AllDigits(bare)) return Fail("a number has digits only, after a + or without one");
  return ByDialPlan(bare, numbering);
}

std::string Formatted(const Number& number, NumberFormat format, const Numbering& numbering) {
  if (number.kind != NumberKind::kGlobal || format == NumberFormat::kCanonical) return number.text;
  const std::string digits = number.text.substr(1);
  if (format == NumberFormat::kE164) return digits;
  if (format == NumberFormat::kNational && digits.starts_with(numbering.country)) {
    return numbering.national + digits.substr(numbering.country.size());
  }
  return numbering.international + digits;
}

}  // namespace lastmile::route
