import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

import { responseBytes, SipFramer, token } from './sip_text.js';

const FRAME_MS = 20;
const FRAME_BYTES = 160;

// A carrier that rings for a while, answers, and sends its first packet of PCMU in the same moment.
// All bytes of a packet's payload are its number, counted from 1: who gets it knows what it missed.
// `earlyMedia`: SDP in a 183 already, and sound only with the 200.
export class PunctualCarrier {
  #server;
  #sockets = new Set();
  #calls = new Set();

  static async listen(host, port, { ringMs, earlyMedia = false }) {
    const carrier = new PunctualCarrier();
    Object.assign(carrier, { host, port, ringMs, earlyMedia });
    carrier.#server = createServer((socket) => carrier.#onSocket(socket));
    await new Promise((resolve, reject) => {
      carrier.#server.once('error', reject);
      carrier.#server.listen(port, host, resolve);
    });
    return carrier;
  }

  async stop() {
    this.#calls.forEach((call) => this.#end(call));
    this.#sockets.forEach((socket) => socket.destroy());
    if (this.#server.listening) {
      await new Promise((resolve) => this.#server.close(resolve));
    }
  }

  #onSocket(socket) {
    const framer = new SipFramer();
    const calls = new Map();
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const message of framer.push(data)) {
        if (message.method === 'INVITE') {
          calls.set(message.header('call-id'), this.#ring(socket, message));
        } else if (message.method === 'BYE') {
          socket.write(responseBytes(message, 200, 'OK'));
          this.#end(calls.get(message.header('call-id')));
        }
      }
    });
  }

  #ring(socket, invite) {
    const call = { tag: token(), rtp: createSocket('udp4'), timer: null };
    this.#calls.add(call);
    call.rtp.bind(0, this.host, () => {
      const answer = {
        tag: call.tag, fields: [`Contact: <sip:carrier@${this.host}:${this.port};transport=tcp>`],
        body: Buffer.from(`v=0\r\no=- 1 1 IN IP4 ${this.host}\r\ns=-\r\nc=IN IP4 ${this.host}\r\n` +
            `t=0 0\r\nm=audio ${call.rtp.address().port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`),
      };
      const { body, ...ringing } = answer;
      socket.write(this.earlyMedia ? responseBytes(invite, 183, 'Session Progress', answer) :
                   responseBytes(invite, 180, 'Ringing', ringing));
      call.timer = setTimeout(() => {
        socket.write(responseBytes(invite, 200, 'OK', answer));
        this.#talk(call, Number(/^m=audio (\d+) /m.exec(invite.body)[1]),
                   /^c=IN IP4 (\S+)/m.exec(invite.body)[1]);
      }, this.ringMs);
    });
    return call;
  }

  #talk(call, port, host) {
    const start = performance.now();
    let number = 0;
    const send = () => {
      ++number;
      const packet = Buffer.alloc(12 + FRAME_BYTES, number);
      packet.writeUInt16BE(number === 1 ? 0x8080 : 0x8000, 0);
      packet.writeUInt16BE(number, 2);
      packet.writeUInt32BE(number * FRAME_BYTES, 4);
      packet.writeUInt32BE(0x1a57, 8);
      call.rtp.send(packet, port, host);
      call.timer = setTimeout(send, start + number * FRAME_MS - performance.now());
    };
    send();
  }

  #end(call) {
    if (call && this.#calls.delete(call)) {
      clearTimeout(call.timer);
      call.rtp.close();
    }
  }
}
