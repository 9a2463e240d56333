import { readFileSync } from 'node:fs';

// The samples of a WAV file (16 bit PCM, first channel) as numbers from -1 to 1. A file that is still
// being written is read as far as it goes.
export function readWav(path) {
  const wav = readFileSync(path);
  if (wav.length < 44 || wav.toString('latin1', 0, 4) !== 'RIFF') {
    return { rate: 0, samples: [] };
  }
  let channels = 1;
  let rate = 0;
  for (let at = 12; at + 8 <= wav.length;) {
    const name = wav.toString('latin1', at, at + 4);
    const size = wav.readUInt32LE(at + 4);
    if (name === 'fmt ') {
      channels = wav.readUInt16LE(at + 10);
      rate = wav.readUInt32LE(at + 12);
    } else if (name === 'data') {
      const samples = [];
      for (let i = at + 8; i + 2 <= wav.length; i += 2 * channels) {
        samples.push(wav.readInt16LE(i) / 32768);
      }
      return { rate, samples };
    }
    at += 8 + size;
  }
  return { rate, samples: [] };
}

// The share of the samples' energy that a tone of `hz` has: 1 for nothing else than that tone
// (Goertzel's algorithm).
export function shareOfTone({ rate, samples }, hz) {
  const energy = samples.reduce((sum, x) => sum + x * x, 0);
  if (energy === 0) {
    return 0;
  }
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let before = 0;
  let last = 0;
  for (const x of samples) {
    [before, last] = [last, x + coefficient * last - before];
  }
  const power = before * before + last * last - coefficient * before * last;
  return (2 * power) / (energy * samples.length);
}
