import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import {
  ackOf, responseBytes, sipBytes, SipFramer, token,
} from '../../component/carriers/support/sip_text.js';
import { until } from './wait.js';

const uriOf = (header) => /<([^>]+)>/.exec(header)?.[1] ?? header.split(';')[0];
const tagOf = (header) => /;tag=([^;]+)/.exec(header)?.[1] ?? '';

// A carrier on TCP whose answers to INVITEs a test writes: `onInvite` gets each as a CarrierCall.
// `onRegister` may make another answer to a REGISTER, and `onRequest` gets what else belongs to no
// call. What else comes in a call is answered 200 by itself. It keeps every message that came, in
// order.
export class ScriptedCarrier {
  #server;
  #sockets = new Set();
  #calls = new Map();  // by Call-ID
  messages = [];
  onInvite = (call) => call.reply(603, 'Decline');
  onRegister = (register) => responseBytes(register, 200, 'OK', { tag: token() });
  // `reply` takes what responseBytes() does after its request; `socket` is where it came from.
  onRequest = (request, reply) => reply(200, 'OK');

  static async listen(host, port) {
    const carrier = new ScriptedCarrier();
    Object.assign(carrier, { host, port });
    carrier.#server = createServer((socket) => carrier.#onSocket(socket));
    carrier.#server.listen(port, host);
    await once(carrier.#server, 'listening');
    return carrier;
  }

  // An SDP with one audio section, PCMU and digits, at `port` of this carrier.
  sdp(port, { direction = 'sendrecv', version = 1, formats = [0, 101] } = {}) {
    const maps = { 0: 'PCMU/8000', 8: 'PCMA/8000', 101: 'telephone-event/8000' };
    return [
      'v=0', `o=- 1 ${version} IN IP4 ${this.host}`, 's=-', `c=IN IP4 ${this.host}`, 't=0 0',
      `m=audio ${port} RTP/AVP ${formats.join(' ')}`,
      ...formats.map((format) => `a=rtpmap:${format} ${maps[format]}`),
      ...(formats.includes(101) ? ['a=fmtp:101 0-15'] : []), `a=${direction}`, '',
    ].join('\r\n');
  }

  // Places a call over a connection of its own; the INVITE's answers come to the CarrierCall.
  async call(target, user, sdp, fields = []) {
    const socket = await this.#connect(target);
    const call = CarrierCall.outgoing(this, socket, { target, user });
    this.#calls.set(call.callId, call);
    call.invite(sdp, fields);
    return call;
  }

  // A request outside calls, over a connection of its own; resolves to its final response.
  async asks(target, method, user, { fields = [], body = '', type = 'text/plain' } = {}) {
    const socket = await this.#connect(target);
    const callId = token();
    socket.write(sipBytes(`${method} sip:${user}@${target};transport=tcp SIP/2.0`, [
      `Via: SIP/2.0/TCP ${this.host}:${this.port};branch=z9hG4bK${token()}`, 'Max-Forwards: 70',
      `From: <sip:+15550009009@127.0.0.1>;tag=${token()}`, `To: <sip:${user}@${target}>`,
      `Call-ID: ${callId}`, `CSeq: 1 ${method}`,
      `Contact: <sip:carrier@${this.host}:${this.port};transport=tcp>`, ...fields,
    ], Buffer.from(body), type));
    return until(() => this.messages.find((message) => message.status >= 200 &&
                     message.header('call-id') === callId),
                 `the answer to the carrier's ${method}`, 10000, 10);
  }

  mark() {
    return this.messages.length;
  }

  // Requests of that method, and of that call where one is given.
  requests(method, { call, from = 0 } = {}) {
    return this.messages.slice(from).filter((message) => message.method === method &&
        (!call || message.header('call-id') === call.callId));
  }

  async got(method, options = {}, timeoutMs = 10000) {
    return until(() => this.requests(method, options)[0], `the carrier gets ${method}`, timeoutMs,
                 20);
  }

  async stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #connect(target) {
    const [host, port] = target.split(':');
    const socket = connect({ host, port: Number(port), localAddress: this.host });
    await once(socket, 'connect');
    socket.setNoDelay(true);
    this.#onSocket(socket);
    return socket;
  }

  #onSocket(socket) {
    const framer = new SipFramer();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const message of framer.push(data)) {
        this.messages.push(message);
        this.#onMessage(socket, message);
      }
    });
  }

  #onMessage(socket, message) {
    const call = this.#calls.get(message.header('call-id'));
    if (message.status) {
      call?.onResponse(message);
    } else if (message.method === 'INVITE' && !call) {
      const incoming = CarrierCall.incoming(this, socket, message);
      this.#calls.set(incoming.callId, incoming);
      this.onInvite(incoming);
    } else if (message.method === 'INVITE') {
      call.onReinvite(message);
    } else if (message.method === 'CANCEL') {
      socket.write(responseBytes(message, 200, 'OK', { tag: call?.tag }));
      call?.reply(487, 'Request Terminated');
    } else if (message.method === 'ACK') {
      call?.onAck(message);
    } else if (call) {
      socket.write(responseBytes(message, 200, 'OK', { tag: call.tag }));
    } else if (message.method === 'REGISTER') {
      socket.write(this.onRegister(message));
    } else {
      this.onRequest(message, (...answer) => socket.write(responseBytes(message, ...answer)), socket);
    }
  }
}

// One call of the carrier. `tag` is the carrier's in replies and requests that name no other: a
// carrier that forks has several.
class CarrierCall {
  #carrier;
  #socket;
  #cseq = 100;
  #lastInvite = null;  // fields of the INVITE that waits for its ACK
  tag = token();
  offer = '';      // the peer's last SDP
  responses = [];  // to requests of the carrier
  reinvites = [];  // of the peer
  onAck = () => {};
  answerInAck = '';  // SDP: of a carrier that let the peer make the offer

  static incoming(carrier, socket, invite) {
    const call = new CarrierCall();
    call.#carrier = carrier;
    call.#socket = socket;
    call.invitation = invite;
    call.callId = invite.header('call-id');
    call.target = uriOf(invite.header('contact'));
    call.peer = invite.header('from');
    call.self = invite.header('to');
    call.offer = invite.body;
    return call;
  }

  static outgoing(carrier, socket, { target, user }) {
    const call = new CarrierCall();
    call.#carrier = carrier;
    call.#socket = socket;
    call.callId = token();
    call.target = `sip:${user}@${target};transport=tcp`;
    call.peer = `<sip:${user}@${target}>`;
    call.self = '<sip:+15550009009@127.0.0.1>';
    return call;
  }

  // To the INVITE of an incoming call.
  reply(status, phrase, { tag = this.tag, fields = [], sdp = '' } = {}) {
    const contact = status > 100 && status < 300 ? [this.#contact()] : [];
    this.#socket.write(responseBytes(this.invitation, status, phrase, {
      tag, fields: [...contact, ...fields], body: Buffer.from(sdp) }));
  }

  // A request inside the call; resolves to its final response. A 2xx to INVITE is ACKed.
  async request(method, { tag = this.tag, fields = [], sdp = '', body = sdp, type } = {}) {
    const cseq = ++this.#cseq;
    const head = this.#head(method, cseq, tag);
    const contact = method === 'INVITE' || method === 'UPDATE' ? [this.#contact()] : [];
    if (method === 'INVITE') {
      this.#lastInvite = head;
    }
    this.#socket.write(sipBytes(`${method} ${this.target} SIP/2.0`,
                                [...head, ...contact, ...fields], Buffer.from(body), type));
    return until(() => this.responses.find((message) => message.status >= 200 &&
                     message.header('cseq') === `${cseq} ${method}`),
                 `the answer to the carrier's ${method}`, 10000, 10);
  }

  // The INVITE of an outgoing call.
  invite(sdp, fields) {
    this.#lastInvite = this.#head('INVITE', ++this.#cseq, this.tag);
    this.#socket.write(sipBytes(`INVITE ${this.target} SIP/2.0`,
                                [...this.#lastInvite, this.#contact(), ...fields],
                                Buffer.from(sdp)));
  }

  // Waits for a response to the INVITE of an outgoing call.
  async gets(status, timeoutMs = 10000) {
    return until(() => this.responses.find((message) => message.status === status),
                 `the carrier gets ${status}`, timeoutMs, 20);
  }

  cancel() {
    const fields = this.#lastInvite.map((field) => field.replace(/ INVITE$/, ' CANCEL'));
    this.#socket.write(sipBytes(`CANCEL ${this.target} SIP/2.0`, fields));
  }

  onResponse(message) {
    this.responses.push(message);
    if (!message.header('cseq').endsWith(' INVITE') || message.status < 200) {
      return;
    }
    if (message.status >= 300) {
      this.#socket.write(ackOf(this.#lastInvite, this.target, message));
      return;
    }
    this.peer = message.header('to');
    this.target = uriOf(message.header('contact')) || this.target;
    this.offer = message.body || this.offer;
    const head = this.#head('ACK', parseInt(message.header('cseq'), 10), this.tag);
    this.#socket.write(sipBytes(`ACK ${this.target} SIP/2.0`, head, Buffer.from(this.answerInAck)));
    this.answerInAck = '';
  }

  // What a re-INVITE of the peer is answered with; a test may put its own in place.
  onReinvite(message) {
    this.reinvites.push(message);
    const [, direction] = /a=(sendrecv|sendonly|recvonly|inactive)/.exec(message.body) ?? [];
    const mirrored = { sendonly: 'recvonly', recvonly: 'sendonly' };
    this.answer(message, 200, 'OK', this.#carrier.sdp(this.mediaPort ?? 9000, {
      direction: mirrored[direction] ?? direction, version: 100 + this.reinvites.length }));
  }

  // To any request inside the call.
  answer(request, status, phrase, sdp = '', fields = []) {
    this.#socket.write(responseBytes(request, status, phrase, {
      tag: this.tag, fields: [this.#contact(), ...fields], body: Buffer.from(sdp) }));
  }

  #contact() {
    return `Contact: <sip:carrier@${this.#carrier.host}:${this.#carrier.port};transport=tcp>`;
  }

  #head(method, cseq, tag) {
    const own = tagOf(this.self) ? this.self : `${this.self};tag=${tag}`;
    return [`Via: SIP/2.0/TCP ${this.#carrier.host}:${this.#carrier.port};branch=z9hG4bK${token()}`,
            'Max-Forwards: 70', `From: ${own}`, `To: ${this.peer}`, `Call-ID: ${this.callId}`,
            `CSeq: ${cseq} ${method}`];
  }
}

