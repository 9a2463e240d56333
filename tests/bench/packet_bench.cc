// What a packet costs without the kernel: SRTP taken off, RTP rewritten and SRTP put on as the
// relay does it, beside OpenSSL's ciphers and hashes alone on the same bytes; and a check of ICE
// that is answered or refused, beside its HMACs. CPU time of this thread. HMACs of the floors are
// HmacSha1: no other way to OpenSSL's SHA-1 is as short.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <vector>

#include "base/c_handle.h"
#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/passage.h"
#include "media_anchor/core/srtp/evp_hmac_sha1.h"
#include "media_anchor/core/srtp/srtp.h"
#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

using Context = CHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr size_t kBatch = 512;  // packets that are made before they are measured
constexpr size_t kPayload = 160;
constexpr size_t kPlain = RtpHeader::kSize + kPayload;
constexpr size_t kGcmTag = 16;
constexpr uint8_t kPcma = 8;
constexpr Duration kPacketTime = 20ms;

using Room = std::array<uint8_t, kPlain + SrtpTransform::kMaxTrailer>;

void Require(bool ok) {
  if (!ok) std::abort();  // a wrong benchmark measures nothing
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// `prepare` makes number i of a batch, `handle` is what is measured.
void Measure(benchmark::State& state, const std::function<void(size_t)>& prepare,
             const std::function<void(size_t)>& handle) {
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; ++i) prepare(i);
    const double start = CpuSeconds();
    for (size_t i = 0; i < kBatch; ++i) handle(i);
    state.SetIterationTime(CpuSeconds() - start);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

SrtpKeys KeysOf(SrtpProfile profile, uint8_t seed) {
  return {.profile = profile,
          .master_key = Bytes(MasterKeySize(profile), seed),
          .master_salt = Bytes(MasterSaltSize(profile), static_cast<uint8_t>(seed + 1))};
}

std::unique_ptr<SrtpTransform> Make(const SrtpKeys& keys, SrtpDirection direction) {
  auto made = MakeEvpSrtp(keys, direction);
  Require(made.has_value());
  return *std::move(made);
}

// A talker's packets, one after the other.
class Talker {
 public:
  void Write(Room& room) {
    WriteRtp({.payload_type = kPcma,
              .sequence = ++sequence_,
              .timestamp = timestamp_ += kPayload,
              .ssrc = 77},
             room, kPayload);
  }

 private:
  uint16_t sequence_ = 0;
  uint32_t timestamp_ = 0;
};

class Rewriter {
 public:
  Rewriter() {
    const std::array<PayloadMapping, 1> mappings = {{{.browser_pt = kPcma,
                                                      .trunk_pt = kPcma,
                                                      .trunk_pt_in = kPcma,
                                                      .codec = AudioCodec::kPcma}}};
    passage_.SetPayloads(mappings);
  }
  size_t Rewrite(MutableByteView packet) {
    const auto view = RtpView::Parse(packet);
    Require(view.has_value());
    const auto outcome = passage_.Take(*view, now_ += kPacketTime);
    Require(outcome.packet && outcome.packet->packet.data() == packet.data());
    return outcome.packet->packet.size();
  }

 private:
  SystemRandom random_;
  Passage passage_{random_, false, Passage::Way::kToTrunk};
  TimePoint now_ = TimePoint{} + 1h;
};

void Relay(benchmark::State& state, SrtpProfile profile) {
  const auto sender = Make(KeysOf(profile, 1), SrtpDirection::kSend);
  const auto in = Make(KeysOf(profile, 1), SrtpDirection::kReceive);
  const auto out = Make(KeysOf(profile, 3), SrtpDirection::kSend);
  Talker talker;
  Rewriter rewriter;
  std::vector<Room> rooms(kBatch);
  size_t size = 0;
  Measure(
      state,
      [&](size_t i) {
        talker.Write(rooms[i]);
        size = *sender->ProtectRtp(rooms[i], kPlain);
      },
      [&](size_t i) {
        const auto plain = in->UnprotectRtp(MutableByteView(rooms[i]).first(size));
        Require(plain.has_value());
        const auto sealed =
            out->ProtectRtp(rooms[i], rewriter.Rewrite(MutableByteView(rooms[i]).first(*plain)));
        Require(sealed.has_value());
      });
}

void RewriteAlone(benchmark::State& state) {
  Talker talker;
  Rewriter rewriter;
  std::vector<Room> rooms(kBatch);
  Measure(
      state, [&](size_t i) { talker.Write(rooms[i]); },
      [&](size_t i) { rewriter.Rewrite(MutableByteView(rooms[i]).first(kPlain)); });
}

Context MakeContext(const EVP_CIPHER* cipher, bool seals) {
  const Bytes key(16, 1);
  Context context(EVP_CIPHER_CTX_new());
  Require(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr, seals ? 1 : 0));
  return context;
}

void Start(EVP_CIPHER_CTX* context, uint32_t number) {
  std::array<uint8_t, 16> iv{};
  StoreBe32(iv.data(), number);
  Require(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), -1));
}

void Crypt(EVP_CIPHER_CTX* context, Room& room) {
  int written = 0;
  uint8_t* const payload = room.data() + RtpHeader::kSize;
  Require(EVP_CipherUpdate(context, payload, &written, payload, kPayload));
}

void SealGcm(EVP_CIPHER_CTX* context, Room& room, uint32_t number) {
  int written = 0;
  Start(context, number);
  Require(EVP_CipherUpdate(context, nullptr, &written, room.data(), RtpHeader::kSize));
  Crypt(context, room);
  Require(EVP_CipherFinal_ex(context, room.data() + kPlain, &written) &&
          EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTag, room.data() + kPlain));
}

void OpenGcm(EVP_CIPHER_CTX* context, Room& room, uint32_t number) {
  int written = 0;
  Start(context, number);
  Require(EVP_CipherUpdate(context, nullptr, &written, room.data(), RtpHeader::kSize));
  Crypt(context, room);
  Require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTag, room.data() + kPlain) &&
          EVP_CipherFinal_ex(context, room.data() + kPlain, &written));
}

void FloorOfGcm(benchmark::State& state) {
  const Context sender = MakeContext(EVP_aes_128_gcm(), true);
  const Context in = MakeContext(EVP_aes_128_gcm(), false);
  const Context out = MakeContext(EVP_aes_128_gcm(), true);
  std::vector<Room> rooms(kBatch);
  Measure(
      state, [&](size_t i) { SealGcm(sender.get(), rooms[i], static_cast<uint32_t>(i)); },
      [&](size_t i) {
        OpenGcm(in.get(), rooms[i], static_cast<uint32_t>(i));
        SealGcm(out.get(), rooms[i], static_cast<uint32_t>(i));
      });
}

void FloorOfCm80(benchmark::State& state) {
  const Context in = MakeContext(EVP_aes_128_ctr(), true);
  const Context out = MakeContext(EVP_aes_128_ctr(), true);
  const HmacSha1 hmac(Bytes(HmacSha1::kSize, 1));
  std::vector<Room> rooms(kBatch);
  const auto authenticate = [&](const Room& room) {
    benchmark::DoNotOptimize(hmac.Compute(ByteView(room).first(kPlain), 0));
  };
  Measure(
      state, [](size_t) {},
      [&](size_t i) {
        authenticate(rooms[i]);
        for (EVP_CIPHER_CTX* const context : {in.get(), out.get()}) {
          Start(context, static_cast<uint32_t>(i));
          Crypt(context, rooms[i]);
        }
        authenticate(rooms[i]);
      });
}

const IceCredentials kGateway{"gwUf", "gatewaypasswordof24chars"};
const char kBrowserUfrag[] = "bRwS";
const Path kPath{{IpAddress::V4(0xc6336414), 5000}, IpAddress::V4(0xc0000201)};

Bytes CheckWith(const std::string& pwd) {
  return test::BuildCheck(
      {.username = kGateway.ufrag + ":" + kBrowserUfrag, .pwd = pwd, .use_candidate = true});
}

void Check(benchmark::State& state, bool forged) {
  const Bytes check = CheckWith(forged ? "notthepasswordof24chars." : kGateway.pwd);
  IceLite ice(kGateway);
  ice.SetRemoteUfrag(kBrowserUfrag);
  std::array<uint8_t, IceLite::kMaxReply> reply;
  Measure(
      state, [](size_t) {},
      [&](size_t) {
        const auto result = ice.OnDatagram(check, kPath, TimePoint{}, reply);
        Require(result.authenticated == !forged && (result.reply_size == 0) == forged);
      });
}

// The HMAC of the check, from its key on, and of an answer of about its size if there is one.
void FloorOfCheck(benchmark::State& state, int hmacs) {
  const Bytes check = CheckWith(kGateway.pwd);
  Measure(
      state, [](size_t) {},
      [&](size_t) {
        for (int i = 0; i < hmacs; ++i) {
          benchmark::DoNotOptimize(HmacSha1(AsBytes(kGateway.pwd)).Compute(check));
        }
      });
}

void Register(const char* name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name, run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void RegisterAll() {
  using State = benchmark::State;
  Register("relay/gcm", [](State& state) { Relay(state, SrtpProfile::kAeadAes128Gcm); });
  Register("floor/gcm", FloorOfGcm);
  Register("relay/cm_80", [](State& state) { Relay(state, SrtpProfile::kAes128CmHmacSha1_80); });
  Register("floor/cm_80", FloorOfCm80);
  Register("rewrite/alone", RewriteAlone);
  Register("check/answered", [](State& state) { Check(state, false); });
  Register("floor/answered", [](State& state) { FloorOfCheck(state, 2); });
  Register("check/forged", [](State& state) { Check(state, true); });
  Register("floor/forged", [](State& state) { FloorOfCheck(state, 1); });
}

}  // namespace
}  // namespace lastmile::media

int main(int argc, char** argv) {
  lastmile::media::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
