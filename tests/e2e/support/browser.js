import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { writeTone } from './tone.js';

export const MICROPHONE_HZ = 440;

// Chromium with a fake microphone that plays a tone of MICROPHONE_HZ for ever. The page's answer to
// "what do you hear" is then comparable with what the far end hears. `flags`: more of its arguments.
export async function launchBrowser(
    program = process.env.LASTMILE_CHROMIUM ?? '/usr/bin/chromium', flags = []) {
  const folder = mkdtempSync(join(tmpdir(), 'lastmile-browser-'));
  const tone = join(folder, 'microphone.wav');
  writeTone(tone, MICROPHONE_HZ);
  const browser = await chromium.launch({
    executablePath: program,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${tone}`,
      '--allow-loopback-in-peer-connection', '--ignore-certificate-errors',
      '--autoplay-policy=no-user-gesture-required', ...flags,
    ],
  });
  browser.on('disconnected', () => rmSync(folder, { recursive: true, force: true }));
  return browser;
}
