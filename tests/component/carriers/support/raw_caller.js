import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';

import { ROOT } from '../../../e2e/support/lab.js';
import { ackOf, responseBytes, sipBytes, SipFramer, SipMessage, token } from './sip_text.js';

const { WebSocket } = createRequire(join(ROOT, 'tests/e2e/package.json'))('ws');
const DOMAIN = 'localhost';
const ANSWER_MS = 10000;
const md5 = (text) => createHash('md5').update(text).digest('hex');

// Sends requests with any bytes in the body and waits for the final response, one at a time.
// Refuses the calls it gets with 486. `line` is how it is connected: {via, contact, send(bytes)}.
class RawCaller {
  #line;
  #waiting = null;
  #number = 0;
  closed = false;

  constructor(line) {
    this.#line = line;
  }

  onMessage(message) {
    if (message.method === 'INVITE') {
      this.#line.send(responseBytes(message, 486, 'Busy Here', { tag: token() }));
    } else if (message.status >= 200 && message.header('call-id') === this.#waiting?.callId) {
      this.#waiting.resolve(message);
    }
  }

  onClosed() {
    this.closed = true;
    this.#waiting?.resolve(null);
  }

  // {response, ms}: the final response, null if the connection was closed instead, and how long
  // that took from the last byte sent. `via` and `contact`: others than its own.
  async exchange(method, uri, { from, to = uri, fields = [], body, via = this.#line.via,
                                contact = this.#line.contact }) {
    const callId = token();
    const head = [
      `Via: SIP/2.0/${via};branch=z9hG4bK${token()}`, 'Max-Forwards: 70',
      `From: <${from}>;tag=${token()}`, `Call-ID: ${callId}`,
    ];
    const bytes = sipBytes(`${method} ${uri} SIP/2.0`, [
      ...head, `To: <${to}>`, `CSeq: ${++this.#number} ${method}`,
      `Contact: <${contact}>`, ...fields,
    ], body);
    const start = performance.now();
    this.#line.send(bytes);
    const response = await this.#final(callId, `${method} ${uri}`);
    const ms = performance.now() - start;
    if (method === 'INVITE' && response?.status >= 300) {
      this.#line.send(ackOf(head, uri, response));
    }
    return { response, ms };
  }

  #final(callId, what) {
    if (this.closed) {
      return null;
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${what}`)), ANSWER_MS);
      this.#waiting = { callId, resolve: (value) => {
        clearTimeout(timer);
        this.#waiting = null;
        resolve(value);
      } };
    });
  }
}

// A user of the gateway without a browser: SIP over WebSocket, with digest.
export class WsCaller extends RawCaller {
  #socket;
  #count = 0;

  constructor(socket, user) {
    const host = `${token()}.invalid`;
    super({ via: `WS ${host}`, contact: `sip:${user}@${host};transport=ws`,
            send: (bytes) => socket.send(bytes, { binary: false }) });
    this.#socket = socket;
    this.user = user;
    socket.on('message', (data) => this.onMessage(new SipMessage(data)));
    socket.on('close', () => this.onClosed());
    socket.on('error', () => {});
  }

  static async register(port, user) {
    const socket = new WebSocket(`ws://localhost:${port}/`, 'sip',
                                 { origin: `http://localhost:${port}` });
    await once(socket, 'open');
    const caller = new WsCaller(socket, user);
    const { response } = await caller.request('REGISTER', `sip:${DOMAIN}`,
                                              { to: `sip:${user}@${DOMAIN}` });
    if (response?.status !== 200) {
      throw new Error(`registration of ${user}: ${response?.line}`);
    }
    return caller;
  }

  // Answers the challenge; the time is that of the request with credentials.
  async request(method, uri, options) {
    const from = `sip:${this.user}@${DOMAIN}`;
    const first = await this.exchange(method, uri, { ...options, body: undefined, from });
    if (first.response?.status !== 401) {
      return first;
    }
    const fields = [...options.fields ?? [],
                    this.#credentials(method, uri, first.response.header('www-authenticate'))];
    return this.exchange(method, uri, { ...options, from, fields });
  }

  invite(number, body) {
    return this.request('INVITE', `sip:${number}@${DOMAIN}`, { body });
  }

  async stop() {
    this.#socket.close();
    await (this.closed || once(this.#socket, 'close'));
  }

  #credentials(method, uri, challenge) {
    const value = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(challenge)[1];
    const nc = String(++this.#count).padStart(8, '0');
    const cnonce = token();
    const [realm, nonce] = [value('realm'), value('nonce')];
    const response = md5([md5(`${this.user}:${realm}:${this.user}`), nonce, nc, cnonce, 'auth',
                          md5(`${method}:${uri}`)].join(':'));
    return `Authorization: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", ` +
        `uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=${nc}, ` +
        `cnonce="${cnonce}"`;
  }
}

// A carrier that calls, over one TCP connection.
export class TrunkCaller extends RawCaller {
  #socket;

  constructor(socket, host, port) {
    super({ via: `TCP ${socket.localAddress}:${socket.localPort}`,
            contact: `sip:carrier@${socket.localAddress}:${socket.localPort};transport=tcp`,
            send: (bytes) => socket.write(bytes) });
    const framer = new SipFramer();
    this.#socket = socket;
    this.target = `${host}:${port}`;
    socket.on('data', (data) => framer.push(data).forEach((message) => this.onMessage(message)));
    socket.on('close', () => this.onClosed());
    socket.on('error', () => {});
  }

  // `from`: the address that it comes from, if not the one the system takes.
  static async connect(host, port, from) {
    const socket = connect({ host, port, localAddress: from });
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new TrunkCaller(socket, host, port);
  }

  invite(user, body) {
    return this.exchange('INVITE', `sip:${user}@${this.target}`,
                         { from: 'sip:+15550009009@127.0.0.1', body });
  }

  async stop() {
    this.#socket.end();
    await (this.closed || once(this.#socket, 'close'));
  }
}
