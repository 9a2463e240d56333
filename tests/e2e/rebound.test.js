import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { CuttableProxy } from './support/cuttable_proxy.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

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
    proxy.cut(milliseconds);
    await lab.gateway.printed(/leg=browser is back on another connection/, BACK_MS, from);
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

  test('no packet of the carrier is lost by it', { timeout: 90000 }, async () => {
    const records = lab.callRecords().length;
    const phone = await callThroughProxy('601');
    await phone.hears(TONE_HZ);
    await cutAndReturn(phone, 1000);
    await phone.hears(TONE_HZ);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await until(() => lab.callRecords().length > records, 'the record of the call', 5000);
    const { media } = lab.callRecords().at(-1);
    assert.ok(media.to_browser.packets > 200, JSON.stringify(media));
    assert.ok(media.to_browser.dropped <= 5, JSON.stringify(media));
    assert.ok(media.to_trunk.dropped <= 5, JSON.stringify(media));
    await phone.close();
  });
});
