import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const COOKIE = 0x2112a442;
const METHOD = { allocate: 0x003, refresh: 0x004, createPermission: 0x008 };
const ATTRIBUTE = { username: 0x0006, integrity: 0x0008, error: 0x0009, lifetime: 0x000d,
                    peer: 0x0012, realm: 0x0014, nonce: 0x0015, family: 0x0017, transport: 0x0019 };
const UDP = 17;
const RETRANSMIT_MS = 500;
const ANSWER_LIMIT_MS = 5000;

function attribute(type, value) {
  const bytes = Buffer.from(value);
  const header = Buffer.alloc(4);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 3)]);
}

function attributesOf(message) {
  const found = new Map();
  for (let at = 20; at + 4 <= message.length;) {
    const length = message.readUInt16BE(at + 2);
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return found;
}

// The bytes of an address as it is written, IPv6 in any spelling.
function bytesOf(address) {
  if (!address.includes(':')) {
    return Buffer.from(address.split('.').map(Number));
  }
  const groups = (text) => text.split(':').filter(Boolean).flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split('.').map(Number);
    return [a << 8 | b, c << 8 | d];
  });
  const [head, tail = ''] = address.split('::');
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

// XOR-PEER-ADDRESS (RFC 8656 section 18.3).
function peerAddress(address, port, transaction) {
  const bytes = bytesOf(address);
  const mask = Buffer.concat([Buffer.from([0x21, 0x12, 0xa4, 0x42]), transaction]);
  const value = Buffer.alloc(4);
  value[1] = bytes.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ COOKIE >>> 16, 2);
  return Buffer.concat([value, bytes.map((byte, i) => byte ^ mask[i])]);
}

// A TURN client (RFC 8656) over UDP that asks for what a test wants, and says how it was answered:
// 0 for success, else the error code.
export class TurnClient {
  #socket = createSocket('udp4');
  #server;
  #credentials;
  #challenge = null;
  #allocated = false;

  // credentials: {username, credential}, as in an RTCIceServer.
  constructor({ host, port }, credentials) {
    this.#server = { host, port };
    this.#credentials = credentials;
  }

  // family: of the relayed address.
  async allocate(family = 'IPv4') {
    const attributes = () => [
      attribute(ATTRIBUTE.transport, [UDP, 0, 0, 0]),
      attribute(ATTRIBUTE.family, [family === 'IPv6' ? 2 : 1, 0, 0, 0]),
    ];
    const code = await this.#ask(METHOD.allocate, attributes);
    this.#allocated ||= code === 0;
    return code;
  }

  async permit(peer) {
    return this.#ask(METHOD.createPermission, (transaction) => [
      attribute(ATTRIBUTE.peer, peerAddress(peer, 4000, transaction))]);
  }

  async refresh(seconds) {
    const lifetime = Buffer.alloc(4);
    lifetime.writeUInt32BE(seconds);
    return this.#ask(METHOD.refresh, () => [attribute(ATTRIBUTE.lifetime, lifetime)]);
  }

  // Gives back what it has: a user may have so much of it.
  async close() {
    if (this.#allocated) await this.refresh(0);
    this.#socket.close();
  }

  // With the credentials as soon as the server has asked for some; once more after its first
  // challenge, and after one with a fresh nonce.
  async #ask(method, attributes) {
    for (let tries = 0; ; ++tries) {
      const answer = await this.#exchange(method, attributes);
      if (!(answer.readUInt16BE(0) & 0x0010)) return 0;
      const found = attributesOf(answer);
      const error = found.get(ATTRIBUTE.error);
      const code = error[2] * 100 + error[3];
      const isChallenge = (code === 401 && !this.#challenge) || code === 438;
      if (!isChallenge || tries === 2) return code;
      this.#challenge = { realm: found.get(ATTRIBUTE.realm), nonce: found.get(ATTRIBUTE.nonce) };
    }
  }

  async #exchange(method, attributes) {
    const transaction = randomBytes(12);
    const message = this.#message(method, transaction, attributes(transaction));
    const send = () => this.#socket.send(message, this.#server.port, this.#server.host);
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const timer = setInterval(send, RETRANSMIT_MS);
    send();
    try {
      for (;;) {
        const [answer] = await once(this.#socket, 'message', { signal: limit });
        if (answer.subarray(8, 20).equals(transaction)) return answer;
      }
    } finally {
      clearInterval(timer);
    }
  }

  #message(method, transaction, attributes) {
    const header = Buffer.alloc(8);
    header.writeUInt16BE(method, 0);
    header.writeUInt32BE(COOKIE, 4);
    let body = Buffer.concat(attributes);
    if (!this.#challenge) {
      header.writeUInt16BE(body.length, 2);
      return Buffer.concat([header, transaction, body]);
    }
    const { username, credential } = this.#credentials;
    const { realm, nonce } = this.#challenge;
    body = Buffer.concat([body, attribute(ATTRIBUTE.username, username),
                          attribute(ATTRIBUTE.realm, realm), attribute(ATTRIBUTE.nonce, nonce)]);
    header.writeUInt16BE(body.length + 24, 2);
    const message = Buffer.concat([header, transaction, body]);
    const key = createHash('md5').update(`${username}:${realm}:${credential}`).digest();
    const mac = createHmac('sha1', key).update(message).digest();
    return Buffer.concat([message, attribute(ATTRIBUTE.integrity, mac)]);
  }
}
