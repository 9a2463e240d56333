import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { openClient } from '../../e2e/support/client_page.js';
import { Lab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { RtpPeer } from '../../e2e/support/rtp_peer.js';
import { ScriptedCarrier } from '../../e2e/support/scripted_carrier.js';
import { kamailioIsInstalled } from './support/kamailio.js';
import { KamailioPbx } from './support/kamailio_pbx.js';

// A trunk registers its own account at a real registrar, which is how its calls find the gateway.

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const TONE_HZ = 880;
const ACCOUNT = 'gw1';
const PASSWORD = 'TrunkSecretOfGw1';
const OPTIONS = {
  carrier: false,
  clients: true,
  trunk: `keepalive: 30s
    auth: { username: ${ACCOUNT}, password: ${PASSWORD}, realm: pbx.example }
    register: { expires: 300s }`,
  routes: `  - { from_trunk: carrier, to: "^${ACCOUNT}$", user: alice }\n`,
};

if (!kamailioIsInstalled()) {
  console.log('skipped: kamailio is not installed');
  process.exit(SKIPPED);
}

for (const algorithm of ['MD5', 'SHA-256']) {
  describe(`Kamailio as a registrar of trunks that challenges with ${algorithm}`, () => {
    const lab = new Lab(OPTIONS);
    let registrar;
    let desk;  // another phone there
    let peer;
    let alice;

    before(async () => {
      await lab.start();
      const [target] = await freePorts(1);
      desk = await ScriptedCarrier.listen(lab.carrierHost, target);
      peer = await RtpPeer.open(lab.carrierHost, TONE_HZ);
      registrar = await KamailioPbx.start({ port: lab.carrierSip, target, extension: ACCOUNT,
                                            username: ACCOUNT, password: PASSWORD, algorithm });
      alice = await openClient(lab, 'jssip');
    });
    after(async () => {
      await peer?.close();
      await desk?.stop();
      await registrar?.stop();
      await lab.stop();
    });

    test('the account is registered without any browser, tried until it is, and refreshed',
         { timeout: 60000 }, async () => {
           await registrar.says(/PBX challenges REGISTER of gw1/, 20000);
           await registrar.says(/PBX registered gw1 with .*expires 300/, 20000);
           await lab.gateway.printed(/registered at the PBX for 20 s/);
           const metrics = await lab.metrics();
           assert.equal(metrics['lastmile_trunk_registered{trunk="carrier"}'], 1);
           assert.equal(metrics['lastmile_trunk_up{trunk="carrier"}'], 1);
           assert.equal(metrics.lastmile_pbx_registrations, 0);
           const from = registrar.lines.length;
           await registrar.says(/PBX registered gw1 with .*expires 300/, 20000, from);
         });

    test('a call to the account finds the gateway by its Contact and rings the route\'s user',
         { timeout: 60000 }, async () => {
           await alice.registers(lab.account('alice'));
           const call = await desk.call(`127.0.0.1:${lab.carrierSip}`, ACCOUNT,
                                        desk.sdp(peer.port));
           await call.gets(180);
           await alice.sees('incoming');
           await alice.run('answer');
           await call.gets(200);
           await alice.sees('confirmed');
           peer.send(call.offer);
           await alice.hears(TONE_HZ);
           await alice.run('hangUp');
           await desk.got('BYE', { call });
         });

    test('the end of the gateway unregisters it, and its log has no password', { timeout: 30000 },
         async () => {
           await lab.assertNo(['calls', 'sessions', 'ports']);
           const from = registrar.lines.length;
           await alice.close();
           const stopped = lab.gateway.stop();
           await registrar.says(/PBX registered gw1 with .*expires 0/, 10000, from);
           await stopped;
           assert.ok(!lab.gateway.lines.some((line) => line.includes(PASSWORD)));
         });
  });
}
