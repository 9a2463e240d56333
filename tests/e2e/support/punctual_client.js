import { registeredUa } from './jssip_ua.js';

// JsSIP calls whose received frames are looked at as they come. Injected by the test of that, which
// finds it as window.lastmilePunctual.
class PunctualClient {
  #ua = null;
  #stream = null;

  async register(account) {
    this.#stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.#ua = await registeredUa(account);
  }

  // One call: {milliseconds from the 200 to the first frame, number: what its payload says}.
  async call(number) {
    const session = this.#ua.call(number, {
      mediaStream: this.#stream, mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [], encodedInsertableStreams: true },
    });
    session.on('icecandidate', ({ ready }) => ready());
    const first = new Promise((resolve) => {
      session.connection.addEventListener('track', ({ receiver }) => {
        const { readable, writable } = receiver.createEncodedStreams();
        let seen = false;
        readable.pipeThrough(new TransformStream({
          transform(frame, controller) {
            if (!seen) {
              seen = true;
              resolve({ at: performance.now(), number: new Uint8Array(frame.data)[0] });
            }
            controller.enqueue(frame);
          },
        })).pipeTo(writable).catch(() => {});
      }, { once: true });
    });
    const accepted = new Promise((resolve, reject) => {
      session.on('accepted', () => resolve(performance.now()));
      session.on('failed', ({ cause }) => reject(new Error(cause)));
    });
    const answeredAt = await accepted;
    const frame = await first;
    const ended = new Promise((resolve) => session.on('ended', resolve));
    session.terminate();
    await ended;
    return { milliseconds: frame.at - answeredAt, number: frame.number };
  }

  stop() {
    this.#ua.stop();
    this.#stream.getTracks().forEach((track) => track.stop());
  }
}

window.lastmilePunctual = new PunctualClient();
