import JsSIP from 'jssip';

// An unmodified JsSIP with one call at a time. It writes down what JsSIP fires, and
// when, in ms.
export class JsSipPhone {
  #ear;
  #microphone;
  #domain;
  #kept = null;
  ua = null;
  session = null;
  subscriber = null;
  events = [];

  constructor(ear, microphone) {
    this.#ear = ear;
    this.#microphone = microphone;
  }

  // account: {url, user, password, domain}; `options`: more of JsSIP's own.
  register({ url, user, password, domain }, options = {}) {
    this.#domain = domain;
    this.ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)],
                             uri: `sip:${user}@${domain}`, password, ...options });
    for (const name of ['connected', 'disconnected', 'registered', 'unregistered']) {
      this.ua.on(name, () => this.#note(name));
    }
    this.ua.on('registrationFailed', ({ cause, response }) => this.#note(
        'registrationFailed', { cause, status: response?.status_code }));
    this.ua.on('newRTCSession', ({ originator, session }) => this.#onSession(originator, session));
    this.ua.on('newMessage', ({ originator, request }) => originator === 'remote' && this.#note(
        'message', { from: request.from.uri.user, type: request.getHeader('Content-Type'),
                     body: request.body }));
    this.ua.on('sipEvent', ({ event, request }) => this.#note(
        'sipEvent', { event: event.event, body: request.body }));
    this.ua.start();
  }

  message(number, text, options = {}) {
    this.ua.sendMessage(`sip:${number}@${this.#domain}`, text, { ...options, eventHandlers: {
      succeeded: ({ response }) => this.#note('messageSucceeded', { status: response.status_code }),
      failed: ({ response, cause }) => this.#note('messageFailed', {
        cause, status: response?.status_code, warning: response?.getHeader('Warning') }),
    } });
  }

  subscribe(number, event, accept, options = {}) {
    this.subscriber = this.ua.subscribe(`sip:${number}@${this.#domain}`, event, accept, options);
    for (const name of ['accepted', 'pending', 'active']) {
      this.subscriber.on(name, () => this.#note(`subscription ${name}`));
    }
    this.subscriber.on('notify', (last, request, body, type) => this.#note(
        'notify', { last, body, type }));
    this.subscriber.on('terminated', (code, reason) => this.#note(
        'subscription terminated', { code, reason }));
    this.subscriber.subscribe();
  }

  // As its own timer would.
  refreshSubscription() {
    this.subscriber.subscribe();
  }

  unsubscribe() {
    this.subscriber.terminate();
  }

  // `options`: of JsSIP's call(). The offer is sent with the first candidate, or without any.
  call(number, { candidates = true, ...options } = {}) {
    const eventHandlers = {
      icecandidate: ({ ready }) => ready(),
      sdp: (description) => {
        if (!candidates && description.originator === 'local') {
          description.sdp = description.sdp.replace(/a=candidate:.*\r\n/g, '');
        }
      },
    };
    this.ua.call(`sip:${number}@${this.#domain}`, { ...this.#media(), eventHandlers, ...options });
  }

  answer() {
    this.session.answer(this.#media());
  }

  // What the page sends: "audio/opus".
  async codec() {
    const stats = await this.session.connection.getStats();
    const sent = [...stats.values()].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'audio');
    return stats.get(sent?.codecId)?.mimeType;
  }

  // True: JsSIP took the order.
  hold(options) {
    return this.session.hold(options);
  }

  resume(options) {
    return this.session.unhold(options);
  }

  digits(tones, options = { transportType: 'RFC2833', duration: 100, interToneGap: 100 }) {
    this.session.sendDTMF(tones, options);
  }

  // As its own session timer would (RFC 4028).
  refresh() {
    this.session._sendUpdate();
  }

  sessionTimer() {
    const { currentExpires, refresher, running } = this.session._sessionTimers;
    return { currentExpires, refresher, running };
  }

  state() {
    const { session } = this;
    return { established: session.isEstablished(), ended: session.isEnded(),
             onHold: session.isOnHold() };
  }

  hangUp() {
    this.session.terminate();
  }

  // Keeps the present call aside, so that call() makes another one.
  keep() {
    this.#kept = this.session;
  }

  // The call that is kept, or the present one, to a number; or the far ends of both together.
  transfer(number) {
    this.#refer(this.#kept ?? this.session, `sip:${number}@${this.#domain}`, {});
  }

  join() {
    this.#refer(this.#kept, this.session.remote_identity.uri.toString(),
                { replaces: this.session });
  }

  #refer(session, target, options) {
    const subscriber = session.refer(target, options);
    subscriber.on('requestSucceeded', ({ response }) => this.#note(
        'referred', { status: response.status_code }));
    subscriber.on('requestFailed', ({ response }) => this.#note(
        'referRefused', { status: response?.status_code,
                          warning: response?.getHeader('Warning') }));
    for (const name of ['trying', 'progress', 'accepted', 'failed']) {
      subscriber.on(name, ({ status_line: line }) => this.#note(
          `transfer:${name}`, { status: line.status_code }));
    }
  }

  stop() {
    this.ua.stop();
  }

  #media() {
    return { mediaStream: this.#microphone, mediaConstraints: { audio: true, video: false },
             pcConfig: { iceServers: [] } };
  }

  #note(name, detail = {}) {
    this.events.push({ name, at: Math.round(performance.now()), ...detail });
  }

  #onSession(originator, session) {
    this.session = session;
    const listen = (connection) => {
      connection.addEventListener('track', ({ track }) => {
        this.#ear.attach(new MediaStream([track]));
      });
      connection.addEventListener('connectionstatechange', () => this.#note(
          'path', { state: connection.connectionState }));
    };
    if (session.connection) {
      listen(session.connection);
    }
    session.on('peerconnection', ({ peerconnection }) => listen(peerconnection));
    session.on('progress', ({ originator: by, response }) => this.#note(
        'progress', { by, status: response?.status_code, sdp: Boolean(response?.body) }));
    for (const name of ['accepted', 'confirmed', 'hold', 'unhold', 'update']) {
      session.on(name, ({ originator: by } = {}) => this.#note(name, { by }));
    }
    for (const name of ['ended', 'failed']) {
      session.on(name, ({ originator: by, cause, message }) => this.#note(name, {
        by, cause, status: message?.status_code, reason: message?.getHeader?.('Reason') }));
    }
    session.on('newDTMF', ({ originator: by, dtmf }) => this.#note(
        'digit', { by, tone: dtmf.tone, duration: dtmf.duration }));
    session.on('newInfo', ({ originator: by, info }) => this.#note(
        'info', { by, type: info.contentType }));
    if (originator === 'remote') {
      this.#note('incoming', { from: session.remote_identity.uri.user });
    }
  }
}
