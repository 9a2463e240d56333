import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { assertTonesBothWays, openKeptPage, pairInUse } from './support/kept_connections.js';
import { withLab } from './support/lab.js';

const CONNECTED = /session=\d+ leg=browser connected over full ICE/;

async function assertFullIce(phone, lab, log) {
  const pair = await pairInUse(phone);
  assert.equal(pair.local, 'udp');
  assert.equal(pair.remote, 'udp');
  assert.notEqual(pair.port, lab.browserMedia, 'each call has a port of its own');
  await lab.gateway.printed(CONNECTED, 1000, log);
}

async function dialAndTalk(lab) {
  const from = lab.carrier.lines.length;
  const log = lab.gateway.lines.length;
  const phone = await openKeptPage(lab);
  await phone.dial('601');
  await phone.callBecomes('active');
  await assertTonesBothWays(phone, lab, from);
  await assertFullIce(phone, lab, log);
  await phone.hangUp();
  await phone.callBecomes('ended');
  assert.deepEqual(phone.errors, []);
  await phone.close();
}

withLab('a gateway with full ICE', (lab) => {
  test('takes the call of a browser: a tone each way', { timeout: 60000 }, () => dialAndTalk(lab));

  test('calls a browser', { timeout: 60000 }, async () => {
    const phone = await openKeptPage(lab);
    const log = lab.gateway.lines.length;
    await phone.isCalledBack();
    const from = lab.carrier.lines.length;
    await lab.carrierHears(MICROPHONE_HZ, from);
    await assertFullIce(phone, lab, log);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { ice: '{ mode: full }' });

withLab('a gateway with full ICE that may check browsers in private networks', (lab) => {
  test('takes the call of a browser', { timeout: 60000 }, () => dialAndTalk(lab));
}, { ice: '{ mode: full, private_peers: true }' });
