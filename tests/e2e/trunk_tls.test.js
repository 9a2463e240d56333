import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

const TONE_HZ = 880;

// A carrier that is reached by TLS alone, whose certificate is verified, where the trunk registers
// with its password, and that takes a call only with it.
withLab('a carrier behind TLS and a password', (lab) => {
  test('the trunk is registered there, and says so', { timeout: 20000 }, async () => {
    const contact = `${lab.trunkHost}:${lab.sip};transport=tls`;
    assert.ok(lab.carrier.lines.includes(`register state=bound contact=${contact}`));
    await until(async () => {
      const metrics = await lab.metrics();
      return metrics['lastmile_trunk_registered{trunk="carrier"}'] === 1 &&
          metrics['lastmile_trunk_up{trunk="carrier"}'] === 1;
    }, 'the metrics say registered and up', 5000);
  });

  test('601 is heard in the page, and the page at the carrier', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    const from = lab.carrier.lines.length;
    await phone.dial('601');
    await phone.callBecomes('active');
    await phone.hears(TONE_HZ);
    await lab.carrierHears(MICROPHONE_HZ, from);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });

  test('605 calls the user back', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.isCalledBack();
    await phone.hears(TONE_HZ);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { secureTrunk: true });
