// Credentials for TURN servers: browsers get them, coturn takes them, and what is shipped for coturn
// lets nobody use them for anything but the gateway. Ends with 77 where coturn is not installed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { injectScript } from './support/bundle.js';
import { assertTonesBothWays, keepConnections } from './support/kept_connections.js';
import { withBriefLab, withLab } from './support/lab.js';
import { PhonePage } from './support/phone_page.js';
import { TurnClient } from './support/turn_client.js';
import { hasTurnServer, outerAddress, TurnServer } from './support/turn_server.js';
import { until } from './support/wait.js';

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const SECRET = 'a secret that coturn and the gateway share';
const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

const HOST = outerAddress();
if (!hasTurnServer || !HOST) {
  console.log(`skipped: ${HOST ? 'coturn is not installed' : 'no address but loopback'}`);
  process.exit(SKIPPED);
}

const turn = await TurnServer.start({ host: HOST, secret: SECRET });
after(() => turn.stop());

function turnEntry(lifetime) {
  return `turn: { urls: [ "${turn.url}" ], secret: "${SECRET}", lifetime: ${lifetime} }`;
}

const endOf = ({ username }) => Number.parseInt(username, 10) * 1000;

// How a client with these credentials is answered, in the order of `requests`.
async function asks(credentials, ...requests) {
  const client = new TurnClient(turn.address, credentials);
  try {
    const codes = [];
    for (const [method, ...args] of requests) codes.push(await client[method](...args));
    return codes;
  } finally {
    await client.close();
  }
}

withBriefLab('the credentials of the gateway', (lab) => {
  let page;
  before(async () => {
    page = await PhonePage.open(lab.browser, lab.pageUrl, { bypassCSP: true });
    await injectScript(page.page, "import './turn_credentials_client.js';");
  });
  after(() => page?.close());

  // The one TURN server that `user` is given.
  async function given(user = 'alice', method = 'signIn', account = lab.account(user)) {
    const servers = await page.page.evaluate(
        ([name, value]) => window.lastmileTurn[name](value), [method, account]);
    assert.equal(servers.length, 1);
    return servers[0];
  }

  test('reach JsSIP and SIP.js, at the registration and when they ask', { timeout: 30000 }, async () => {
    for (const method of ['signIn', 'askAgain', 'signInWithSipJs']) {
      const server = await given('alice', method);
      assert.deepEqual(server.urls, [turn.url], method);
      assert.match(server.username, /^\d{10}:alice$/, method);
      const left = endOf(server) - Date.now();
      assert.ok(left > 5000 && left <= 10000, `${method}: ${left} ms`);
      assert.deepEqual(await asks(server, ['allocate']), [0], method);
    }
  });

  test('are refused when they are borrowed', { timeout: 30000 }, async () => {
    const [alice, bob] = [await given('alice'), await given('bob')];
    const borrowed = { username: bob.username, credential: alice.credential };
    assert.deepEqual(await asks(borrowed, ['allocate']), [UNAUTHORIZED]);
    const longer = { ...alice, username: alice.username.replace(/^\d+/, (end) => Number(end) + 60) };
    assert.deepEqual(await asks(longer, ['allocate']), [UNAUTHORIZED]);
    assert.deepEqual(await asks(alice, ['allocate']), [0]);
  });

  test('are refused when they have expired; who relays already goes on', { timeout: 40000 }, async () => {
    const alice = await given('alice');
    const client = new TurnClient(turn.address, alice);
    assert.equal(await client.allocate(), 0);
    await until(() => Date.now() > endOf(alice) + 1100, 'they have expired', 15000);
    assert.deepEqual(await asks(alice, ['allocate']), [UNAUTHORIZED]);
    assert.equal(await client.refresh(600), 0);
    await client.close();
  });

  test('lead to the gateway, and to no address that is not public', { timeout: 30000 }, async () => {
    const alice = await given('alice');
    const permits = async (family, peers) => {
      const [allocated, ...codes] = await asks(
          alice, ['allocate', family], ...peers.map((peer) => ['permit', peer]));
      assert.equal(allocated, 0);
      return Object.fromEntries(peers.map((peer, i) => [peer, codes[i]]));
    };
    const all = (peers, code) => Object.fromEntries(peers.map((peer) => [peer, code]));
    const near = ['0.0.0.0', '0.1.2.3', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.1.2.3',
                  '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.1.1',
                  '198.18.0.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'];
    assert.deepEqual(await permits('IPv4', near), all(near, FORBIDDEN));
    const far = [HOST, '8.8.8.8', '172.32.0.1'];
    assert.deepEqual(await permits('IPv4', far), all(far, 0));
    if (!turn.hasIpv6) return;
    const spelled = ['::', '::1', '::ffff:0.0.0.0', '::ffff:127.0.0.1', '::ffff:10.0.0.0',
                     '::ffff:169.254.169.254', '::127.0.0.1', '::10.0.0.0', '::7f01:0', '64:ff9b::7f00:1',
                     '64:ff9b:1::7f00:1', '100::1', '2001:0:7f00:1::', '2001:db8::1', '2002:7f00:1::',
                     '3fff::1', 'fc00::1', 'fd00::1', 'fe80::1', 'fec0::1', 'ff02::1'];
    assert.deepEqual(await permits('IPv6', spelled), all(spelled, FORBIDDEN));
    const routed = ['2606:4700::1111', '2a00:1450::1'];
    assert.deepEqual(await permits('IPv6', routed), all(routed, 0));
  });

  test('are not in the log', async () => {
    const { username, credential } = await given('alice');
    const log = lab.gateway.lines.join('\n');
    assert.match(log, /register al\S* -> 200/);
    for (const secret of [SECRET, username, credential]) {
      assert.ok(!log.includes(secret));
    }
  });
}, { mediaEntry: turnEntry('10s') });

// A page whose media may take no way but the relay.
async function openRelayedPage(lab) {
  const phone = await lab.openPage({ url: lab.securePageUrl });
  await phone.page.addInitScript(keepConnections, { iceTransportPolicy: 'relay' });
  await phone.page.reload();
  await phone.signIn();
  return phone;
}

async function assertIsRelayed(phone) {
  const pair = await phone.page.evaluate(async () => {
    const stats = await window.keptConnections.at(-1).getStats();
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const { localCandidateId } = stats.get(transport.selectedCandidatePairId);
    const { candidateType, relayProtocol } = stats.get(localCandidateId);
    return { candidateType, relayProtocol };
  });
  assert.deepEqual(pair, { candidateType: 'relay', relayProtocol: 'udp' });
}

withLab('the page, behind a firewall that lets it out to coturn alone', (lab) => {
  test('calls 601: a tone each way', { timeout: 60000 }, async () => {
    const phone = await openRelayedPage(lab);
    await phone.dial('601');
    await phone.callBecomes('active');
    await assertTonesBothWays(phone, lab, lab.carrier.lines.length);
    await assertIsRelayed(phone);
    await phone.hangUp();
    await phone.callBecomes('ended');
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });

  test('is called', { timeout: 60000 }, async () => {
    const phone = await openRelayedPage(lab);
    await phone.isCalledBack();
    await lab.carrierHears(MICROPHONE_HZ, lab.carrier.lines.length);
    await assertIsRelayed(phone);
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { browserHost: HOST, mediaEntry: turnEntry('1h') });

withBriefLab('a call that outlives its credentials', (lab) => {
  test('goes on, is renewed, and is resumed after hold', { timeout: 90000 }, async () => {
    const phone = await openRelayedPage(lab);
    const serverInUse = () => phone.page.evaluate(
        () => window.keptConnections.at(-1).getConfiguration().iceServers[0]);
    await phone.dial('601');
    await phone.callBecomes('active');
    const first = await serverInUse();
    await until(async () => endOf(await serverInUse()) > endOf(first), 'new credentials', 20000);
    await until(() => Date.now() > endOf(first) + 2000, 'the first ones have expired', 25000);
    await assertTonesBothWays(phone, lab, lab.carrier.lines.length);
    const hold = phone.page.locator('#hold');
    await hold.click();
    await phone.isSilent(10000);
    await hold.click();
    await assertTonesBothWays(phone, lab, lab.carrier.lines.length);
    await assertIsRelayed(phone);
    await phone.hangUp();
    await phone.callBecomes('ended');
    assert.deepEqual(phone.errors, []);
    await phone.close();
  });
}, { browserHost: HOST, mediaEntry: turnEntry('20s') });
