import { registeredUa } from './jssip_ua.js';

// Many JsSIP calls from one page. Injected into the demo page by the load test, which finds it as
// window.lastmileLoad.
class LoadClient {
  #ua = null;
  #stream = null;

  async register(account) {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    this.#ua = await registeredUa(account);
  }

  // One call: answered, audio with energy arrives, hung up. Rejects with what was missing.
  async call(number, limitMs = 20000) {
    const session = this.#ua.call(number, {
      mediaStream: this.#stream,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    });
    session.on('icecandidate', ({ ready }) => ready());
    // Chromium decodes, and so counts, only what is played.
    const loudspeaker = new Audio();
    loudspeaker.autoplay = true;
    session.connection.addEventListener('track', ({ track }) => {
      loudspeaker.srcObject = new MediaStream([track]);
    });
    const timings = await withDeadline(this.#untilHeard(session), limitMs, number);
    const ended = new Promise((resolve) => session.on('ended', resolve));
    session.terminate();
    await ended;
    loudspeaker.srcObject = null;
    return timings;
  }

  // Ends the registration; the WebSocket closes with the page.
  stop() {
    this.#ua.stop();
    this.#stream.getTracks().forEach((track) => track.stop());
  }

  async #untilHeard(session) {
    const start = performance.now();
    await new Promise((resolve, reject) => {
      session.on('confirmed', resolve);
      session.on('failed', ({ cause, message }) =>
        reject(new Error(`${cause} ${message?.status_code ?? ''}`)));
    });
    const answeredMs = performance.now() - start;
    while (!(await hasAudio(session.connection))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { answeredMs, heardMs: performance.now() - start };
  }
}

async function hasAudio(connection) {
  for (const report of (await connection.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.totalAudioEnergy > 0) {
      return true;
    }
  }
  return false;
}

function withDeadline(promise, ms, number) {
  return Promise.race([promise, new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no audio from ${number} within ${ms} ms`)), ms);
  })]);
}

window.lastmileLoad = new LoadClient();
