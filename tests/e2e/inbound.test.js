import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { withLab } from './support/lab.js';

const TONE_HZ = 880;

withLab('calls from the carrier', (lab) => {
  for (const [name, url] of [['ws', () => lab.pageUrl], ['wss', () => lab.securePageUrl]]) {
    test(`a user registered over ${name} rings, answers, hears and is heard`, { timeout: 60000 }, async () => {
      const phone = await lab.openPage({ url: url() });
      await phone.signIn({ user: 'alice' });
      const caller = await lab.startCaller('alice');
      assert.match(await phone.callBecomes('incoming'), / is calling\.$/);
      await phone.answer();
      await phone.callBecomes('active');
      await phone.hears(TONE_HZ);
      await lab.carrierHears(MICROPHONE_HZ, 0, caller);
      await phone.hangUp();
      assert.equal(await phone.callBecomes('ended'), 'You hung up.');
      await caller.printed(/cause=bye-received/, 5000);
      assert.deepEqual(phone.errors, []);
      await phone.close();
    });
  }

  test('a declined call reaches the carrier as 603', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn({ user: 'bob' });
    const caller = await lab.startCaller('bob');
    await phone.callBecomes('incoming');
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You declined the call.');
    await caller.printed(/code=603 cause=refused/, 5000);
    await phone.close();
  });

  test('an unknown user is 404, a known one who is away is 480', { timeout: 30000 }, async () => {
    const [unknown, away] = await Promise.all([lab.startCaller('nobody'), lab.startCaller('bob')]);
    await unknown.printed(/code=404 cause=refused/, 5000);
    await away.printed(/code=480 cause=refused/, 5000);
  });

  test('605 calls back', { timeout: 60000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn({ user: 'alice' });
    await phone.isCalledBack();
    await phone.hears(TONE_HZ);
    await lab.carrierHears(MICROPHONE_HZ, from);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
});
