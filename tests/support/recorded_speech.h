#ifndef LASTMILE_TESTS_SUPPORT_RECORDED_SPEECH_H_
#define LASTMILE_TESTS_SUPPORT_RECORDED_SPEECH_H_

#include "tests/support/codec_signals.h"

namespace lastmile::media::test {

// Where Debian's package alsa-utils has its recordings.
inline constexpr char kRecordedSpeech[] = "/usr/share/sounds/alsa";

// A person who says the places of eight loudspeakers one after the other, about twelve seconds in
// whole pieces of 20 ms, at kSourceRate; the whole band. Empty: a file is missing or is not what it
// was.
Samples ReadRecordedSpeech();

}  // namespace lastmile::media::test

#endif  // LASTMILE_TESTS_SUPPORT_RECORDED_SPEECH_H_
