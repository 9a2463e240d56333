import { registeredUa } from './jssip_ua.js';

// One JsSIP video call from a page, or to it. Injected by the test of video, which finds it as
// window.lastmileVideo.
class VideoClient {
  #ua = null;
  #session = null;

  async register(account) {
    this.#ua = await registeredUa(account);
  }

  // The next call that comes is answered with audio and video.
  answer() {
    this.#ua.on('newRTCSession', async ({ originator, session }) => {
      if (originator !== 'remote') {
        return;
      }
      this.#session = session;
      session.answer(await this.#media());
    });
  }

  async call(number) {
    this.#session = this.#ua.call(number, await this.#media());
    this.#session.on('icecandidate', ({ ready }) => ready());
    await new Promise((resolve, reject) => {
      this.#session.on('confirmed', resolve);
      this.#session.on('failed', ({ cause }) => reject(new Error(cause)));
    });
  }

  // Frames of the far end's video that were decoded; 0 without video.
  async framesDecoded() {
    for (const report of (await this.#session.connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video') {
        return report.framesDecoded ?? 0;
      }
    }
    return 0;
  }

  // How the sections of the answer stand, as the browser took it: "audio:open video:rejected".
  sections() {
    return this.#session.connection.remoteDescription.sdp.split('\r\n')
        .map((line) => /^m=(\w+) (\d+) /.exec(line)).filter(Boolean)
        .map(([, kind, port]) => `${kind}:${port === '0' ? 'rejected' : 'open'}`).join(' ');
  }

  async #media() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    stream.addTrack(movingPicture());
    return { mediaStream: stream, mediaConstraints: { audio: true, video: true },
             pcConfig: { iceServers: [] } };
  }

  async hangUp() {
    const ended = new Promise((resolve) => this.#session.on('ended', resolve));
    this.#session.terminate();
    await ended;
  }
}

// The page's policy gives it no camera.
function movingPicture() {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  let turn = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${turn += 5} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 40);
  return canvas.captureStream(25).getVideoTracks()[0];
}

window.lastmileVideo = new VideoClient();
