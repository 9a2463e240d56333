import { registeredUa } from '../../../e2e/support/jssip_ua.js';

// JsSIP as it comes, with a diary of every call. In the page as window.lastmileCalls; a call is found
// by the number that was dialled or that calls.
class PageCalls {
  #ua = null;
  #stream = null;
  #calls = new Map();

  async register(account) {
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    this.#ua = await registeredUa(account);
    this.#ua.on('newRTCSession', ({ originator, session }) => {
      if (originator === 'remote') {
        this.#note(session.remote_identity.uri.user, session);
      }
    });
  }

  dial(number) {
    const session = this.#ua.call(number, this.#options());
    this.#note(number, session);
    this.#listen(session.connection);
  }

  act(number, what) {
    const { session } = this.#calls.get(number);
    if (what === 'answer') {
      session.on('peerconnection', ({ peerconnection }) => this.#listen(peerconnection));
      session.answer(this.#options());
    } else {
      session[what]();
    }
  }

  async state(number) {
    const call = this.#calls.get(number);
    if (!call) {
      return null;
    }
    const energy = await audioEnergy(call.session.connection);
    return { ...call.diary, energy, heard: energy > 0 };
  }

  stop() {
    this.#ua.stop();
    this.#stream.getTracks().forEach((track) => track.stop());
  }

  #options() {
    return { mediaStream: this.#stream, mediaConstraints: { audio: true, video: false },
             pcConfig: { iceServers: [] } };
  }

  // Chromium decodes, and so counts, only what is played.
  #listen(connection) {
    connection.addEventListener('track', ({ track }) => {
      const loudspeaker = new Audio();
      loudspeaker.autoplay = true;
      loudspeaker.srcObject = new MediaStream([track]);
    });
  }

  #note(number, session) {
    const diary = { rings: true, progress: [], odd: [], confirmed: false, offers: 0, ended: null,
                    failed: null, held: null };
    this.#calls.set(number, { session, diary });
    session.on('icecandidate', ({ ready }) => ready());
    session.on('progress', ({ originator, response }) => {
      if (originator !== 'remote') {
        return;
      }
      diary.progress.push(`${response.status_code}${response.body ? ' with SDP' : ''}`);
      for (const name of ['Require', 'RSeq']) {
        if (response.hasHeader(name)) {
          diary.odd.push(name);
        }
      }
    });
    session.on('confirmed', () => { diary.confirmed = true; });
    session.on('sdp', ({ originator, type }) => {
      diary.offers += originator === 'remote' && type === 'offer' ? 1 : 0;
    });
    session.on('hold', () => { diary.held = true; });
    session.on('ended', ({ cause }) => { diary.ended = cause; });
    session.on('failed', ({ cause }) => { diary.failed = diary.ended = cause; });
  }
}

async function audioEnergy(connection) {
  const reports = [...(await connection?.getStats())?.values() ?? []];
  return reports.find(({ type }) => type === 'inbound-rtp')?.totalAudioEnergy ?? 0;
}

window.lastmileCalls = new PageCalls();
