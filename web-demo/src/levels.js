import { FLOOR_DB, dominantHz, levelDb, meterFraction } from './spectrum.js';

const TICK_MS = 100;
const FFT_SIZE = 4096;

// Shows the level of one audio stream and the frequency it is loudest at. The element carries both
// as data-db and data-hz, so that anybody can read what is heard.
export class LevelMeter {
  #root;
  #bar;
  #text;
  #source = null;
  #analyser = null;
  #timer = 0;
  #samples = new Float32Array(FFT_SIZE);
  #bins = new Float32Array(FFT_SIZE / 2);

  constructor(root) {
    this.#root = root;
    this.#bar = root.querySelector('[role=meter]');
    this.#text = root.querySelector('output');
    this.#show(FLOOR_DB, null);
  }

  attach(context, stream) {
    this.detach();
    this.#analyser = new AnalyserNode(context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
    this.#timer = setInterval(() => this.#measure(context.sampleRate), TICK_MS);
  }

  detach() {
    clearInterval(this.#timer);
    this.#source?.disconnect();
    this.#source = null;
    this.#analyser = null;
    this.#show(FLOOR_DB, null);
  }

  #measure(sampleRate) {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.#analyser.getFloatFrequencyData(this.#bins);
    const db = levelDb(this.#samples);
    this.#show(db, db > FLOOR_DB ? dominantHz(this.#bins, sampleRate) : null);
  }

  #show(db, hz) {
    const level = Math.round(db);
    const quiet = level <= FLOOR_DB;
    const tone = hz === null ? '' : ` · loudest at ${Math.round(hz)} Hz`;
    this.#root.dataset.db = String(level);
    this.#root.dataset.hz = hz === null ? '' : hz.toFixed(1);
    this.#bar.setAttribute('aria-valuenow', String(level));
    this.#bar.setAttribute('aria-valuetext', quiet ? 'silent' : `${level} decibels`);
    this.#bar.style.setProperty('--level', meterFraction(db).toFixed(3));
    this.#text.textContent = quiet ? 'silent' : `\u2212${-level} dB${tone}`;
  }
}
