import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { withLab } from '../../e2e/support/lab.js';
import { Baresip } from './support/baresip.js';

const NUMBER = '8001';
const TONE_HZ = 700;

withLab('baresip as the carrier', (lab) => {
  let baresip;
  let phone;

  before(async () => {
    baresip = await Baresip.start(NUMBER, lab.carrierSip, TONE_HZ);
    phone = await lab.openPage();
    await phone.signIn({ user: 'alice' });
  });
  after(() => baresip?.stop());

  test('it answers: a tone each way, the browser hangs up', { timeout: 60000 }, async () => {
    await phone.dial(NUMBER);
    await phone.callBecomes('active');
    await baresip.sees('CALL_ESTABLISHED');
    await phone.hears(TONE_HZ);
    await baresip.hears(MICROPHONE_HZ);
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You hung up.');
    await baresip.sees('CALL_CLOSED');
  });

  test('it calls: a tone each way, baresip hangs up', { timeout: 60000 }, async () => {
    baresip.forget();
    baresip.dial(`sip:alice@${lab.trunkHost}:${lab.sip};transport=tcp`);
    assert.match(await phone.callBecomes('incoming'), / is calling\.$/);
    await phone.answer();
    await phone.callBecomes('active');
    await baresip.sees('CALL_ESTABLISHED');
    await phone.hears(TONE_HZ);
    await baresip.hears(MICROPHONE_HZ);
    baresip.hangUp();
    await phone.callBecomes('ended');
    assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
    assert.deepEqual(phone.errors, []);
    await baresip.stop();
  });
}, { carrier: false });
