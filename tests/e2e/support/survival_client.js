import { registeredUa } from './jssip_ua.js';

// Calls of one page, each of a JsSIP user agent with a WebSocket of its own, to see what becomes of
// them when the WebSocket is lost. Injected by the tests of that, which find it as
// window.lastmileSurvival. Calls are known by the name of their user.
class SurvivalClient {
  #stream = null;
  #calls = new Map();

  // account: {url, user, password, domain}. Resolves once audio arrives.
  async call(account, number) {
    this.#stream ??= await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const ua = await registeredUa(account);
    const session = ua.call(number, {
      mediaStream: this.#stream, mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    });
    const call = { ua, session, loudspeaker: new Audio(), registered: 0, reoffered: 0, ended: null };
    this.#calls.set(account.user, call);
    session.on('icecandidate', ({ ready }) => ready());
    session.on('reinvite', () => {
      call.reoffered += 1;
    });
    session.on('ended', ({ cause, originator }) => {
      call.ended = { cause, originator };
    });
    ua.on('registered', () => {
      call.registered = performance.now();
    });
    call.loudspeaker.autoplay = true;
    session.connection.addEventListener('track', ({ track }) => {
      call.loudspeaker.srcObject = new MediaStream([track]);
    });
    await new Promise((resolve, reject) => {
      session.on('confirmed', resolve);
      session.on('failed', ({ cause }) => reject(new Error(cause)));
    });
    while ((await this.#counters(call)).received === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  // Of each call: {user, received, lost, sent (RTP packets), reoffered, ended, connected}.
  async look() {
    return Promise.all([...this.#calls].map(async ([user, call]) => ({
      user, ...await this.#counters(call), reoffered: call.reoffered, ended: call.ended,
      connected: call.ua.isConnected() && call.ua.isRegistered(),
    })));
  }

  // Milliseconds from the last registration of that user to the next packet it receives.
  async audioAfterRegistration(user) {
    const call = this.#calls.get(user);
    const before = call.registered;
    while (call.registered === before) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { received } = await this.#counters(call);
    while ((await this.#counters(call)).received === received) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return performance.now() - call.registered;
  }

  hangUp(user) {
    this.#calls.get(user).session.terminate();
  }

  async #counters(call) {
    const counters = { received: 0, lost: 0, sent: 0 };
    for (const report of (await call.session.connection.getStats()).values()) {
      if (report.type === 'inbound-rtp') {
        counters.received = report.packetsReceived;
        counters.lost = report.packetsLost;
      } else if (report.type === 'outbound-rtp') {
        counters.sent = report.packetsSent;
      }
    }
    return counters;
  }
}

window.lastmileSurvival = new SurvivalClient();
