#ifndef LASTMILE_TESTS_UNIT_SDP_SDP_SAMPLES_H_
#define LASTMILE_TESTS_UNIT_SDP_SDP_SAMPLES_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/offer_answer.h"

namespace lastmile::sdp {

// Every .sdp file below a folder, in the order of its path.
std::vector<std::filesystem::path> SdpFiles(const std::filesystem::path& folder);
std::string ReadFile(const std::filesystem::path& path);

// A capture committed under tests/corpora/sdp.
std::string Capture(std::string_view name);
std::vector<std::filesystem::path> OwnCaptures();

// Text with "\n" written as an SDP text with CRLF.
std::string Crlf(std::string_view text);
std::string Replace(std::string text, std::string_view from, std::string_view to);
// The first line that starts with `start`, without its end; empty: none.
std::string LineWith(std::string_view text, std::string_view start);

BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs);
TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs);
std::vector<Codec> CarrierCodecs();  // PCMU, PCMA, telephone-event as 101
std::vector<std::string> CarrierPolicy();

}  // namespace lastmile::sdp

#endif  // LASTMILE_TESTS_UNIT_SDP_SDP_SAMPLES_H_
