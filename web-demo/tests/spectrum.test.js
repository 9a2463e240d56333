import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FLOOR_DB, dominantHz, levelDb, meterFraction } from '../src/spectrum.js';

const RATE = 48000;
const SIZE = 1024;

const tone = (hz, level) =>
  Float32Array.from({ length: SIZE }, (_, i) => level * Math.sin((2 * Math.PI * hz * i) / RATE));

// What AnalyserNode computes: a Blackman window and the magnitude of a Fourier transform in dB.
function spectrum(samples) {
  const shaped = samples.map((sample, i) => sample *
      (0.42 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE) + 0.08 * Math.cos((4 * Math.PI * i) / SIZE)));
  return Float32Array.from({ length: SIZE / 2 }, (_, bin) => {
    let real = 0;
    let imaginary = 0;
    shaped.forEach((sample, i) => {
      real += sample * Math.cos((2 * Math.PI * bin * i) / SIZE);
      imaginary -= sample * Math.sin((2 * Math.PI * bin * i) / SIZE);
    });
    return 20 * Math.log10(Math.hypot(real, imaginary) / SIZE);
  });
}

test('a tone is recognised to within 2 Hz, between bins too', () => {
  for (const hz of [440, 660, 880, 1000, 3000]) {
    const found = dominantHz(spectrum(tone(hz, 0.3)), RATE);
    assert.ok(Math.abs(found - hz) < 2, `${hz} Hz was seen as ${found}`);
  }
});

test('the louder of two tones wins', () => {
  const both = tone(440, 0.05).map((sample, i) => sample + tone(880, 0.3)[i]);
  assert.ok(Math.abs(dominantHz(spectrum(both), RATE) - 880) < 2);
});

test('silence has no frequency', () => {
  assert.equal(dominantHz(new Float32Array(512).fill(-Infinity), RATE), null);
  assert.equal(dominantHz(spectrum(tone(440, 0.0001)), RATE), null);
});

test('levels are dBFS with a floor', () => {
  assert.ok(Math.abs(levelDb(tone(468.75, 1)) + 3.01) < 0.05);  // a full sine is 3 dB below full
  assert.equal(levelDb(new Float32Array(512)), FLOOR_DB);
});

test('a meter runs from empty to full', () => {
  assert.equal(meterFraction(FLOOR_DB), 0);
  assert.equal(meterFraction(0), 1);
  assert.equal(meterFraction(6), 1);
  assert.equal(meterFraction(-30), 0.5);
});
