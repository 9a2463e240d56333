import { SipMessage } from '../../component/carriers/support/sip_text.js';
import { until } from './wait.js';

// Every SIP message that goes over the WebSockets of a Playwright page, in order. A message has
// `sent` (by the page) and `socket` (1 for the first WebSocket) besides its fields.
export class Wire {
  #sockets = 0;
  messages = [];

  constructor(page) {
    page.on('websocket', (webSocket) => {
      const socket = ++this.#sockets;
      webSocket.on('framesent', ({ payload }) => this.#add(payload, true, socket));
      webSocket.on('framereceived', ({ payload }) => this.#add(payload, false, socket));
    });
  }

  get sockets() {
    return this.#sockets;
  }

  mark() {
    return this.messages.length;
  }

  // Messages to the page, or from it, with that start ("INVITE", "SIP/2.0 200") and that CSeq.
  received(start, cseq = '', from = 0) {
    return this.#filter(false, start, cseq, from);
  }

  sent(start, cseq = '', from = 0) {
    return this.#filter(true, start, cseq, from);
  }

  // Waits for the first of them.
  async receives(start, cseq = '', from = 0, timeoutMs = 10000) {
    return until(() => this.received(start, cseq, from)[0], `the page is sent ${start} ${cseq}`,
                 timeoutMs, 20);
  }

  async sends(start, cseq = '', from = 0, timeoutMs = 10000) {
    return until(() => this.sent(start, cseq, from)[0], `the page sends ${start} ${cseq}`,
                 timeoutMs, 20);
  }

  #filter(sent, start, cseq, from) {
    return this.messages.slice(from).filter((message) => message.sent === sent &&
        message.line.startsWith(`${start} `) && message.header('cseq').endsWith(cseq));
  }

  #add(payload, sent, socket) {
    const message = new SipMessage(Buffer.from(payload));
    if (message.line.includes('SIP/2.0')) {
      this.messages.push(Object.assign(message, { sent, socket }));
    }
  }
}
