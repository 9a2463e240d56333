import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { withLab } from '../../e2e/support/lab.js';
import { Sipp } from './support/sipp.js';

const HOSTS = { carrier: false, trunkHost: '127.0.0.2', carrierHost: '127.0.0.3' };

withLab('SIPp answers calls', (lab) => {
  let sipp;
  let phone;

  async function dial(number, scenario) {
    sipp = await Sipp.answering(scenario, lab.carrierHost, lab.carrierSip);
    phone = await lab.openPage();
    await phone.signIn();
    await phone.dial(number);
  }

  afterEach(async () => {
    await sipp?.stop();
    await phone?.close();
  });

  test('an INVITE with nothing of the browser in it; the browser hangs up', { timeout: 60000 },
       async () => {
         await dial('7001', 'uas_plain');
         await phone.callBecomes('active');
         await phone.hears(MICROPHONE_HZ);
         await phone.hangUp();
         assert.equal(await phone.callBecomes('ended'), 'You hung up.');
         await sipp.succeeds();
       });

  test('486 is busy', { timeout: 60000 }, async () => {
    await dial('7002', 'uas_busy');
    await phone.callEnds('7002');
    assert.deepEqual(await phone.ending(), { cause: 'Busy', originator: 'remote' });
    await sipp.succeeds();
  });

  test('183 with SDP is heard before the 200', { timeout: 60000 }, async () => {
    await dial('7003', 'uas_early');
    await phone.callBecomes('early');
    await phone.hears(MICROPHONE_HZ, 'far', 3000);
    assert.equal(await phone.callState(), 'early', 'the echo was heard before the 200');
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await sipp.succeeds();
  });

  test('hanging up while it rings is a CANCEL', { timeout: 60000 }, async () => {
    await dial('7004', 'uas_cancelled');
    await phone.callBecomes('ringing');
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You cancelled the call.');
    await sipp.succeeds();
  });

  test('a BYE of the carrier ends the call in the browser', { timeout: 60000 }, async () => {
    await dial('7005', 'uas_hangs_up');
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ);
    assert.match(await phone.callBecomes('ended', 15000), /^7005 hung up/);
    assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
    await sipp.succeeds();
  });
}, HOSTS);
