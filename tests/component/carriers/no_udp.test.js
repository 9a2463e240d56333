import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import { UdpWatch } from './support/udp_watch.js';

// In no other message of this machine.
const NUMBER = `49${String(Date.now()).slice(-11)}`;
const LIMIT_MS = 2000;

withLab('a carrier that refuses TCP', (lab) => {
  let watch;

  before(async () => {
    watch = await UdpWatch.start(lab.carrierHost, lab.carrierSip);
  });
  after(() => watch.stop());

  test(`the call fails with 503 within ${LIMIT_MS} ms`, { timeout: 30000 }, async (t) => {
    const phone = await lab.openPage();
    await phone.signIn();
    const from = performance.now();
    await phone.dial(NUMBER);
    await phone.callEnds(NUMBER);
    const ms = Math.round(performance.now() - from);
    t.diagnostic(`from dialling to the end: ${ms} ms`);
    assert.ok(ms <= LIMIT_MS, `${ms} ms`);
    assert.match(await phone.words(), /\(SIP 503/);
    assert.deepEqual(await phone.ending(), { cause: 'SIP Failure Code', originator: 'remote' });
    await phone.close();
  });

  test('no datagram was sent, to that port or with that call in it', { timeout: 10000 }, async (t) => {
    const { datagrams, capture } = await watch.seen();
    assert.deepEqual(datagrams, []);
    if (capture === null) {
      t.diagnostic('without root: a socket on the port looked, but no capture');
    } else {
      assert.ok(!capture.includes(NUMBER), 'the call went out over UDP');
    }
  });
}, { carrier: false, carrierHost: '127.0.0.3' });
