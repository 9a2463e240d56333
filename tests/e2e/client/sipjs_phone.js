import { Subscriber, UserAgent } from 'sip.js/lib/api/index.js';
import { SessionManager } from 'sip.js/lib/platform/web/index.js';

// From one key to the next: a tone that is still played would be cut off by its successor.
const KEY_MS = 250;
const CONSTRAINTS = {
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  video: false,
};

// An unmodified SIP.js with one call at a time, as its users drive it. Its events are named as
// JsSipPhone's.
export class SipJsPhone {
  #ear;
  #domain;
  #manager = null;
  session = null;
  subscriber = null;
  events = [];

  constructor(ear) {
    this.#ear = ear;
  }

  async register({ url, user, password, domain }) {
    this.#domain = domain;
    this.#manager = new SessionManager(url, {
      aor: `sip:${user}@${domain}`,
      media: { constraints: CONSTRAINTS },
      sendDTMFUsingSessionDescriptionHandler: true,
      userAgentOptions: {
        authorizationUsername: user, authorizationPassword: password, logBuiltinEnabled: false,
        sessionDescriptionHandlerFactoryOptions: {
          peerConnectionConfiguration: { iceServers: [] }, iceGatheringTimeout: 500,
        },
      },
      delegate: {
        onRegistered: () => this.#note('registered'),
        onUnregistered: () => this.#note('unregistered'),
        onServerDisconnect: () => this.#note('disconnected'),
        onCallCreated: (session) => {
          this.session = session;
        },
        onCallReceived: (session) => this.#note(
            'incoming', { from: session.remoteIdentity.uri.user }),
        onCallAnswered: () => this.#onAnswered(),
        onCallHangup: () => this.#note('ended'),
        onCallHold: (session, held) => this.#note(held ? 'hold' : 'unhold'),
        onMessageReceived: ({ request }) => this.#note(
            'message', { from: request.from.uri.user, body: request.body }),
      },
    });
    await this.#manager.connect();
    await this.#manager.register();
  }

  async call(number) {
    await this.#manager.call(`sip:${number}@${this.#domain}`, {}, {
      requestDelegate: {
        onProgress: ({ message }) => this.#note('progress', { status: message.statusCode }),
        onReject: ({ message }) => this.#note(
            'failed', { status: message.statusCode, reason: message.getHeader('Reason') }),
      },
    });
  }

  async message(number, text) {
    await this.#manager.message(`sip:${number}@${this.#domain}`, text);
  }

  // Inside the call.
  async messageInCall(text) {
    const body = { contentDisposition: 'render', contentType: 'text/plain', content: text };
    await this.session.message({ requestOptions: { body } });
  }

  async subscribe(number, event) {
    this.subscriber = new Subscriber(
        this.#manager.userAgent, UserAgent.makeURI(`sip:${number}@${this.#domain}`), event);
    this.subscriber.delegate = {
      onNotify: (notification) => {
        notification.accept();
        this.#note('notify', { body: notification.request.body });
      },
    };
    this.subscriber.stateChange.addListener((state) => this.#note(`subscription ${state}`));
    await this.subscriber.subscribe();
  }

  async unsubscribe() {
    await this.subscriber.unsubscribe();
  }

  async answer() {
    await this.#manager.answer(this.session);
  }

  async hold() {
    await this.#manager.hold(this.session);
  }

  async resume() {
    await this.#manager.unhold(this.session);
  }

  async digits(tones) {
    for (const tone of tones) {
      await this.#manager.sendDTMF(this.session, tone);
      await new Promise((resolve) => setTimeout(resolve, KEY_MS));
    }
  }

  async hangUp() {
    await this.#manager.hangup(this.session);
  }

  async transfer(number) {
    await this.session.refer(UserAgent.makeURI(`sip:${number}@${this.#domain}`), {
      requestDelegate: {
        onAccept: ({ message }) => this.#note('referred', { status: message.statusCode }),
      },
      onNotify: (notification) => {
        const [, status] = /^SIP\/2\.0 (\d+)/.exec(notification.request.body);
        this.#note('notified', { status: Number(status) });
        notification.accept();
      },
    });
  }

  async stop() {
    await this.#manager.unregister();
    await this.#manager.disconnect();
  }

  #onAnswered() {
    this.#note('confirmed');
    const connection = this.session.sessionDescriptionHandler.peerConnection;
    this.#ear.attach(new MediaStream(connection.getReceivers().map(({ track }) => track)));
  }

  #note(name, detail = {}) {
    this.events.push({ name, ...detail });
  }
}
