import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { withLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { Sipp } from './support/sipp.js';

const HOSTS = { carrier: false, trunkHost: '127.0.0.2', carrierHost: '127.0.0.3' };

withLab('SIPp calls', (lab) => {
  let sipp;
  let phone;

  async function rings(scenario) {
    phone = await lab.openPage();
    await phone.signIn({ user: 'alice' });
    const [port] = await freePorts(1);
    sipp = await Sipp.calling(scenario, lab.carrierHost, port, 'alice',
                              `${lab.trunkHost}:${lab.sip}`);
    assert.match(await phone.callBecomes('incoming'), / is calling\.$/);
  }

  afterEach(async () => {
    await sipp?.stop();
    await phone?.close();
  });

  test('a 200 with nothing of the browser in it; the browser hangs up', { timeout: 60000 },
       async () => {
         await rings('uac_plain');
         await phone.answer();
         await phone.callBecomes('active');
         await phone.hears(MICROPHONE_HZ);
         await phone.hangUp();
         assert.equal(await phone.callBecomes('ended'), 'You hung up.');
         await sipp.succeeds();
       });

  test('a BYE of the caller ends the call in the browser', { timeout: 60000 }, async () => {
    await rings('uac_hangs_up');
    await phone.answer();
    await phone.callBecomes('active');
    await phone.hears(MICROPHONE_HZ);
    assert.match(await phone.callBecomes('ended', 15000), / hung up/);
    assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
    await sipp.succeeds();
  });

  test('a CANCEL of the caller ends the ringing', { timeout: 60000 }, async () => {
    await rings('uac_cancels');
    await phone.callBecomes('ended');
    assert.deepEqual(await phone.ending(), { cause: 'Canceled', originator: 'remote' });
    await sipp.succeeds();
  });
}, HOSTS);
