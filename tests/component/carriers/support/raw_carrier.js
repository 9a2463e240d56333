import { createServer } from 'node:net';

import { until } from '../../../e2e/support/wait.js';
import { responseBytes, sipBytes, SipFramer, token } from './sip_text.js';

// A carrier that answers INVITEs with one script and keeps every message as it came. `answer` is
// 'ok' or a refusal [status, phrase]. `media`: the lines of its SDP from m= on, made from an INVITE.
export class RawCarrier {
  #server;
  #sockets = new Set();
  #call = null;  // the first one accepted: {socket, invite, tag}
  #cseq = 100;
  messages = [];
  media = () => 'm=audio 9000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n';

  static async listen(host, port, answer) {
    const carrier = new RawCarrier();
    carrier.host = host;
    carrier.port = port;
    carrier.answer = answer;
    carrier.#server = createServer((socket) => carrier.#onSocket(socket));
    await new Promise((resolve, reject) => {
      carrier.#server.once('error', reject);
      carrier.#server.listen(port, host, resolve);
    });
    return carrier;
  }

  // Waits for the first request of that method.
  async got(method, timeoutMs = 10000) {
    return until(() => this.messages.find((message) => message.method === method),
                 `the carrier gets ${method}`, timeoutMs, 10);
  }

  async stop() {
    this.#sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.#server.close(resolve));
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
    if (message.method === 'BYE' || message.method === 'INFO') {
      socket.write(responseBytes(message, 200, 'OK'));
    } else if (message.method === 'INVITE') {
      socket.write(this.answer === 'ok' ? this.#accepted(socket, message) :
                   responseBytes(message, ...this.answer, { tag: token() }));
    } else if (message.status >= 200 && /INVITE$/.test(message.header('cseq'))) {
      socket.write(sipBytes(`ACK ${this.#contactOfPeer()} SIP/2.0`,
                            this.#headOf('ACK', parseInt(message.header('cseq'), 10))));
    }
  }

  // Offers this direction of the audio inside the call that was accepted first; returns the answer.
  async reinvite(direction) {
    const cseq = ++this.#cseq;
    this.#call.socket.write(sipBytes(`INVITE ${this.#contactOfPeer()} SIP/2.0`, [
      ...this.#headOf('INVITE', cseq), this.#contact()], this.#sdp(direction, cseq)));
    return until(() => this.messages.find(({ status, fields }) => status >= 200 &&
                     fields.includes(`CSeq: ${cseq} INVITE`)), 'the answer to a re-INVITE', 5000, 10);
  }

  // Sends an INFO inside the call that was accepted first; returns the answer.
  async info(contentType, body) {
    const cseq = ++this.#cseq;
    this.#call.socket.write(sipBytes(`INFO ${this.#contactOfPeer()} SIP/2.0`,
                                     this.#headOf('INFO', cseq), Buffer.from(body), contentType));
    return until(() => this.messages.find(({ status, fields }) => status >= 200 &&
                     fields.includes(`CSeq: ${cseq} INFO`)), 'the answer to an INFO', 5000, 10);
  }

  #contactOfPeer() {
    return /<([^>]+)>/.exec(this.#call.invite.header('contact'))[1];
  }

  #contact() {
    return `Contact: <sip:carrier@${this.host}:${this.port};transport=tcp>`;
  }

  #headOf(method, cseq) {
    const { invite, tag } = this.#call;
    return [`Via: SIP/2.0/TCP ${this.host}:${this.port};branch=z9hG4bK${token()}`,
            'Max-Forwards: 70', `From: ${invite.header('to')};tag=${tag}`,
            `To: ${invite.header('from')}`, `Call-ID: ${invite.header('call-id')}`,
            `CSeq: ${cseq} ${method}`];
  }

  #sdp(direction, version) {
    return Buffer.from(
        `v=0\r\no=- 1 ${version} IN IP4 ${this.host}\r\ns=-\r\nc=IN IP4 ${this.host}\r\n` +
        `t=0 0\r\n${this.media(this.#call.invite)}a=${direction}\r\n`);
  }

  #accepted(socket, message) {
    const tag = /;tag=([^;]+)/.exec(message.header('to'))?.[1] ?? token();
    this.#call ??= { socket, invite: message, tag };
    return responseBytes(message, 200, 'OK', {
      tag, fields: [this.#contact()], body: this.#sdp('sendrecv', 1) });
  }
}
