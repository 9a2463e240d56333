// JsSIP transfers its calls by REFER: what the two far ends hear of each other afterwards, and what
// JsSIP is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { withBriefLab } from './support/lab.js';
import { withStage } from './support/stage.js';
import { until } from './support/wait.js';

const FIRST_HZ = 500;
const SECOND_HZ = 900;
const TARGET = '4930700700';
const CARRIER_HZ = 880;  // of the demo carrier's 601

withStage('a browser transfers', (stage) => {
  // A call that is up, with its far end and one for the target.
  const talking = async () => {
    const phone = await stage.registered();
    const [first, second] = [await stage.peer(FIRST_HZ), await stage.peer(SECOND_HZ)];
    await stage.connects(phone, first);
    await phone.forget();
    return { phone, first, second, call: stage.call };
  };
  const moved = async (call, peer) => {
    await until(() => call.reinvites.length > 0, 'the far end is moved to the bridge');
    peer.send(call.reinvites.at(-1).body);
  };
  const hearEachOther = async (first, second) => {
    await second.hears(FIRST_HZ);
    await first.hears(SECOND_HZ);
  };
  const end = async (call, other) => {
    assert.equal((await call.request('BYE')).status, 200);
    await stage.carrier.got('BYE', { call: other });
  };
  const told = async (phone) => (await phone.names())
      .filter((name) => name.startsWith('transfer:') || name === 'referred');

  test('blind: the far end and the target hear each other, and JsSIP is hung up on',
       { timeout: 60000 }, async () => {
    const { phone, first, second, call } = await talking();
    let target;
    stage.carrier.onInvite = (invited) => {
      target = invited;
      target.mediaPort = second.port;
      target.reply(180, 'Ringing');
    };
    await phone.run('transfer', TARGET);
    await phone.sees('transfer:progress');
    await first.hears(MICROPHONE_HZ);  // nothing has changed yet
    target.reply(200, 'OK', { sdp: stage.carrier.sdp(second.port) });
    second.send(target.offer);
    await phone.sees('ended');
    assert.deepEqual(await told(phone),
                     ['referred', 'transfer:trying', 'transfer:progress', 'transfer:accepted']);
    await moved(call, first);
    await hearEachOther(first, second);
    await end(call, target);
  });

  test('attended: the far ends of two calls hear each other', { timeout: 60000 }, async () => {
    const { phone, first, second, call } = await talking();
    await phone.run('hold');
    await phone.sees('hold');
    await until(() => call.reinvites.length === 1, 'the carrier is told of the hold');
    await phone.run('keep');
    await phone.forget();
    await stage.connects(phone, second);
    const other = stage.call;
    await phone.run('join');
    await phone.sees('transfer:accepted');
    await until(() => call.reinvites.length === 2 && other.reinvites.length === 1,
                'both far ends are moved');
    await moved(call, first);
    await moved(other, second);
    await hearEachOther(first, second);
    await phone.sees('ended');
    await end(other, call);
  });

  test('a page that is gone right after the 202 does not take its far end with it',
       { timeout: 60000 }, async () => {
    const { phone, first, second, call } = await talking();
    let target;
    stage.carrier.onInvite = (invited) => {
      target = invited;
      target.mediaPort = second.port;
      target.reply(180, 'Ringing');
    };
    await phone.run('transfer', TARGET);
    await phone.sees('referred');
    await phone.run('hangUp');
    await phone.sees('ended');
    await moved(call, first);
    assert.deepEqual(stage.carrier.requests('BYE', { call }), []);
    target.reply(200, 'OK', { sdp: stage.carrier.sdp(second.port) });
    second.send(target.offer);
    await until(() => call.reinvites.length === 2, 'the far end is told of the target');
    await moved(call, first);
    await hearEachOther(first, second);
    await end(target, call);
  });

  test('a target that is busy leaves the call as it was', { timeout: 60000 }, async () => {
    const { phone, first, call } = await talking();
    stage.carrier.onInvite = (invited) => invited.reply(486, 'Busy Here');
    await phone.run('transfer', TARGET);
    assert.equal((await phone.sees('transfer:failed')).status, 486);
    await phone.hears(FIRST_HZ);
    await first.hears(MICROPHONE_HZ);
    assert.deepEqual(call.reinvites, []);
    stage.call = call;
    await stage.hangsUp(phone);
  });
});

withBriefLab('the demo page transfers', (lab) => {
  test('by the keyboard: a busy target is told in words, an echo takes the call over',
       { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    const { page } = phone;
    await phone.signIn();
    assert.ok(await page.locator('#transfer').isHidden());
    await phone.dial('601');
    await phone.callBecomes('active');
    const to = page.getByLabel('Transfer to');
    await to.fill('602');
    await to.press('Enter');
    await until(async () => /^Not transferred/.test(await phone.words()), 'it fails in words');
    assert.equal(await phone.words(),
                 'Not transferred. 602 is busy (486). You are still in a call with 601.');
    await to.fill('600');
    await to.press('Tab');
    await page.keyboard.press('Enter');
    await phone.callBecomes('ended');
    assert.equal(await phone.words(), '601 is talking to 600 now.');
    // 601 hears its own tone, which 600 gives back.
    await lab.carrierHears(CARRIER_HZ, lab.carrier.lines.length);
    assert.ok(await page.locator('#transfer').isHidden());
    assert.deepEqual(phone.errors, []);
    await lab.carrier.stop();  // it hangs up: nobody else is in that call
  });
});
