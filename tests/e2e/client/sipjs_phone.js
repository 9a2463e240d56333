import { UserAgent } from 'sip.js';
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
