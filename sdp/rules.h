#ifndef LASTMILE_SDP_RULES_H_
#define LASTMILE_SDP_RULES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sdp/edit_log.h"
#include "sdp/model.h"

// Edits that an operator writes for the dialect of one carrier. Pure. Thread: any.
namespace lastmile::sdp {

// Which lines a rule is about. Every part narrows the choice; what is left out chooses all.
struct RuleTarget {
  // "session": the lines above the first m=. Else the start of a media type: "audio", "a". Empty:
  // every media section.
  std::string media;
  std::optional<size_t> index;  // 0-based among the sections that `media` names
  std::string line;             // start of the line: "a=ptime", "a=fmtp:101", "m=audio", "b="
  std::optional<size_t> nth;    // 0-based among the lines that start so, in each section
  // Start of a word inside the line: "bitrate=", "telephone-event/". Words end at a space or ";".
  // In an m= line a whole format: "101".
  std::string token;
  std::optional<size_t> token_index;  // 0-based among the words that start so
};

enum class RuleAction {
  kSet,      // what follows `token`, or without one what follows `line`, becomes `value`
  kDelete,   // the word, or without `token` and `token_index` the line, goes away
  kInsert,   // the line `value` comes after the lines that match, or where RFC 8866 puts it
  kReplace,  // the word, or without `token` and `token_index` the whole line, becomes `value`
};

struct Rule {
  std::string id;  // the edit log says "rule.<id>"
  RuleAction action = RuleAction::kSet;
  RuleTarget target;
  std::string value;
};

// For the config: says what is wrong with a rule that could never be applied or would break every
// description (no line to look for, a line end in the value, v= and o=).
Result<void> CheckRule(const Rule& rule);

// In order, each rule on the result of the one before. If they do not leave a description that can
// be parsed, `description` stays as it was and the reason is returned.
Result<void> ApplyRules(SessionDescription& description, const std::vector<Rule>& rules,
                        EditTrail& trail);

// Takes one payload type out of an m= line and removes its a=rtpmap, a=fmtp and a=rtcp-fb lines.
// Does nothing if it is the only one.
void RemoveFormat(SessionDescription& description, size_t section, const std::string& format,
                  uint32_t note, EditTrail& trail);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_RULES_H_
