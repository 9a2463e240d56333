import { dominantHz, levelDb } from '../../../web-demo/src/spectrum.js';

const FFT_SIZE = 4096;

// Says what is heard on a stream: its level and the frequency that is loudest.
export class Ear {
  #context = new AudioContext();
  #samples = new Float32Array(FFT_SIZE);
  #bins = new Float32Array(FFT_SIZE / 2);
  #analyser = new AnalyserNode(this.#context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
  #loudspeaker = new Audio();
  #source = null;

  // Chromium feeds an AnalyserNode only from a stream that is played.
  attach(stream) {
    this.#context.resume();
    this.#source?.disconnect();
    this.#loudspeaker.srcObject = stream;
    this.#loudspeaker.play().catch(() => {});  // a later stream took its place
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
  }

  reading() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.#analyser.getFloatFrequencyData(this.#bins);
    const hz = dominantHz(this.#bins, this.#context.sampleRate);
    return { hz: hz === null ? null : Math.round(hz), db: Math.round(levelDb(this.#samples)) };
  }
}
