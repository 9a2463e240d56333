import JsSIP from 'jssip';

import { Call } from './call.js';
import { describeDisconnect, describeRegistration } from './causes.js';
import { IceServers } from './ice_servers.js';

// JsSIP says nothing when the browser refuses to open the WebSocket at all, nor while it waits for
// an address that swallows packets.
const CONNECT_LIMIT_MS = 5000;

// The registration of this page with the gateway and the one call it may have. Events
// (CustomEvent): `registration` with {state, words}, `call` with a Call, `log` with a text.
// Registration states: offline, connecting, registered, failed.
export class Phone extends EventTarget {
  #ua = null;
  #account = null;
  #opened = false;
  #call = null;
  #iceServers = null;

  get call() {
    return this.#call;
  }

  // account: {url, domain, user, password}. Throws on an unusable URL or name.
  register(account) {
    this.#account = account;
    this.#opened = false;
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(account.url)],
      uri: `sip:${account.user}@${account.domain}`,
      password: account.password,
      user_agent: 'Lastmile demo page',
    });
    this.#ua = ua;
    this.#iceServers = new IceServers(ua, account.domain, (list) => this.#call?.setIceServers(list));
    ua.on('connected', () => {
      this.#opened = true;
      this.#log(`Connected to ${account.url}`);
    });
    ua.on('disconnected', (event) => this.#onDisconnected(ua, event));
    ua.on('registered', ({ response }) => {
      this.#iceServers.take(response);
      this.#emit('registration',
                 { state: 'registered', words: `Registered as ${account.user}@${account.domain}.` });
    });
    ua.on('registrationFailed', (event) => this.#onRegistrationFailed(event));
    ua.on('newRTCSession', ({ session }) => this.#onSession(session));
    this.#emit('registration', { state: 'connecting', words: `Connecting to ${account.url} …` });
    ua.start();
    setTimeout(() => {
      if (!ua.isConnected()) {
        this.#onDisconnected(ua, {});
      }
    }, CONNECT_LIMIT_MS);
  }

  // Ends the call, takes the registration back and closes the WebSocket.
  signOut() {
    const ua = this.#ua;
    this.#ua = null;
    this.#iceServers?.stop();
    ua?.stop();
    this.#emit('registration', { state: 'offline', words: 'Signed out.' });
  }

  dial(number, microphone) {
    this.#ua.call(number, {
      mediaStream: microphone,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: this.#iceServers.current },
    });
  }

  #onSession(session) {
    if (this.#call) {
      this.#log(`Busy: a second call from ${session.remote_identity.uri.user} was refused`);
      session.terminate({ status_code: 486 });
      return;
    }
    const call = new Call(session, this.#iceServers.current);
    this.#call = call;
    call.addEventListener('state', ({ detail }) => {
      if (detail.state === 'ended') {
        this.#call = null;
      }
    });
    this.#emit('call', call);
  }

  #onDisconnected(ua, { code, reason }) {
    if (ua !== this.#ua) {
      return;
    }
    const words = describeDisconnect({ url: this.#account.url, opened: this.#opened, code, reason });
    this.#opened = false;
    this.#emit('registration', { state: 'connecting', words: `${words} Trying again …` });
  }

  #onRegistrationFailed({ response, cause }) {
    if (!this.#ua || cause === 'Connection Error') {
      return;  // the WebSocket is gone: `disconnected` tells it
    }
    const words = describeRegistration(
        { cause, code: response?.status_code, user: this.#account.user });
    this.#iceServers.stop();
    this.#ua.stop();
    this.#ua = null;
    this.#emit('registration', { state: 'failed', words });
  }

  #log(text) {
    this.#emit('log', text);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
