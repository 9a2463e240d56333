import { dominantHz, levelDb } from '../../../web-demo/src/spectrum.js';

const FFT_SIZE = 4096;
const RECORDED_MS = 500;

// Says what is heard on a stream: its level and the frequency that is loudest.
export class Ear {
  #context = new AudioContext();
  #live = new AnalyserNode(this.#context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
  #loudspeaker = new Audio();
  #stream = null;
  #source = null;

  // Chromium feeds an AnalyserNode only from a stream that is played.
  attach(stream) {
    this.#context.resume();
    this.#source?.disconnect();
    this.#stream = stream;
    this.#loudspeaker.srcObject = stream;
    this.#loudspeaker.play().catch(() => {});  // a later stream took its place
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#live);
  }

  // {hz, db}; hz is null in silence. Firefox's AudioContext never runs on a machine without a sound
  // card: there the stream is recorded first.
  async reading() {
    const analyser = this.#context.state === 'running' ? this.#live : await this.#recorded();
    const samples = new Float32Array(FFT_SIZE);
    const bins = new Float32Array(FFT_SIZE / 2);
    analyser.getFloatTimeDomainData(samples);
    analyser.getFloatFrequencyData(bins);
    const hz = dominantHz(bins, analyser.context.sampleRate);
    return { hz: hz === null ? null : Math.round(hz), db: Math.round(levelDb(samples)) };
  }

  // An AnalyserNode at the end of a recording.
  async #recorded() {
    const recorder = new MediaRecorder(this.#stream);
    const data = new Promise((resolve) => {
      recorder.ondataavailable = ({ data: blob }) => resolve(blob.arrayBuffer());
    });
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, RECORDED_MS));
    recorder.stop();
    const decoder = new OfflineAudioContext(1, 1, this.#context.sampleRate);
    const buffer = await decoder.decodeAudioData(await data);
    const offline = new OfflineAudioContext(1, buffer.length, buffer.sampleRate);
    const source = new AudioBufferSourceNode(offline, { buffer });
    const analyser = new AnalyserNode(offline, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
    source.connect(analyser).connect(offline.destination);
    source.start();
    await offline.startRendering();
    return analyser;
  }
}
