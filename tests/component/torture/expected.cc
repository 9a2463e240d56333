#include "tests/component/torture/expected.h"

#include <cctype>
#include <fstream>
#include <iterator>

namespace lastmile::torture {
namespace {

bool Says(std::string_view sentence, std::string_view words) {
  return sentence.find(words) != std::string_view::npos;
}

// What is said of the other transport is taken out.
std::string OfTransport(std::string_view sentence, bool stream) {
  const size_t tcp = sentence.find("TCP: ");
  const size_t ws = sentence.find("WS: ");
  if (tcp == std::string_view::npos || ws == std::string_view::npos) return std::string(sentence);
  return std::string(stream ? sentence.substr(tcp) : sentence.substr(ws, tcp - ws));
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<Case> ReadCases(const std::filesystem::path& folder) {
  std::vector<Case> cases;
  std::ifstream file(folder / "EXPECTED.tsv");
  std::string line;
  std::getline(file, line);  // the names of the columns
  while (std::getline(file, line)) {
    while (!line.empty() && line.back() == '\r') line.pop_back();
    const std::string name = line.substr(0, line.find('\t'));
    cases.push_back({.name = name.substr(0, name.rfind('.')),
                     .sentence = line.substr(line.rfind('\t') + 1),
                     .bytes = ReadFile(folder / name)});
  }
  return cases;
}

Allowed Understand(std::string_view whole, bool stream) {
  const std::string sentence = OfTransport(whole, stream);
  Allowed allowed;
  for (size_t i = 0; i + 3 <= sentence.size(); ++i) {
    const bool starts = i == 0 || std::isalnum(static_cast<unsigned char>(sentence[i - 1])) == 0;
    const bool ends = i + 3 == sentence.size() ||
                      (std::isalnum(static_cast<unsigned char>(sentence[i + 3])) == 0 &&
                       sentence[i + 3] != '.' && sentence[i + 3] != ':');
    const int status = std::atoi(sentence.substr(i, 3).c_str());
    if (starts && ends && status >= 200 && status <= 699) allowed.statuses.insert(status);
  }
  // "Normal", "by policy" and their like: what any good request of that kind may get.
  for (const char* words : {"4xx", "normal", "policy", "processed", "direct answer", "dropped",
                            "re-emitted", "valid"}) {
    if (!Says(sentence, words)) continue;
    for (int status : {200, 401, 403, 404, 405, 407, 415, 480, 481, 488, 501}) {
      allowed.statuses.insert(status);
    }
  }
  if (stream && allowed.statuses.contains(401)) {
    for (int status : {404, 405, 480}) allowed.statuses.insert(status);
  }
  if (Says(sentence, "4xx")) allowed.statuses.insert(400);
  if (Says(sentence, "never 400")) allowed.statuses.erase(400);
  allowed.silence = Says(sentence, "discarded") || Says(sentence, "dropped as unmatched") ||
                    Says(sentence, "silent drop");
  allowed.closes_stream = stream && Says(sentence, "close");
  return allowed;
}

}  // namespace lastmile::torture
