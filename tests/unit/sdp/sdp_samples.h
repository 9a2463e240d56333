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
std::string Without(const std::string& text, std::string_view start);  // that line taken out
// The m-line and what is below it, of one section, "" if there are fewer.
std::string SectionOf(std::string_view text, size_t index);

BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs);
TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs);
// With a section of video; the trunk's is on 198.51.100.20:30002.
BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs, std::vector<Codec> video);
TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs, std::vector<Codec> video);
std::vector<Codec> VideoCodecs();    // VP8 as 112, H264 (mode 1, constrained baseline) as 113
std::vector<Codec> CarrierCodecs();  // PCMU, PCMA, telephone-event as 101
std::vector<std::string> CarrierPolicy();

}  // namespace lastmile::sdp

#endif  // LASTMILE_TESTS_UNIT_SDP_SDP_SAMPLES_H_
