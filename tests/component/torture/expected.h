#ifndef LASTMILE_TESTS_COMPONENT_TORTURE_EXPECTED_H_
#define LASTMILE_TESTS_COMPONENT_TORTURE_EXPECTED_H_

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lastmile::torture {

// The answers one message may get, read from the sentence of EXPECTED.tsv.
struct Allowed {
  std::set<int> statuses;  // final ones
  bool silence = false;    // no answer at all
  bool closes_stream = false;
};

struct Case {
  std::string name;      // of the file, without ".dat"
  std::string sentence;  // as EXPECTED.tsv says it
  std::string bytes;
};

// Every message of `folder`, in the order of its EXPECTED.tsv.
std::vector<Case> ReadCases(const std::filesystem::path& folder);

// `stream`: over TCP, else over a WebSocket. "401/407" are what a request without credentials gets
// there; over TCP, where carriers are known by their address and nobody registers, a REGISTER gets
// 405 in their place.
Allowed Understand(std::string_view sentence, bool stream);

}  // namespace lastmile::torture

#endif  // LASTMILE_TESTS_COMPONENT_TORTURE_EXPECTED_H_
