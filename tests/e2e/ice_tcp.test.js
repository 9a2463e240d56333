import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { assertTonesBothWays, openKeptPage as openPage, pairInUse } from './support/kept_connections.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

// A browser that may use no UDP, as in a network that lets none out.
const WITHOUT_UDP = ['--webrtc-ip-handling-policy=disable_non_proxied_udp'];

async function assertPairIsTcp(phone, lab) {
  const { type, ...pair } = await pairInUse(phone);
  assert.deepEqual(pair, { local: 'tcp', remote: 'tcp', port: lab.browserTcp, gathered: ['tcp'] });
  assert.equal(type, 'host');
}

withLab('a browser without UDP', (lab) => {
  test('calls 601 over TCP: a tone each way', { timeout: 60000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await openPage(lab);
    await phone.dial('601');
    await phone.callBecomes('active');
    await assertTonesBothWays(phone, lab, from);
    await assertPairIsTcp(phone, lab);
    await lab.gateway.printed(/leg=browser connected over TCP/, 1000);
    assert.equal((await lab.metrics()).lastmile_media_tcp_connections, 1);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await until(async () => (await lab.metrics()).lastmile_media_tcp_connections === 0,
                'its connection is closed', 5000);
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });

  test('is called over TCP', { timeout: 60000 }, async () => {
    const phone = await openPage(lab);
    const log = lab.gateway.lines.length;
    await phone.isCalledBack();
    const from = lab.carrier.lines.length;
    await lab.carrierHears(MICROPHONE_HZ, from);
    await assertPairIsTcp(phone, lab);
    await lab.gateway.printed(/leg=browser connected over TCP/, 1000, log);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { tcpMedia: true, chromiumFlags: WITHOUT_UDP });

withLab('a browser with UDP', (lab) => {
  test('takes no TCP, though there is a port', { timeout: 60000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await openPage(lab);
    await phone.dial('601');
    await phone.callBecomes('active');
    await assertTonesBothWays(phone, lab, from);
    const pair = await pairInUse(phone);
    assert.equal(pair.local, 'udp');
    assert.equal(pair.port, lab.browserMedia);
    await lab.gateway.printed(/leg=browser connected over UDP/, 1000);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { tcpMedia: true });
