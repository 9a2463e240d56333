import { describeEnd, describeHold, describeTransfer } from './causes.js';

// JsSIP waits for the end of ICE gathering, which takes seconds where a network interface does not
// answer. The gateway is ICE-lite and learns our address from our checks, so the first usable
// candidate is enough, and so is none.
const GATHERING_LIMIT_MS = 500;

// One call, outgoing or incoming, over a JsSIP RTCSession. Events (CustomEvent): `state` with
// {state, words}, `log` with a text, `heard` with the far end's MediaStream. States: dialing,
// ringing, early, incoming, answering, active, ended.
export class Call extends EventTarget {
  #session;
  #iceServers;
  #microphone = null;
  #startedAt = performance.now();
  #answeredAt = 0;
  #transfer = null;  // {to, done}: a REFER that has no last word yet, or a good one
  state = 'dialing';

  // `iceServers`: for its media, if it is incoming and answered.
  constructor(session, iceServers = []) {
    super();
    this.#session = session;
    this.#iceServers = iceServers;
    this.incoming = session.direction === 'incoming';
    this.who = session.remote_identity.display_name || session.remote_identity.uri.user;
    this.state = this.incoming ? 'incoming' : 'dialing';
    if (session.connection) {
      this.#watchConnection(session.connection);
    }
    session.on('peerconnection', ({ peerconnection }) => this.#watchConnection(peerconnection));
    session.on('icecandidate', ({ candidate, ready }) => this.#onCandidate(candidate, ready));
    session.on('sending', ({ request }) => this.#log(`INVITE sent to ${request.ruri.user}`));
    session.on('progress', ({ originator, response }) => this.#onProgress(originator, response));
    session.on('accepted', () => this.#onAccepted());
    const by = (originator) => originator === 'local' ? 'you' : this.who;
    session.on('hold', ({ originator }) => this.#onHold(`Put on hold by ${by(originator)}`));
    session.on('unhold', ({ originator }) => this.#onHold(`Resumed by ${by(originator)}`));
    session.on('ended', (end) => this.#onEnd(end));
    session.on('failed', (end) => this.#onEnd(end));
  }

  get seconds() {
    return this.#answeredAt ? Math.floor((performance.now() - this.#answeredAt) / 1000) : 0;
  }

  get muted() {
    return this.#session.isMuted().audio;
  }

  // By this side.
  get held() {
    return this.state === 'active' && this.#session.isOnHold().local;
  }

  answer(microphone) {
    this.#microphone = microphone;
    this.#setState('answering', `Answering ${this.who} …`);
    this.#session.answer({ mediaStream: microphone, pcConfig: { iceServers: this.#iceServers } });
  }

  // For what is still to come of this call: its answer, or an ICE restart. Before the call is up the
  // connection keeps those it has: JsSIP makes a second offer then that nobody sees, and with other
  // servers that would be a restart.
  setIceServers(iceServers) {
    this.#iceServers = iceServers;
    const connection = this.#session.connection;
    if (this.state === 'active') {
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
    }
  }

  // Ends the call whatever its state: CANCEL, a refusal or BYE.
  hangUp() {
    if (this.state === 'ended') {
      return;
    }
    this.#session.terminate(this.state === 'incoming' ? { status_code: 603 } : {});
  }

  setMuted(muted) {
    if (muted) {
      this.#session.mute({ audio: true });
    } else {
      this.#session.unmute({ audio: true });
    }
    this.#log(muted ? 'Microphone muted' : 'Microphone on');
  }

  setHeld(held) {
    const done = held ? this.#session.hold() : this.#session.unhold();
    if (!done) {
      this.#log('The call is not ready for that: try again');
    }
  }

  get transferring() {
    return this.#transfer !== null;
  }

  // Connects the far end with another number (REFER). This call goes on until that one has
  // answered, and if it does not.
  transfer(to) {
    if (this.state !== 'active' || this.#transfer) {
      return;
    }
    this.#transfer = { to, done: false };
    this.#setState('active', describeTransfer({ who: this.who, to, stage: 'asked' }));
    this.#log(`Transferring to ${to}`);
    const refer = this.#session.refer(to);
    if (!refer) {
      this.#onTransferFailed();
      return;
    }
    refer.on('progress', () => this.#setState(
        this.state, describeTransfer({ who: this.who, to, stage: 'ringing' })));
    refer.on('accepted', () => {
      this.#transfer.done = true;
      this.#log(`${to} has answered; the gateway ends this call`);
    });
    refer.on('failed', ({ status_line: line }) => this.#onTransferFailed(line.status_code));
    refer.on('requestFailed', ({ response }) => this.#onTransferFailed(response?.status_code));
  }

  #onTransferFailed(code) {
    const { to } = this.#transfer;
    this.#transfer = null;
    this.#log(`The transfer to ${to} failed${code ? `: ${code}` : ''}`);
    if (this.state === 'active') {
      this.#setState('active', describeTransfer({ who: this.who, to, stage: 'failed', code }));
    }
  }

  // Sends a digit inside the audio stream (RFC 4733). False: the call carries no digits yet.
  sendDigit(digit) {
    if (this.state !== 'active' && this.state !== 'early') {
      return false;
    }
    this.#session.sendDTMF(digit, { transportType: 'RFC2833', duration: 120, interToneGap: 80 });
    this.#log(`Digit ${digit} sent`);
    return true;
  }

  #watchConnection(connection) {
    connection.addEventListener('track', ({ track, streams }) => {
      this.#emit('heard', streams[0] ?? new MediaStream([track]));
    });
    connection.addEventListener('connectionstatechange', () => {
      this.#log(`Media path ${connection.connectionState} after ${this.#elapsed()} ms`);
    });
  }

  #onCandidate(candidate, ready) {
    if (candidate.protocol === 'udp' && candidate.type !== 'relay') {
      ready();
    } else {
      setTimeout(ready, GATHERING_LIMIT_MS);
    }
  }

  #onProgress(originator, response) {
    if (originator === 'local' || this.state === 'active') {
      return;
    }
    this.#log(`${response.status_code} ${response.reason_phrase} after ${this.#elapsed()} ms`);
    // A 180 may bring SDP, too: the path is then ready before the answer, but nothing plays on it.
    if (response.status_code === 183) {
      this.#setState('early', `${this.who} has not answered yet; you hear what the carrier plays.`);
    } else if (this.state === 'dialing') {
      this.#setState('ringing', `${this.who} is ringing.`);
    }
  }

  #onAccepted() {
    this.#answeredAt = performance.now();
    this.#log(`Answered after ${this.#elapsed()} ms`);
    this.#setState('active', describeHold(this.who, { local: false, remote: false }));
  }

  #onHold(text) {
    this.#log(text);
    if (this.state === 'active') {
      this.#setState('active', describeHold(this.who, this.#session.isOnHold()));
    }
  }

  #onEnd({ originator, message, cause }) {
    const words = this.#transfer?.done ? describeTransfer(
        { who: this.who, to: this.#transfer.to, stage: 'done' }) : describeEnd({
      who: this.who,
      originator,
      cause,
      code: message?.status_code,
      reason: message?.getHeader?.('Reason'),
      answered: this.#answeredAt > 0,
      incoming: this.incoming,
    });
    this.cause = cause;
    this.originator = originator;
    this.#log(`Ended: ${cause}, by ${originator}`);
    this.#setState('ended', words);
  }

  #elapsed() {
    return Math.round(performance.now() - this.#startedAt);
  }

  #setState(state, words) {
    this.state = state;
    this.#emit('state', { state, words });
  }

  #log(text) {
    this.#emit('log', text);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
