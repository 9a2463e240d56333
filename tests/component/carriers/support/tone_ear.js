import { createSocket } from 'node:dgram';

const RTP_HEADER = 12;
const SAMPLE_RATE = 8000;
const BLOCK = 160;
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const KEYS = ['123A', '456B', '789C', '*0#D'];

// The linear sample of a byte of A-law (ITU-T G.711).
function linear(byte) {
  const bits = byte ^ 0x55;
  const segment = bits >> 4 & 7;
  const step = ((bits & 15) << 1) + 1;
  const magnitude = segment === 0 ? step * 8 : (step + 32) * 8 << segment - 1;
  return bits & 0x80 ? magnitude : -magnitude;
}

// The peak of one frequency in a block.
function peak(samples, hz) {
  let cos = 0;
  let sin = 0;
  samples.forEach((sample, i) => {
    cos += sample * Math.cos(2 * Math.PI * hz * i / SAMPLE_RATE);
    sin += sample * Math.sin(2 * Math.PI * hz * i / SAMPLE_RATE);
  });
  return 2 * Math.hypot(cos, sin) / samples.length;
}

// The key whose two tones are in a block and little else; undefined: none.
function keyOf(samples) {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const [low, high] = [LOW, HIGH].map((group) => {
    const peaks = group.map((hz) => peak(samples, hz));
    const most = Math.max(...peaks);
    return { peak: most, index: peaks.indexOf(most) };
  });
  const both = (low.peak ** 2 + high.peak ** 2) / 2;
  const loud = Math.min(low.peak, high.peak) > 1000;
  return loud && both > 0.8 * energy ? KEYS[low.index][high.index] : undefined;
}

// A carrier's ear for DTMF in the audio: A-law RTP on a UDP port. A key counts once it was there for
// 40 ms, and again only after a pause.
export class ToneEar {
  keys = '';
  #socket = createSocket('udp4');
  #last;
  #blocks = 0;

  static async listen(host) {
    const ear = new ToneEar();
    ear.#socket.on('message', (packet) => ear.#onPacket(packet));
    await new Promise((resolve) => ear.#socket.bind(0, host, resolve));
    return ear;
  }

  get port() {
    return this.#socket.address().port;
  }

  stop() {
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  #onPacket(packet) {
    if (packet.length !== RTP_HEADER + BLOCK || (packet[1] & 0x7f) !== 8) {
      return;
    }
    const key = keyOf([...packet.subarray(RTP_HEADER)].map(linear));
    this.#blocks = key === this.#last ? this.#blocks + 1 : 1;
    this.#last = key;
    if (key && this.#blocks === 2) {
      this.keys += key;
    }
  }
}
