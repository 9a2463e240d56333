#ifndef LASTMILE_SDP_EDIT_LOG_H_
#define LASTMILE_SDP_EDIT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/model.h"

// Why a description left the gateway as it did. Every line of what came in and of what went out is
// accounted for, with the rule that decided about it. Pure values. Thread: any.
namespace lastmile::sdp {

// Which decision, and why.
struct Note {
  std::string rule;    // "webrtc.ice"; the id of a user's rule: "rule.<id>"; "budget.<step>"
  std::string reason;  // a clause with the RFC or profile it stands on
  bool operator==(const Note&) const = default;
};

// What the passes after building (user rules, budget) did to a tree. Lines they wrote carry the
// number of their note; lines they removed are kept here.
class EditTrail {
 public:
  struct Removed {
    std::optional<size_t> section;  // index of the m-line; none: session level
    Line line;
    uint32_t note = 0;
  };

  uint32_t AddNote(Note note);  // numbers start at 1
  void AddRemoved(Removed removed) { removed_.push_back(std::move(removed)); }

  const Note* note(uint32_t number) const;  // nullptr: no such note
  const std::vector<Removed>& removed() const { return removed_; }

 private:
  std::vector<Note> notes_;
  std::vector<Removed> removed_;
};

enum class Fate { kKept, kChanged, kDropped, kAdded };
std::string_view NameOf(Fate fate);  // "kept"

struct Edit {
  Fate fate = Fate::kKept;
  uint32_t input_line = 0;   // 1-based; 0: added
  uint32_t output_line = 0;  // 1-based; 0: dropped
  std::string before;        // the whole line without its end; empty: added
  std::string after;         // empty: dropped
  Note note;
};

struct EditLog {
  std::vector<Edit> edits;  // in the order of the output, dropped lines where they stood
  size_t bytes_in = 0;
  size_t bytes_out = 0;

  // Keys (a=ice-pwd, a=crypto) are masked in both.
  std::string ToJson() const;
  // One line an edit: " " kept, "~" changed (two lines, "-" and "+"), "-" dropped, "+" added.
  std::string ToDiff() const;
};

enum class Towards { kTrunk, kBrowser };

// Compares what one side said with what the gateway said to the other because of it. `output` is
// the tree that was printed, `trail` what the passes did to it.
EditLog Explain(const SessionDescription& input, const SessionDescription& output,
                const EditTrail& trail, Towards towards);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_EDIT_LOG_H_
