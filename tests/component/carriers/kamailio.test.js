import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { withLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { Kamailio, kamailioIsInstalled, relayIsInstalled } from './support/kamailio.js';

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const TONE_HZ = 880;
const PLAIN = 'replace-origin replace-session-connection';

if (!kamailioIsInstalled() || !relayIsInstalled()) {
  console.log('skipped: kamailio and rtpengine-daemon are not installed');
  process.exit(SKIPPED);
}

withLab('Kamailio and rtpengine as the trunk', (lab) => {
  let carrier;
  let kamailio;
  let phone;

  before(async () => {
    const [target] = await freePorts(1);
    carrier = lab.startCarrier({ port: target });
    kamailio = await Kamailio.start({ port: lab.carrierSip, target, offer: PLAIN, answer: PLAIN });
    phone = await lab.openPage();
    await phone.signIn();
  });
  after(() => kamailio?.stop());

  test('a call through both: a tone each way, the browser hangs up', { timeout: 60000 },
       async () => {
         const from = carrier.lines.length;
         await phone.dial('601');
         await phone.callBecomes('active');
         await phone.hears(TONE_HZ);
         await lab.carrierHears(MICROPHONE_HZ, from, carrier);
         await phone.hangUp();
         assert.equal(await phone.callBecomes('ended'), 'You hung up.');
         assert.deepEqual(phone.errors, []);
       });

  test('rtpengine relayed the media', { timeout: 20000 }, async () => {
    await kamailio.relayedBothWays();
    await kamailio.stop();
  });
}, { carrier: false });
