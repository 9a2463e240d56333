import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { openClient } from '../../e2e/support/client_page.js';
import { gatewayProgram, ROOT, withBriefLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { RtpPeer } from '../../e2e/support/rtp_peer.js';
import { ScriptedCarrier } from '../../e2e/support/scripted_carrier.js';
import { kamailioTlsIsInstalled, tlsDomain } from './support/kamailio.js';
import { KamailioCarrier } from './support/kamailio_carrier.js';
import { KamailioPbx } from './support/kamailio_pbx.js';
import { Authority } from './support/pki.js';
import { TrunkCaller } from './support/raw_caller.js';

// A stock Kamailio as the carrier, and how each side knows the other: by certificate, password or
// address. The carrier's phones are behind it: what they hear has come the whole way.

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const FAILED = 1;    // exit status of `lastmile trunks test`
const TONE_HZ = 880;
const ACCOUNT = 'gw1';
const PASSWORD = 'TrunkSecretOfGw1';
const DOMAIN = 'sip.metro.example';
const LOST = 'no server of the trunk took the call: server 1 lost the connection';
const [GATEWAY, CARRIER, CLOUD, STRANGER] = [1, 2, 3, 4].map((last) => `127.0.0.${last}`);

if (!kamailioTlsIsInstalled()) {
  console.log('skipped: kamailio and kamailio-tls-modules are not installed');
  process.exit(SKIPPED);
}

const folder = mkdtempSync(join(tmpdir(), 'lastmile-kamailio-tls-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const metro = new Authority(folder, 'metro', 'Metro Authority');
const other = new Authority(folder, 'other', 'Other Authority');
const carriers = metro.issue('carrier', DOMAIN);
const neighbours = metro.issue('neighbour', 'sip.neighbour.example');
metro.issue('gateway', 'gw.example');
const foreign = other.issue('foreign', DOMAIN);

// The block of that language in the recipe of docs/trunks.md, with other addresses and files.
function recipe(language, replaced) {
  const [, section] = readFileSync(join(ROOT, 'docs/trunks.md'), 'utf8')
      .split('\n## A Kamailio over TLS\n');
  const [, block] = new RegExp(`\n\`\`\`${language}\n(.*?)\`\`\`\n`, 's').exec(section);
  return Object.entries(replaced).reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `${from} is in the recipe`);
    return text.replaceAll(from, to);
  }, block);
}

// What `lastmile trunks test` says of a trunk of the lab's.
const tries = (lab, trunk) => spawnSync(
    gatewayProgram(), ['trunks', 'test', trunk, '-c', lab.config], { encoding: 'utf8' });

// A phone of the carrier's with a tone, and one user of the gateway's in a browser.
class Ends {
  static async open(lab, port) {
    const ends = new Ends();
    ends.desk = await ScriptedCarrier.listen(lab.carrierHost, port);
    ends.peer = await RtpPeer.open(lab.carrierHost, TONE_HZ);
    ends.alice = await openClient(lab, 'jssip');
    await ends.alice.registers(lab.account('alice'));
    return ends;
  }

  async close() {
    await this.alice?.close();
    await this.peer?.close();
    await this.desk?.stop();
  }

  // Alice calls that number and hangs up after a tone each way.
  async callsOut(number) {
    const { alice, desk, peer } = this;
    let call;
    desk.onInvite = (incoming) => {
      call = incoming;
      call.reply(200, 'OK', { sdp: desk.sdp(peer.port) });
      peer.send(call.offer);
    };
    await alice.forget();
    await alice.run('call', number);
    await alice.sees('confirmed');
    await this.#hearEachOther();
    await alice.run('hangUp');
    await desk.got('BYE', { call });
  }

  // The phone calls `user` at `target` and hangs up after a tone each way.
  async callsIn(target, user) {
    const { alice, desk, peer } = this;
    await alice.forget();
    const call = await desk.call(target, user, desk.sdp(peer.port));
    await alice.sees('incoming');
    await alice.run('answer');
    await call.gets(200);
    await alice.sees('confirmed');
    peer.send(call.offer);
    await this.#hearEachOther();
    assert.equal((await call.request('BYE')).status, 200);
    await alice.sees('ended');
  }

  async #hearEachOther() {
    await this.alice.hears(TONE_HZ);
    await this.peer.hears(MICROPHONE_HZ);
    this.peer.mute();
  }
}

const [registrarTls, registrarGateway] = await freePorts(2);
withBriefLab('Kamailio as a registrar over TLS', (lab) => {
  let registrar;
  let ends;

  before(async () => {
    const [target] = await freePorts(1);
    registrar = await KamailioPbx.start({
      host: CARRIER, port: lab.carrierSip, target, extension: ACCOUNT, username: ACCOUNT,
      password: PASSWORD,
      tls: { port: registrarTls, domains: [
        tlsDomain('server:default', neighbours),
        tlsDomain('server:any', { ...carriers, serverName: DOMAIN }),
        tlsDomain('client:default', { ca: lab.certificate }),
      ] },
    });
    ends = await Ends.open(lab, target);
  });
  after(async () => {
    await ends?.close();
    await registrar?.stop();
  });

  test('it is asked for by its name and shows its certificate; the trunk registers with digest',
       { timeout: 60000 }, async () => {
         await registrar.says(/PBX challenges REGISTER of gw1/, 20000);
         await registrar.says(/PBX registered gw1 with .*expires 300/, 20000);
         await lab.gateway.printed(/registered at the PBX for 20 s/);
         const metrics = await lab.metrics();
         assert.equal(metrics['lastmile_trunk_registered{trunk="metro"}'], 1);
         assert.equal(metrics['lastmile_trunk_up{trunk="metro"}'], 1);
       });

  test('without that name it shows another certificate, which the trunk does not take',
       { timeout: 30000 }, () => {
         const { status, stdout } = tries(lab, 'nameless');
         assert.equal(status, FAILED);
         assert.match(stdout, /^FAIL connect .* certificate for sip\.neighbour\.example, not/m);
       });

  test('a call out, challenged: a tone each way', { timeout: 60000 }, async () => {
    const from = registrar.lines.length;
    await ends.callsOut('8001');
    await registrar.says(/PBX challenges INVITE/, 1000, from);
    await registrar.says(/PBX lets through INVITE/, 1000, from);
  });

  test('a call to the account, over TLS to its Contact: a tone each way', { timeout: 60000 },
       async () => {
         const from = lab.gateway.lines.length;
         await ends.callsIn(`${CARRIER}:${lab.carrierSip}`, ACCOUNT);
         await lab.gateway.printed(/stream from trunk metro by its address/, 1000, from);
         assert.ok(!lab.gateway.lines.some((line) => line.includes(PASSWORD)));
       });
}, {
  carrier: false, clients: true, trunkHost: GATEWAY, carrierHost: CARRIER,
  sipTls: registrarGateway,
  trunks: `  metro:
    transport: tls
    servers: [ "${CARRIER}:${registrarTls}" ]
    tls: { ca: ${metro.certificate}, server_name: ${DOMAIN} }
    auth: { username: ${ACCOUNT}, password: ${PASSWORD}, realm: pbx.example }
    register: { expires: 300s }
  nameless:
    transport: tls
    servers: [ "${CARRIER}:${registrarTls}" ]
    tls: { ca: ${metro.certificate} }
`,
  routes: `  - { to: "^8", trunk: metro }
  - { from_trunk: metro, to: "^${ACCOUNT}$", user: alice }
`,
});

// Three trunks to the same port, where only one has a certificate that its carrier accepts.
const [mutualTls, mutualGateway] = await freePorts(2);
const right = recipe('yaml', { 'trunks:\n': '', '198.51.100.7:5061': `${CARRIER}:${mutualTls}`,
                               '/etc/lastmile/tls': folder });
const bare = right.replace('metro:', 'bare:').replace(/ *(cert|key|accept_names):.*\n/g, '');
const wrong = right.replace('metro:', 'foreign:').replace(/ *accept_names:.*\n/, '')
    .replaceAll('/gateway.', '/foreign.');
withBriefLab('Kamailio with mutual TLS', (lab) => {
  let kamailio;
  let ends;

  // The one that calls from an address which is in no trunk's entry.
  const carrier = (target, domains, { host = CARRIER, from = CLOUD, port = lab.carrierSip } = {}) =>
    KamailioCarrier.start({
      host, port, from, target, gateway: `${GATEWAY}:${mutualGateway};transport=tls`,
      tls: { port: mutualTls, domains } });

  before(async () => {
    const [target] = await freePorts(1);
    kamailio = await carrier(target, [recipe('ini', {
      '/etc/kamailio/tls/lastmile.pem': lab.certificate, '/etc/kamailio/tls': folder })]);
    ends = await Ends.open(lab, target);
  });
  after(async () => {
    await ends?.close();
    await kamailio?.stop();
  });

  test('a trunk with the right certificate: a call out, a tone each way', { timeout: 60000 },
       async () => {
         await ends.callsOut('8001');
         await kamailio.says(/the carrier takes INVITE over tls from 127\.0\.0\.1/, 1000);
         const { status, stdout } = tries(lab, 'metro');
         assert.equal(status, 0, stdout);
         assert.match(stdout, /^ok {3}connect .*for sip\.metro\.example by Metro Authority/m);
       });

  const REFUSED = [
    { what: 'without a certificate', trunk: 'bare', number: '7001',
      reason: /wants to see a certificate of ours, and there is none for it/ },
    { what: 'with one of another authority', trunk: 'foreign', number: '6001',
      reason: /refuses our certificate \S*foreign\.pem: / },
  ];
  for (const { what, trunk, number, reason } of REFUSED) {
    test(`a trunk ${what} gets no call through, and says why`, { timeout: 60000 }, async () => {
      const from = lab.gateway.lines.length;
      const taken = kamailio.lines.length;
      await ends.alice.forget();
      await ends.alice.run('call', number);
      const told = await ends.alice.sees('failed');
      assert.equal(told.reason, `SIP;cause=503;text="${LOST}"`);
      await lab.gateway.printed(/call=\d+ calling -> closing: no server of the trunk/, 1000, from);
      const failed = new RegExp(`server=${trunk}#1 failed: .*${reason.source}`);
      await lab.gateway.printed(failed, 1000, from);
      assert.ok(!kamailio.lines.slice(taken).some((line) => /the carrier takes/.test(line)));
      const { status, stdout } = tries(lab, trunk);
      assert.equal(status, FAILED);
      assert.match(stdout, reason);
      assert.match(stdout, /try: `tls: \{ cert: FILE, key: FILE \}`/);
    });
  }

  test('it calls from anywhere, known by the name in its certificate: a tone each way',
       { timeout: 60000 }, async () => {
         const from = lab.gateway.lines.length;
         await ends.callsIn(`${CARRIER}:${lab.carrierSip}`, 'alice');
         await lab.gateway.printed(/stream from trunk metro by its certificate/, 1000, from);
       });

  const STRANGERS = [
    { what: 'shows no certificate', shown: {}, said: /no trunk accepts calls from$/ },
    { what: 'shows that name by another authority', shown: foreign,
      said: /no trunk accepts calls from; it has a certificate / },
    { what: 'shows another name', shown: neighbours,
      said: /calls from; its certificate is verified for sip\.neighbour\.example$/ },
  ];
  for (const { what, shown, said } of STRANGERS) {
    test(`a Kamailio at another address that ${what} is answered 403`, { timeout: 60000 },
         async () => {
           const from = lab.gateway.lines.length;
           const [port, target] = await freePorts(2);
           const phone = await ScriptedCarrier.listen(STRANGER, target);
           const stranger = await carrier(target, [
             tlsDomain('server:default', neighbours),
             tlsDomain('client:default', { ...shown, ca: lab.certificate }),
           ], { host: STRANGER, from: STRANGER, port });
           try {
             const call = await phone.call(`${STRANGER}:${port}`, 'alice', phone.sdp(9000));
             const answer = await call.gets(403);
             assert.match(answer.header('warning'), /calls are not accepted from this address/);
             await lab.gateway.printed(said, 1000, from);
           } finally {
             await stranger.stop();
             await phone.stop();
           }
         });
  }
}, {
  carrier: false, clients: true, trunkHost: GATEWAY, carrierHost: CARRIER, acceptFrom: '[]',
  sipTls: mutualGateway,
  trunks: right + bare + wrong,
  routes: `  - { to: "^8", trunk: metro }
  - { to: "^7", trunk: bare }
  - { to: "^6", trunk: foreign }
  - { from_trunk: metro, to: "^alice$", user: alice }
`,
});

withBriefLab('Kamailio that knows the gateway by its address', (lab) => {
  let kamailio;
  let ends;

  const invites = async (caller, named) => {
    const contact = `sip:boss@${named};transport=tcp`;
    const { response } = await caller.exchange('INVITE', `sip:alice@${caller.target}`, {
      from: contact, via: `TCP ${named}`, contact, body: Buffer.from(ends.desk.sdp(9000)) });
    await caller.stop();
    return response;
  };

  before(async () => {
    const [target] = await freePorts(1);
    kamailio = await KamailioCarrier.start({
      host: CARRIER, port: lab.carrierSip, from: CLOUD, target, admits: [GATEWAY],
      gateway: `${GATEWAY}:${lab.sip};transport=tcp` });
    ends = await Ends.open(lab, target);
  });
  after(async () => {
    await ends?.close();
    await kamailio?.stop();
  });

  test('the gateway calls without a password: a tone each way', { timeout: 60000 }, async () => {
    await ends.callsOut('8001');
    await kamailio.says(/the carrier takes INVITE over tcp from 127\.0\.0\.1/, 1000);
    assert.ok(!ends.desk.messages.some((message) => message.header('proxy-authorization')));
  });

  test('another address is answered 403 by it, whatever its headers say', { timeout: 30000 },
       async () => {
         const caller = await TrunkCaller.connect(CARRIER, lab.carrierSip, STRANGER);
         const response = await invites(caller, `${GATEWAY}:${lab.sip}`);
         assert.match(response.line, /^SIP\/2\.0 403 Not From There$/);
         await kamailio.says(/the carrier refuses INVITE from 127\.0\.0\.4/, 1000);
       });

  test('it calls from an address of accept_from: a tone each way', { timeout: 60000 },
       async () => {
         const from = lab.gateway.lines.length;
         await ends.callsIn(`${CARRIER}:${lab.carrierSip}`, 'alice');
         await lab.gateway.printed(/stream from trunk carrier by its address/, 1000, from);
       });

  for (const named of [CARRIER, CLOUD]) {
    test(`another address is answered 403 by the gateway, though its headers say ${named}`,
         { timeout: 30000 }, async () => {
           const from = lab.gateway.lines.length;
           const caller = await TrunkCaller.connect(GATEWAY, lab.sip, STRANGER);
           const response = await invites(caller, `${named}:${lab.carrierSip}`);
           assert.equal(response.status, 403);
           assert.match(response.header('warning'), /calls are not accepted from this address/);
           await lab.gateway.printed(/which no trunk accepts calls from$/, 1000, from);
         });
  }
}, {
  carrier: false, clients: true, trunkHost: GATEWAY, carrierHost: CARRIER,
  acceptFrom: `[ "${CLOUD}" ]`,
  routes: '  - { from_trunk: carrier, to: "^alice$", user: alice }\n',
});
