import { writeFileSync } from 'node:fs';

const RATE = 48000;

// Writes a WAV file (16 bit, mono, 48 kHz) with a sine tone of `hz` (a whole number) that lasts 10 s
// and can be looped: it ends at the phase it began with.
export function writeTone(path, hz, level = 0.4) {
  const samples = 10 * RATE;
  const wav = Buffer.alloc(44 + 2 * samples);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + 2 * samples, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(2 * RATE, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(2 * samples, 40);
  for (let i = 0; i < samples; i++) {
    wav.writeInt16LE(Math.round(32767 * level * Math.sin((2 * Math.PI * hz * i) / RATE)), 44 + 2 * i);
  }
  writeFileSync(path, wav);
}
