import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { MICROPHONE_HZ } from './support/browser.js';
import { CuttableProxy } from './support/cuttable_proxy.js';
import { withLab } from './support/lab.js';

const TONE_HZ = 880;
// JsSIP tries again 2 s after the cut, then after up to 4, 8 ... 30 s more.
const BACK_MS = 45000;

withLab('a WebSocket lost in a call', (lab) => {
  let proxy;
  before(async () => {
    proxy = await CuttableProxy.listen(lab.http);
  });
  after(() => proxy?.stop());

  async function callThroughProxy(number) {
    const phone = await lab.openPage();
    await phone.signIn({ url: `ws://127.0.0.1:${proxy.port}/` });
    await phone.dial(number);
    await phone.callBecomes('active');
    return phone;
  }

  // Cuts, and waits until the gateway has the browser again. Meanwhile the tone never stops.
  async function cutAndReturn(phone, milliseconds) {
    const from = lab.gateway.lines.length;
    const far = phone.page.locator('#meter-far');
    const levels = [];
    let back = false;
    proxy.cut(milliseconds);
    const returned = lab.gateway.printed(/leg=browser is back on another connection/, BACK_MS, from)
        .then(() => {
          back = true;
        });
    while (!back && levels.length < BACK_MS / 100) {
      levels.push(Number(await far.getAttribute('data-db')));
      await setTimeout(100);
    }
    await returned;
    assert.ok(levels.length >= 10, `${levels.length} readings`);
    assert.ok(Math.min(...levels) > -45, `the tone went away: ${levels.join(' ')} dB`);
    assert.equal(await phone.callState(), 'active');
  }

  for (const seconds of [1, 6]) {
    test(`for ${seconds} s: the tones go on, and the browser hangs up afterwards`,
         { timeout: 90000 }, async () => {
      const from = lab.carrier.lines.length;
      const phone = await callThroughProxy('601');
      await phone.hears(TONE_HZ);
      await cutAndReturn(phone, seconds * 1000);
      await phone.hears(TONE_HZ);
      await lab.carrierHears(MICROPHONE_HZ, lab.carrier.lines.length);
      await phone.hangUp();
      await phone.callBecomes('ended');
      await lab.carrier.printed(/number=601 .*cause=bye-received/, 5000, from);
      await phone.close();
    });
  }

  test('the carrier hangs up meanwhile: the browser hears of it when it is back',
       { timeout: 90000 }, async () => {
    const phone = await callThroughProxy('611');
    proxy.cut(3000);
    assert.match(await phone.callBecomes('ended', BACK_MS), /^611 hung up/);
    assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
    await phone.close();
  });
});
