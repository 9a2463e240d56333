import { registeredUa } from './jssip_ua.js';

// One JsSIP call from a page that presses keys. Injected by the test of DTMF, which finds it as
// window.lastmileDtmf.
class DtmfClient {
  #ua = null;
  #session = null;
  // Tones of the far end that JsSIP told the page of.
  heard = [];
  // Answers to the INFOs: status codes.
  answers = [];

  async register(account) {
    this.#ua = await registeredUa(account);
  }

  async call(number) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.#session = this.#ua.call(number, {
      mediaStream: stream, mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    });
    this.#session.on('icecandidate', ({ ready }) => ready());
    this.#session.on('newDTMF', ({ originator, dtmf }) => {
      if (originator === 'remote') {
        this.heard.push(dtmf.tone);
        return;
      }
      dtmf.on('succeeded', ({ response }) => this.answers.push(response.status_code));
      dtmf.on('failed', ({ response }) => this.answers.push(response.status_code));
    });
    await new Promise((resolve, reject) => {
      this.#session.on('confirmed', resolve);
      this.#session.on('failed', ({ cause }) => reject(new Error(cause)));
    });
    // Chromium takes keys for the media only when media can leave.
    const { connection } = this.#session;
    while (connection.connectionState !== 'connected') {
      await new Promise((resolve) => connection.addEventListener('connectionstatechange', resolve,
                                                                 { once: true }));
    }
  }

  press(tones, options) {
    this.#session.sendDTMF(tones, options);
  }

  // An INFO with any content; the status of its answer.
  info(contentType, body) {
    return new Promise((resolve) => {
      const done = (response) => resolve({
        status: response.status_code,
        accept: response.getHeader('Accept'),
        warning: response.getHeader('Warning'),
      });
      this.#session.sendRequest('INFO', {
        extraHeaders: contentType ? [`Content-Type: ${contentType}`] : [],
        body,
        eventHandlers: { onSuccessResponse: done, onErrorResponse: done },
      });
    });
  }

  // The types of telephone-event the browser agreed to.
  events() {
    return this.#session.connection.remoteDescription.sdp
        .match(/telephone-event\/\d+/g)?.map((event) => event.split('/')[1]) ?? [];
  }

  isUp() {
    return this.#session.isEstablished();
  }

  async hangUp() {
    const ended = new Promise((resolve) => this.#session.on('ended', resolve));
    this.#session.terminate();
    await ended;
  }
}

window.lastmileDtmf = new DtmfClient();
