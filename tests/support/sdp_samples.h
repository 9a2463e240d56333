#ifndef LASTMILE_TESTS_SUPPORT_SDP_SAMPLES_H_
#define LASTMILE_TESTS_SUPPORT_SDP_SAMPLES_H_

#include <string>

// Small descriptions for tests that need a valid one and do not test SDP itself.
namespace lastmile::testing {

inline std::string BrowserSdp(const std::string& setup = "actpass",
                              const std::string& formats = "0 8 101") {
  return "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
         "a=group:BUNDLE 0\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF " +
         formats +
         "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
         "a=ice-ufrag:bRwS\r\na=ice-pwd:bRwSbRwSbRwSbRwSbRwSbRwS\r\n"
         "a=fingerprint:sha-256 "
         "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
         "DD:EE:FF\r\n"
         "a=setup:" +
         setup +
         "\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
         "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
         "a=rtpmap:101 telephone-event/8000\r\n";
}

// The same with a video section in the bundle: VP8 as 96, H264 as 97.
inline std::string BrowserVideoSdp(const std::string& setup = "actpass",
                                   const std::string& formats = "0 8 101") {
  std::string sdp = BrowserSdp(setup, formats);
  sdp.replace(sdp.find("BUNDLE 0"), 8, "BUNDLE 0 1");
  const size_t transport = sdp.find("a=ice-ufrag");
  const size_t end = sdp.find("a=mid:0");
  return sdp + "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n" +
         sdp.substr(transport, end - transport) +
         "a=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
         "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 H264/90000\r\n"
         "a=fmtp:97 packetization-mode=1;profile-level-id=42e01f\r\n";
}

inline std::string TrunkSdp(const std::string& formats = "0 8 101",
                            const std::string& direction = "sendrecv") {
  return "v=0\r\no=carrier 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
         "m=audio 40000 RTP/AVP " +
         formats +
         "\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
         "a=rtpmap:101 telephone-event/8000\r\na=" +
         direction + "\r\n";
}

}  // namespace lastmile::testing

#endif  // LASTMILE_TESTS_SUPPORT_SDP_SAMPLES_H_
