import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePorts } from '../../../e2e/support/ports.js';
import { ChildProcess } from '../../../e2e/support/process.js';
import { until } from '../../../e2e/support/wait.js';
import { untilListening } from './listening.js';
import { readWav, shareOfTone } from './wav.js';

const HOST = '127.0.0.1';

// A stock baresip that speaks SIP over TCP at HOST:port, answers calls to `number`, plays a tone
// of toneHz and records what it hears. With `srtp`: over TLS, at HOST:port + 1, where
// `certificate` is a file with its certificate and key, and `mediaenc` is what baresip calls its way
// of SRTP.
export class Baresip {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-baresip-'));
  #records = join(this.#folder, 'records');
  #process;
  #control;
  #text = '';
  events = [];

  static async start(number, port, toneHz, srtp = null) {
    const baresip = new Baresip();
    const [control] = await freePorts(1);
    baresip.#configure(number, port, control, toneHz, srtp);
    baresip.#process = new ChildProcess('baresip', 'baresip', ['-f', baresip.#folder]);
    try {
      await untilListening(srtp ? port + 1 : port);
      await untilListening(control);
      await baresip.#connect(control);
    } catch (error) {
      throw baresip.#process.explained(error);
    }
    return baresip;
  }

  dial(uri) {
    this.#command('dial', uri);
  }

  hangUp() {
    this.#command('hangup', '');
  }

  // Forgets what it saw and heard in earlier calls.
  forget() {
    this.events = [];
    readdirSync(this.#records).forEach((name) => rmSync(join(this.#records, name)));
  }

  // Waits for an event, e.g. "CALL_ESTABLISHED".
  async sees(type, timeoutMs = 10000) {
    await until(() => this.events.some((event) => event.type === type), `baresip sees ${type}`,
                timeoutMs).catch((error) => {
      error.message += `\nevents: ${JSON.stringify(this.events)}`;
      throw this.#process.explained(error);
    });
  }

  // Waits until the last second of what it heard is a tone of `hz`: nine tenths of the energy.
  async hears(hz, timeoutMs = 15000) {
    let share = 0;
    await until(() => {
      share = Math.max(0, ...this.#heard().map((wav) => shareOfTone(wav, hz)));
      return share > 0.9;
    }, `baresip hears ${hz} Hz`, timeoutMs, 250).catch((error) => {
      error.message += `: ${(100 * share).toFixed(0)} % of the energy`;
      throw this.#process.explained(error);
    });
  }

  async stop() {
    this.#control?.destroy();
    await this.#process.stop().catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #heard() {
    return readdirSync(this.#records).filter((name) => name.endsWith('-dec.wav'))
        .map((name) => readWav(join(this.#records, name)))
        .filter(({ rate, samples }) => rate > 0 && samples.length >= rate)
        .map(({ rate, samples }) => ({ rate, samples: samples.slice(-rate) }));
  }

  #configure(number, port, control, toneHz, srtp) {
    mkdirSync(this.#records);
    writeFileSync(join(this.#folder, 'accounts'),
                  `<sip:${number}@${HOST}:${srtp ? port + 1 : port};` +
                  `transport=${srtp ? 'tls' : 'tcp'}>;regint=0;answermode=auto;` +
                  (srtp ? `mediaenc=${srtp.mediaenc};` : '') + 'audio_codecs=PCMU/8000/1\n');
    writeFileSync(join(this.#folder, 'contacts'), '');
    writeFileSync(join(this.#folder, 'config'), `
sip_listen ${HOST}:${port}
${srtp ? `sip_certificate ${srtp.certificate}\nmodule srtp.so` : ''}
net_interface ${HOST}
call_max_calls 4
audio_source ausine,${toneHz}
ausrc_srate 48000
ausrc_channels 2
audio_player none,none
audio_alert none,none
snd_path ${this.#records}
rtcp_mux no
ctrl_tcp_listen ${HOST}:${control}
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module sndfile.so
module_tmp account.so
module_app menu.so
module ctrl_tcp.so
`);
  }

  async #connect(port) {
    this.#control = connect(port, HOST);
    this.#control.on('data', (data) => this.#onControl(data));
    this.#control.on('error', () => {});
    await new Promise((resolve) => this.#control.once('connect', resolve));
  }

  // Netstrings: "5:hello,".
  #command(command, params) {
    const text = JSON.stringify({ command, params });
    this.#control.write(`${text.length}:${text},`);
  }

  #onControl(data) {
    this.#text += data.toString('latin1');
    for (let colon; (colon = this.#text.indexOf(':')) > 0;) {
      const end = colon + 1 + Number(this.#text.slice(0, colon));
      if (this.#text.length <= end) {
        return;
      }
      const message = JSON.parse(this.#text.slice(colon + 1, end));
      this.#text = this.#text.slice(end + 1);
      if (message.event) {
        this.events.push(message);
      }
    }
  }
}
