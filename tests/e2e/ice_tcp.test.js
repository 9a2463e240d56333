import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { keepConnections } from './support/kept_connections.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

const TONE_HZ = 880;

// A browser that may use no UDP, as in a network that lets none out.
const WITHOUT_UDP = ['--webrtc-ip-handling-policy=disable_non_proxied_udp'];

async function openPage(lab) {
  const phone = await lab.openPage();
  await phone.page.addInitScript(keepConnections);
  await phone.page.reload();
  await phone.signIn();
  return phone;
}

// Transport and address of both ends of the pair that the last connection uses, and the transports
// of all candidates that the browser has gathered.
function pairInUse() {
  const connection = window.keptConnections.at(-1);
  return connection.getStats().then((stats) => {
    const reports = [...stats.values()];
    const transport = reports.find(({ type }) => type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId);
    return {
      local: stats.get(pair?.localCandidateId)?.protocol,
      remote: stats.get(pair?.remoteCandidateId)?.protocol,
      port: stats.get(pair?.remoteCandidateId)?.port,
      gathered: [...new Set(reports.filter(({ type }) => type === 'local-candidate')
          .map(({ protocol }) => protocol))],
    };
  });
}

async function assertPairIsTcp(phone, lab) {
  const pair = await phone.page.evaluate(pairInUse);
  assert.deepEqual(pair, { local: 'tcp', remote: 'tcp', port: lab.browserTcp, gathered: ['tcp'] });
}

async function assertTonesBothWays(phone, lab, from) {
  await phone.hears(TONE_HZ);
  await lab.carrierHears(MICROPHONE_HZ, from);
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
    const pair = await phone.page.evaluate(pairInUse);
    assert.equal(pair.local, 'udp');
    assert.equal(pair.port, lab.browserMedia);
    await lab.gateway.printed(/leg=browser connected over UDP/, 1000);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { tcpMedia: true });
