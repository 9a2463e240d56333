import { createServer } from 'node:net';

import { until } from '../../../e2e/support/wait.js';
import { responseBytes, SipFramer, token } from './sip_text.js';

// A carrier that answers INVITEs with one script and keeps every message as it came. `answer` is
// 'ok' or a refusal [status, phrase].
export class RawCarrier {
  #server;
  #sockets = new Set();
  messages = [];

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
    if (message.method === 'BYE') {
      socket.write(responseBytes(message, 200, 'OK'));
    } else if (message.method === 'INVITE') {
      socket.write(this.answer === 'ok' ? this.#accepted(message) :
                   responseBytes(message, ...this.answer, { tag: token() }));
    }
  }

  #accepted(message) {
    return responseBytes(message, 200, 'OK', {
      tag: token(),
      fields: [`Contact: <sip:carrier@${this.host}:${this.port};transport=tcp>`],
      body: Buffer.from(`v=0\r\no=- 1 1 IN IP4 ${this.host}\r\ns=-\r\nc=IN IP4 ${this.host}\r\n` +
                        't=0 0\r\nm=audio 9000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n'),
    });
  }
}
