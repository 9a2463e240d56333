import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { gatewayProgram } from '../../e2e/support/lab.js';
import { freePorts, mediaRanges } from '../../e2e/support/ports.js';
import { ChildProcess } from '../../e2e/support/process.js';
import { RtpPeer } from '../../e2e/support/rtp_peer.js';
import { ScriptedCarrier } from '../../e2e/support/scripted_carrier.js';

// `lastmile trunks test` and `lastmile check --connect` against the demo carrier: what is good, and
// what is said about what is not.

const [FAILED, USAGE] = [1, 2];
const SENT_DBM0 = -10;
const PASSWORD = 'ProbeSecretOfAcme';

function certificate(folder) {
  mkdirSync(folder);
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-keyout', key, '-out', cert, '-days', '60', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ], { stdio: 'ignore' });
  writeFileSync(join(folder, 'agent.pem'), readFileSync(cert) + readFileSync(key));
  return cert;
}

describe('a trunk is tried from the command line', { timeout: 120000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lastmile-probe-'));
  const [gatewayMedia, carrierMedia, secureMedia] = mediaRanges();
  const children = [];
  let plain;
  let secure;
  let nobody;
  let ours;
  let others;

  async function carrier(port, ports, ...more) {
    const program = process.env.LASTMILE_CARRIER_BIN ??
        gatewayProgram().replace('gateway/app/lastmile', 'demo_carrier/lastmile-demo-carrier');
    const child = new ChildProcess('carrier', program, [
      '--listen', `127.0.0.1:${port}`, '--rtp-ports', ports, ...more]);
    children.push(child);
    await child.printed(/demo carrier: SIP/);
  }

  before(async () => {
    [plain, secure, nobody] = await freePorts(3);
    ours = certificate(join(folder, 'ours'));
    others = certificate(join(folder, 'others'));
    await carrier(plain, carrierMedia);
    await carrier(secure, secureMedia, '--tls', join(folder, 'ours'), '--account',
                  `acme:${PASSWORD}`);
  });
  after(async () => {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  const tcp = () => `{ servers: ["127.0.0.1:${plain}"] }`;
  const tls = ({ password = PASSWORD, ca = ours } = {}) => `{ transport: tls,
    servers: ["localhost:${secure}"], tls: { ca: ${ca} },
    auth: { username: acme, password: ${password} }, register: { expires: 300s } }`;

  function config(trunks) {
    const path = join(folder, 'lastmile.yaml');
    writeFileSync(path, `version: 1
listen: { ws: { addr: "127.0.0.1:${nobody}" } }
media:
  browser: { bind: "127.0.0.1", port: ${Number(gatewayMedia.split('-')[0]) + 100} }
  trunk: { bind: "127.0.0.1", ports: ${gatewayMedia} }
users: { inline: [{ name: alice, password: alice }] }
trunks:
${Object.entries(trunks).map(([name, entry]) => `  ${name}: ${entry}\n`).join('')}`);
    return path;
  }

  function lastmile(...args) {
    return new Promise((resolve, reject) => {
      const child = spawn(gatewayProgram(), args);
      const result = { stdout: '', stderr: '' };
      child.stdout.on('data', (data) => result.stdout += data);
      child.stderr.on('data', (data) => result.stderr += data);
      child.on('error', reject);
      child.on('close', (status) => resolve({ ...result, status }));
    });
  }

  async function probe(entry, ...more) {
    const path = config({ acme: entry });
    const { status, stdout, stderr } = await lastmile('trunks', 'test', 'acme', '-c', path, ...more);
    assert.equal(stderr, '');
    return { status, stdout };
  }

  // The steps by name: [verdict, detail, advice].
  async function steps(entry, ...more) {
    const { status, stdout } = await probe(entry, '--json', ...more);
    const said = JSON.parse(stdout);
    assert.equal(said.trunk, 'acme');
    assert.equal(said.ok, status === 0);
    assert.ok(said.steps.every(({ verdict, advice }) => verdict !== 'fail' || advice), stdout);
    return { status, names: said.steps.map(({ name }) => name), stdout,
             ...Object.fromEntries(said.steps.map((step) => [step.name, step])) };
  }

  function hearsItself({ verdict, detail }) {
    assert.equal(verdict, 'ok', detail);
    const [, level] = /the tone at (-?[\d.]+) dBm0/.exec(detail);
    assert.ok(Math.abs(Number(level) - SENT_DBM0) <= 1, detail);
  }

  test('over TCP all is well, and the tone comes back', async () => {
    const found = await steps(tcp(), '--call', '600');
    assert.equal(found.status, 0, found.stdout);
    assert.deepEqual(found.names, ['resolve', 'connect', 'options', 'call', 'audio']);
    assert.match(found.resolve.detail, new RegExp(`^127\\.0\\.0\\.1:${plain}: nothing to look up$`));
    assert.match(found.connect.detail, new RegExp(`^127\\.0\\.0\\.1:${plain} in \\d+ ms$`));
    assert.match(found.options.detail, /^200 in \d+ ms$/);
    assert.match(found.call.detail, /^answered in \d+ ms with PCMU, /);
    hearsItself(found.audio);
  });

  test('over TLS the certificate is shown, the account registers and its call is let in',
       async () => {
         const { status, stdout } = await probe(tls(), '--call', '600');
         assert.equal(status, 0, stdout);
         console.log(stdout);
         const lines = stdout.split('\n');
         assert.match(lines[0], /^ok {3}resolve {2}localhost:\d+ by A\/AAAA in \d+ ms: .*127\.0\.0\.1:/);
         assert.match(stdout, /^ok {3}connect {2}localhost at 127\.0\.0\.1:\d+ in \d+ ms, TLSv1\.[23], certificate for localhost, 127\.0\.0\.1 by localhost, (59|60) days left$/m);
         assert.match(stdout, /^ok {3}register as acme; /m);
         assert.match(stdout, /^ok {3}audio {4}both ways: /m);
         assert.ok(!stdout.includes(PASSWORD) && !stdout.includes('\x1b'), stdout);
       });

  test('a wrong password is told by REGISTER and by the call', async () => {
    const { status, stdout } = await probe(tls({ password: 'wrong' }), '--call', '600');
    assert.equal(status, FAILED);
    console.log(stdout);
    assert.match(stdout, /^FAIL register refused with 401: the credentials were refused\n +try: check username, password and realm in the trunk's `auth`$/m);
    assert.match(stdout, /^FAIL call {5}refused with 407 .*: the credentials were refused$/m);
  });

  test('an authority that is not ours is named', async () => {
    const { status, names, connect } = await steps(tls({ ca: others }));
    assert.equal(status, FAILED);
    assert.deepEqual([...new Set(names)], ['resolve', 'connect']);
    assert.match(connect.detail, /has a self-signed certificate|is not trusted \(localhost\)/);
    assert.match(connect.advice, /`tls: { ca: FILE }`/);
  });

  test('nobody listens', async () => {
    const { status, names, connect } = await steps(`{ servers: ["127.0.0.1:${nobody}"] }`, '--call', '600');
    assert.equal(status, FAILED);
    assert.deepEqual(names, ['resolve', 'connect']);
    assert.equal(connect.detail, `connection refused by 127.0.0.1:${nobody}`);
  });

  test('a server that is down is told, and the next one is tried as by a call', async () => {
    const found = await steps(`{ servers: [
      { host: 127.0.0.1, port: ${nobody}, priority: 1 },
      { host: 127.0.0.1, port: ${plain}, priority: 2 }] }`, '--call', '600');
    assert.equal(found.status, FAILED);
    assert.deepEqual(found.names, ['resolve', 'resolve', 'connect', 'connect', 'options', 'call',
                                   'audio']);
    assert.match(found.options.detail, /^200 /);
    hearsItself(found.audio);
  });

  test('a carrier that wants a certificate of ours', async () => {
    const [port] = await freePorts(1);
    const server = new ChildProcess('openssl', 'openssl', [
      's_server', '-accept', `127.0.0.1:${port}`, '-cert', ours, '-key', join(folder, 'ours/key.pem'),
      '-CAfile', others, '-Verify', '1', '-verify_return_error', '-www']);
    children.push(server);
    await server.printed(/ACCEPT/);
    const { status, names, connect } = await steps(`{ transport: tls,
      servers: ["localhost:${port}"], tls: { ca: ${ours} } }`);
    assert.equal(status, FAILED);
    assert.deepEqual(names, ['resolve', 'connect']);
    assert.match(connect.detail, /wants to see a certificate of ours/);
    assert.match(connect.advice, /cert: FILE/);
  });

  test('a name that leads nowhere', async () => {
    const { status, names, resolve } = await steps('{ servers: ["sip.carrier.invalid:5060"] }');
    assert.equal(status, FAILED);
    assert.deepEqual(names, ['resolve']);
    assert.match(resolve.detail, /sip\.carrier\.invalid/);
  });

  test('TLS at a port without it, and the other way round', async () => {
    const wrong = await steps(`{ transport: tls, servers: ["127.0.0.1:${plain}"] }`);
    assert.equal(wrong.status, FAILED);
    assert.equal(wrong.connect.verdict, 'fail');
    const other = await steps(`{ servers: ["127.0.0.1:${secure}"] }`);
    assert.equal(other.status, FAILED);
    assert.equal(other.options.verdict, 'fail');
  });

  for (const [number, status, words] of [['699', 404, /form the carrier wants/],
                                         ['602', 486, /the trunk works/]]) {
    test(`${number} is refused with ${status}`, async () => {
      const { status: exit, names, call } = await steps(tcp(), '--call', number);
      assert.equal(exit, FAILED);
      assert.deepEqual(names, ['resolve', 'connect', 'options', 'call']);
      assert.match(call.detail, new RegExp(`^refused with ${status} `));
      assert.match(call.advice, words);
    });
  }

  test('another tone is not taken for ours', async () => {
    const { status, audio } = await steps(tcp(), '--call', '601');
    assert.equal(status, 0);
    assert.equal(audio.verdict, 'unknown');
    assert.match(audio.detail, /^comes back, but not ours: \d+ packets/);
  });

  // A carrier that answers with that SDP and lets `onAck` go on.
  async function scripted(entry, sdpOf, onAck = () => {}) {
    const [port] = await freePorts(1);
    const there = await ScriptedCarrier.listen('127.0.0.1', port);
    there.onInvite = (call) => {
      call.onAck = () => onAck(call);
      call.reply(200, 'OK', { sdp: sdpOf(there) });
    };
    try {
      return await steps(`{ servers: ["127.0.0.1:${port}"]${entry} }`, '--call', '1');
    } finally {
      await there.stop();
    }
  }

  test('nothing comes back: one way, and why that mostly is', async () => {
    const { status, audio } = await scripted('', (there) => there.sdp(9));
    assert.equal(status, FAILED);
    assert.match(audio.detail, /^one way: 100 packets were sent, and none came back$/);
    assert.match(audio.advice, /`advertise`/);
  });

  test('media from another address than the SDP says: nat', async () => {
    const peer = await RtpPeer.open('127.0.0.1', 880);
    const send = (call) => peer.send(call.offer);
    const { status, audio } = await scripted('', (there) => there.sdp(9), send);
    assert.equal(status, FAILED);
    assert.match(audio.detail, /^only from elsewhere, or late: /);
    assert.match(audio.advice, /nat: true/);
    const latched = await scripted(', nat: true', (there) => there.sdp(9), send);
    assert.match(latched.audio.detail, /^comes back, but not ours/);
    await peer.close();
  });

  test('another codec than G.711 is said, and not tried', async () => {
    const { status, call, audio } = await scripted(', codecs: [g722]', (there) => there.sdp(9, { formats: [0] })
        .replace('RTP/AVP 0', 'RTP/AVP 9').replace('0 PCMU', '9 G722'));
    assert.equal(status, 0);
    assert.match(call.detail, / with G722, plain RTP$/);
    assert.equal(audio.verdict, 'unknown');
    assert.match(audio.detail, /^not tried: the call is in G722/);
  });

  test('who hangs up at once is named', async () => {
    const { status, audio } = await scripted('', (there) => there.sdp(9), (call) => call.request('BYE'));
    assert.equal(status, FAILED);
    assert.match(audio.detail, /; the other side hung up meanwhile$/);
  });

  test('early media is no answer', async () => {
    const { status, call, audio } = await steps(tcp(), '--call', '603');
    assert.equal(status, 0);
    assert.match(call.detail, /^answered in (2\.9|3\.\d) s with PCMU/);
    assert.match(audio.detail, /^comes back, but not ours/);
  });

  test('who is interrupted while it rings cancels the call', async () => {
    const path = config({ acme: tcp() });
    const child = new ChildProcess('lastmile', gatewayProgram(),
                                   ['trunks', 'test', 'acme', '-c', path, '--call', '610']);
    await child.printed(/^ok {3}options/);
    const ringing = await children[0].printed(/610/);
    assert.ok(ringing);
    child.signal('SIGINT');
    await child.printed(/^FAIL call {5}not answered within/);
    const { code } = await child.stop();
    assert.equal(code, FAILED);
  });

  test('a trunk that is not there', async () => {
    const path = config({ acme: tcp() });
    assert.deepEqual(await lastmile('trunks', 'test', 'acmee', '-c', path), {
      status: USAGE, stdout: '', stderr: `lastmile: there is no trunk acmee (${path} has acme)\n`,
    });
  });

  test('check --connect says a line of each', async () => {
    const good = { one: tcp(), two: tls() };
    const all = await lastmile('check', '--connect', '-c', config(good));
    assert.equal(all.status, 0, all.stdout + all.stderr);
    const [, one, two] = all.stdout.split('\n');
    assert.match(one, /^trunk one: ok; 1 server; options 200 in \d+ ms$/);
    assert.match(two, /^trunk two: ok; \d servers?; options \d+ in .*; register as acme/);
    const path = config({ ...good, three: `{ servers: ["127.0.0.1:${nobody}"] }` });
    const some = await lastmile('check', '--connect', '-c', path);
    assert.equal(some.status, FAILED);
    assert.match(some.stdout, /^trunk three: FAIL connect: connection refused by .*; try: /m);
    assert.equal((await lastmile('check', '-c', path)).status, 0);
  });
});
