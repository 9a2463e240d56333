import { createSocket } from 'node:dgram';

import { shareOfTone } from '../../component/carriers/support/wav.js';
import { until } from './wait.js';

const RATE = 8000;
const SAMPLES = 160;  // of 20 ms
const PCMU = 0;
const TELEPHONE_EVENT = 101;
const DIGITS = '0123456789*#ABCD';

// ITU-T G.711 mu-law; linear samples have 14 bits there, 16 here.
function encode(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32635) + 132;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function decode(byte) {
  const bits = ~byte & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return (bits & 0x80 ? -magnitude : magnitude) / 32768;
}

// A carrier's RTP: sends a tone of `hz` in PCMU to where `send` says and knows what it hears.
export class RtpPeer {
  #socket = createSocket('udp4');
  #timer = null;
  #sequence = 1000;
  #sent = 0;
  #since = 0;
  #target = null;
  #heard = [];
  #events = new Map();  // RFC 4733: digits by the timestamp of their event

  static async open(host, hz) {
    const peer = new RtpPeer();
    peer.hz = hz;
    peer.#socket.on('message', (packet) => peer.#onPacket(packet));
    await new Promise((resolve) => peer.#socket.bind(0, host, resolve));
    peer.port = peer.#socket.address().port;
    return peer;
  }

  // To the audio of a description; from then on until mute().
  send(sdp) {
    const [, host] = /^c=IN IP4 (\S+)/m.exec(sdp);
    const [, port] = /^m=audio (\d+)/m.exec(sdp);
    this.#target = { host, port: Number(port) };
    this.mute();
    this.#since = performance.now() - this.#sent * 20;
    this.#timer = setInterval(() => this.#sendDue(), 10);
  }

  mute() {
    clearInterval(this.#timer);
  }

  // Waits until what came in the last half second is a tone of `hz`.
  async hears(hz, timeoutMs = 10000) {
    this.#heard = [];
    let share = 0;
    await until(() => {
      share = this.#heard.length < RATE / 2 ? 0 :
          shareOfTone({ rate: RATE, samples: this.#heard.slice(-RATE / 2) }, hz);
      return share > 0.8;
    }, `the carrier hears ${hz} Hz`, timeoutMs, 100).catch((error) => {
      error.message += `: ${Math.round(100 * share)} % of ${this.#heard.length} samples`;
      throw error;
    });
  }

  // The digits that came, in order.
  digits() {
    return [...this.#events.values()].map((event) => DIGITS[event] ?? '?').join('');
  }

  async close() {
    this.mute();
    await new Promise((resolve) => this.#socket.close(resolve));
  }

  #sendDue() {
    while (this.#since + this.#sent * 20 <= performance.now()) {
      const packet = Buffer.alloc(12 + SAMPLES);
      packet[0] = 0x80;
      packet[1] = PCMU;
      packet.writeUInt16BE(++this.#sequence & 0xffff, 2);
      packet.writeUInt32BE((this.#sent * SAMPLES) >>> 0, 4);
      packet.writeUInt32BE(this.port, 8);
      for (let i = 0; i < SAMPLES; i++) {
        const phase = (2 * Math.PI * this.hz * (this.#sent * SAMPLES + i)) / RATE;
        packet[12 + i] = encode(Math.round(12000 * Math.sin(phase)));
      }
      this.#sent++;
      this.#socket.send(packet, this.#target.port, this.#target.host);
    }
  }

  #onPacket(packet) {
    const type = packet[1] & 0x7f;
    if (type === TELEPHONE_EVENT) {
      this.#events.set(packet.readUInt32BE(4), packet[12]);
    } else if (type === PCMU) {
      for (const byte of packet.subarray(12)) {
        this.#heard.push(decode(byte));
      }
    }
  }
}
