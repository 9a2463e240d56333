import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { withLab } from './support/lab.js';

const TONE_HZ = 880;

// The demo carrier has G.711 alone, the browser is left with Opus.
withLab('a carrier of G.711 whose trunk leaves the browser Opus', (lab) => {
  test('601: a tone each way, by frequency', { timeout: 60000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('601');
    await phone.callBecomes('active');
    await phone.hears(TONE_HZ);
    await lab.carrierHears(MICROPHONE_HZ, from);
    assert.ok(lab.gateway.lines.some((line) => /audio is transcoded: opus and PCM[UA]/.test(line)));
    await phone.hangUp();
    await phone.callBecomes('ended');
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });

  test('605 calls the user back, and both hear each other', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.isCalledBack();
    const from = lab.carrier.lines.length;
    await phone.hears(TONE_HZ);
    await lab.carrierHears(MICROPHONE_HZ, from);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });

  test('601 on hold is silent at both ends and comes back', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('601');
    await phone.callBecomes('active');
    await phone.hears(TONE_HZ);
    await phone.page.locator('#hold').click();
    await phone.says('601 is on hold.');
    await phone.isSilent();
    const from = lab.carrier.lines.length;
    await phone.page.locator('#hold').click();
    await phone.says('In a call with 601.');
    await phone.hears(TONE_HZ);
    await lab.carrierHears(MICROPHONE_HZ, from);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { trunk: 'transcode: always' });
