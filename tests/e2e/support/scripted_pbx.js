import { sipBytes, token } from '../../component/carriers/support/sip_text.js';
import { until } from './wait.js';

// A PBX beside its calls: it grants every subscription, and answers messages as `takesMessage` says.
export class ScriptedPbx {
  #carrier;
  subscriptions = [];
  texts = [];  // {from, to, type, body}
  takesMessage = () => [200, 'OK'];

  // `carrier`: a ScriptedCarrier.
  constructor(carrier) {
    this.#carrier = carrier;
    carrier.onRequest = (request, reply, socket) => this.#onRequest(request, reply, socket);
  }

  // Waits for a subscription to that event that stands.
  async subscribed(event) {
    return until(() => this.subscriptions.find((each) => each.event === event && !each.over),
                 `the PBX has a subscription to ${event}`);
  }

  #onRequest(request, reply, socket) {
    if (request.method === 'MESSAGE') {
      this.texts.push({ from: request.header('from'), to: request.header('to'),
                        type: request.header('content-type'), body: request.body });
      reply(...this.takesMessage(request), { tag: token() });
    } else if (request.method === 'SUBSCRIBE') {
      this.#onSubscribe(request, reply, socket);
    } else {
      reply(200, 'OK', { tag: token() });
    }
  }

  #onSubscribe(request, reply, socket) {
    const expires = Number(request.header('expires'));
    const callId = request.header('call-id');
    let subscription = this.subscriptions.find((each) => each.callId === callId);
    if (!subscription) {
      subscription = new PbxSubscription(this.#carrier, request, socket);
      this.subscriptions.push(subscription);
    }
    subscription.expires = expires;
    ++subscription.requests;
    reply(200, 'OK', { tag: subscription.tag,
                       fields: [subscription.contact, `Expires: ${expires}`] });
    if (expires === 0) {
      subscription.over = true;
      subscription.notify('terminated;reason=timeout');
    }
  }
}

class PbxSubscription {
  #carrier;
  #socket;
  #cseq = 0;
  tag = token();
  requests = 0;  // SUBSCRIBEs that came
  over = false;

  constructor(carrier, subscribe, socket) {
    this.#carrier = carrier;
    this.#socket = socket;
    this.subscribe = subscribe;
    this.callId = subscribe.header('call-id');
    this.event = subscribe.header('event');
    this.contact = `Contact: <sip:pbx@${carrier.host}:${carrier.port};transport=tcp>`;
  }

  // Resolves to the answer.
  async notify(state, body = '', type = 'application/dialog-info+xml') {
    const [, target] = /<([^>]+)>/.exec(this.subscribe.header('contact'));
    const cseq = ++this.#cseq;
    this.#socket.write(sipBytes(`NOTIFY ${target} SIP/2.0`, [
      `Via: SIP/2.0/TCP ${this.#carrier.host}:${this.#carrier.port};branch=z9hG4bK${token()}`,
      'Max-Forwards: 70', `From: ${this.subscribe.header('to')};tag=${this.tag}`,
      `To: ${this.subscribe.header('from')}`, `Call-ID: ${this.callId}`, `CSeq: ${cseq} NOTIFY`,
      this.contact, `Event: ${this.event}`, `Subscription-State: ${state}`,
    ], Buffer.from(body), type));
    return until(() => this.#carrier.messages.find((message) => message.status >= 200 &&
                     message.header('call-id') === this.callId &&
                     message.header('cseq') === `${cseq} NOTIFY`),
                 'the answer to the NOTIFY of the PBX', 10000, 10);
  }
}
