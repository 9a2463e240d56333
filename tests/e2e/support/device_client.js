import JsSIP from 'jssip';

// One device of a user: JsSIP without a page around it. Injected by the test of devices, which finds
// it as window.lastmileDevice. It keeps everything that JsSIP told it, in order.
class Device {
  #ua = null;
  #session = null;
  told = [];

  // configuration: what JsSIP.UA takes, with `url` for its socket. Returns "registered" or the cause
  // of the failure.
  register({ url, ...configuration }) {
    this.#ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)], ...configuration });
    this.#ua.on('newRTCSession', ({ session, originator }) => {
      if (originator === 'remote') {
        this.told.push('rings');
        this.#follow(session);
      }
    });
    this.#ua.on('unregistered', () => this.told.push('unregistered'));
    return new Promise((resolve) => {
      this.#ua.on('registered', () => resolve('registered'));
      this.#ua.on('registrationFailed', ({ cause }) => resolve(cause));
      this.#ua.start();
    });
  }

  #follow(session) {
    this.#session = session;
    session.on('icecandidate', ({ ready }) => ready());
    session.on('confirmed', () => this.told.push('confirmed'));
    session.on('ended', () => this.told.push('ended'));
    session.on('failed', ({ originator, cause, message }) => {
      const reason = message?.getHeader?.('Reason');
      this.told.push(`failed ${originator} ${cause}${reason ? ` ${reason}` : ''}`);
    });
  }

  async answer() {
    const mediaStream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.#session.answer({ mediaStream, pcConfig: { iceServers: [] } });
  }

  decline(statusCode) {
    this.#session.terminate({ status_code: statusCode });
  }

  hangUp() {
    this.#session.terminate();
  }

  call(number) {
    this.#follow(this.#ua.call(number, {
      mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] },
    }));
  }

  publicGruu() {
    return this.#ua.contact.pub_gruu;
  }

  instance() {
    return this.#ua.configuration.instance_id;
  }

  unregister(options) {
    this.#ua.unregister(options);
  }
}

window.lastmileDevice = new Device();
