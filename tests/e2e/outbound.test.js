import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { withLab } from './support/lab.js';

const TONE_HZ = 880;

withLab('calls to the carrier', (lab) => {
  for (const [name, url] of [['ws', () => lab.pageUrl], ['wss', () => lab.securePageUrl]]) {
    test(`601 over ${name}: a tone each way, by frequency`, { timeout: 60000 }, async () => {
      const from = lab.carrier.lines.length;
      const phone = await lab.openPage({ url: url() });
      await phone.signIn();
      await phone.dial('601');
      assert.equal(await phone.callBecomes('active'), 'In a call with 601.');
      await phone.hears(TONE_HZ);
      await lab.carrierHears(MICROPHONE_HZ, from);
      await phone.hangUp();
      assert.equal(await phone.callBecomes('ended'), 'You hung up.');
      assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'local' });
      assert.deepEqual(phone.errors, []);
      await phone.close();
    });
  }

  test('600 gives the own voice back', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('600');
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });

  test('a muted microphone is silent at the far end', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('600');
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ);
    await phone.page.locator('#mute').click();
    await phone.isSilent();
    await phone.page.locator('#mute').click();
    await phone.hears(MICROPHONE_HZ);
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
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });

  test('606 rings for seconds, then talks', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('606');
    assert.equal(await phone.callBecomes('ringing'), '606 is ringing.');
    await phone.callBecomes('active', 15000);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });

  test('603 is heard before it answers', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('603');
    await phone.callBecomes('early');
    await phone.hears(660, 'far', 3000);
    assert.equal(await phone.callState(), 'early', 'the tone was heard before the 200');
    await phone.callBecomes('active', 10000);
    await phone.hears(TONE_HZ);
    await phone.hangUp();
    await phone.callBecomes('ended');
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });

  test('604 understands digits pressed and typed', { timeout: 60000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('604');
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ, 'microphone');
    await phone.press(['1', '#', '5']);
    await phone.page.locator('#hang-up').focus();
    await phone.page.keyboard.type('90*');
    const heard = () => lab.carrier.lines.slice(from)
        .map((line) => /dtmf .*digit=(\S)/.exec(line)?.[1]).filter(Boolean).join('');
    await lab.carrier.printed(/dtmf .*digit=\*/, 10000, from);
    assert.equal(heard(), '1#590*');
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
});
