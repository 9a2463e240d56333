#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIP_SAMPLE_MESSAGES_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIP_SAMPLE_MESSAGES_H_

#include <string>
#include <string_view>
#include <vector>

// Messages as JsSIP 3.13, SIPp 3.6 and RFC 3261's examples shape them.
namespace lastmile::sip::testing {

// Ends each line in CRLF instead of LF.
inline std::string Crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

inline std::string JsSipRegister() {
  return Crlf(
      R"(REGISTER sip:gw.example.com SIP/2.0
Via: SIP/2.0/WSS 4h1o7u1fvq3k.invalid;branch=z9hG4bK2377206
Max-Forwards: 69
To: <sip:alice@gw.example.com>
From: "Alice \"A.\" Doe" <sip:alice@gw.example.com>;tag=vsa2o8lg0d
Call-ID: 7lc8jbqdgmc0d2mmn0h7bl
CSeq: 2 REGISTER
Authorization: Digest algorithm=MD5, username="alice", realm="gw.example.com", nonce="6f1e", uri="sip:gw.example.com", response="0123456789abcdef0123456789abcdef", qop=auth, cnonce="k2s0d8vq1m", nc=00000001
Contact: <sip:q5jvo8e1@4h1o7u1fvq3k.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:f0f2a2d5-6a3e-4c44-8a0c-0d8f0f1f7f10>";expires=600
Expires: 600
Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY
Supported: path,gruu,outbound
User-Agent: JsSIP 3.13.8
Content-Length: 0

)");
}

inline std::string JsSipInvite() {
  const std::string body = Crlf(
      "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\nc=IN IP4 0.0.0.0\na=mid:0\n");
  return Crlf(
             R"(INVITE sip:+15550001001@gw.example.com SIP/2.0
Via: SIP/2.0/WSS 4h1o7u1fvq3k.invalid;branch=z9hG4bK8519420
Max-Forwards: 69
To: <sip:+15550001001@gw.example.com>
From: "Alice" <sip:alice@gw.example.com>;tag=b1g6v4k1mq
Call-ID: 7lc8jbqdgmfv4n2ha3rh
CSeq: 6184 INVITE
Contact: <sip:q5jvo8e1@4h1o7u1fvq3k.invalid;transport=ws;ob>
Content-Type: application/sdp
Session-Expires: 90
Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY
Supported: timer,ice,replaces,outbound
User-Agent: JsSIP 3.13.8
Content-Length: )") +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string SippInvite() {
  const std::string body = Crlf(
      "v=0\no=user1 53655765 2353687637 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
      "m=audio 6000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n");
  return Crlf(
             R"(INVITE sip:service@127.0.0.1:5060 SIP/2.0
Via: SIP/2.0/TCP 127.0.1.1:5061;branch=z9hG4bK-1234-1-0
From: sipp <sip:sipp@127.0.1.1:5061>;tag=1234SIPpTag001
To: service <sip:service@127.0.0.1:5060>
Call-ID: 1-1234@127.0.1.1
CSeq: 1 INVITE
Contact: sip:sipp@127.0.1.1:5061
Max-Forwards: 70
Subject: Performance Test
Content-Type: application/sdp
Content-Length:   )") +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string SippOk() {
  return Crlf(
      R"(SIP/2.0 200 OK
Via: SIP/2.0/TLS gw.example.com:5061;branch=z9hG4bKabc;received=[2001:db8::9:255];rport=5061
Record-Route: <sip:proxy1.example.net;lr>, <sip:proxy2.example.net;lr;ftag=1>
From: "Lastmile" <sip:+15550001000@gw.example.com>;tag=77
To: <sip:service@127.0.0.1:5060>;tag=4711SIPpTag015
Call-ID: 9fxced76sl@gw.example.com
CSeq: 314159 INVITE
Contact: <sip:127.0.0.1:5060;transport=TCP>
Require: timer
Session-Expires: 1800;refresher=uac
Content-Length: 0

)");
}

inline std::string Challenge401() {
  return Crlf(
      R"(SIP/2.0 401 Unauthorized
v: SIP/2.0/TCP gw.example.com;branch=z9hG4bKnashds7
f: <sip:bob@biloxi.example.com>;tag=a73kszlfl
t: Bob <sip:bob@biloxi.example.com>;tag=34095828jh
i: 1j9FpLxk3uxtm8tn@biloxi.example.com
CSeq: 1 REGISTER
WWW-Authenticate: Digest realm="atlanta.example.com", qop="auth,auth-int", nonce="ea9c8e88df84f1cec4341ae6cbe5a359", opaque="", stale=FALSE, algorithm=MD5
l: 0

)");
}

// As in RFC 3261 section 24.2: an INVITE that came through two proxies.
inline std::string ProxiedInvite() {
  return Crlf(
      R"(INVITE sip:bob@192.0.2.4 SIP/2.0
Via: SIP/2.0/TCP server10.biloxi.example.com;branch=z9hG4bK4b43c2ff8.1
Via: SIP/2.0/TCP bigbox3.site3.atlanta.example.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2, SIP/2.0/TLS pc33.atlanta.example.com;branch=z9hG4bKnashds8;received=192.0.2.1
Max-Forwards: 68
Record-Route: <sip:server10.biloxi.example.com;lr>
To: Bob <sip:bob@biloxi.example.com>
From: Alice <sip:alice@atlanta.example.com>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.atlanta.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@pc33.atlanta.example.com>
Warning: 399 biloxi.example.com "Call \"delayed\""
Content-Length: 0

)");
}

inline std::vector<std::string> AllSamples() {
  return {JsSipRegister(), JsSipInvite(), SippInvite(), SippOk(), Challenge401(), ProxiedInvite()};
}

}  // namespace lastmile::sip::testing

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIP_SAMPLE_MESSAGES_H_
