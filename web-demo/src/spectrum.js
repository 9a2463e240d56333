// What a meter computes from the samples of an AnalyserNode. Pure.

export const FLOOR_DB = -60;

// Level of float samples in dBFS, never below FLOOR_DB.
export function levelDb(samples) {
  let sum = 0;
  for (const sample of samples) {
    sum += sample * sample;
  }
  const db = 10 * Math.log10(sum / samples.length);
  return Math.max(FLOOR_DB, Number.isFinite(db) ? db : FLOOR_DB);
}

// The frequency in Hz that carries most energy, or null if nothing stands out. `bins` are the dB
// values of getFloatFrequencyData; the peak is found between bins by a parabola through three.
export function dominantHz(bins, sampleRate, quietDb = -75) {
  let peak = 2;  // the lowest bins are DC and hum of the window
  for (let i = peak; i < bins.length - 1; i++) {
    if (bins[i] > bins[peak]) {
      peak = i;
    }
  }
  if (!(bins[peak] > quietDb)) {
    return null;
  }
  const [left, top, right] = [bins[peak - 1], bins[peak], bins[peak + 1]];
  const bend = left - 2 * top + right;
  const shift = bend < 0 && Number.isFinite(bend) ? (0.5 * (left - right)) / bend : 0;
  return ((peak + shift) * sampleRate) / (2 * bins.length);
}

// dBFS on a scale of 0 to 1.
export function meterFraction(db) {
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
