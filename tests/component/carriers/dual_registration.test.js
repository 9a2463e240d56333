import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { openClient } from '../../e2e/support/client_page.js';
import { withLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { RtpPeer } from '../../e2e/support/rtp_peer.js';
import { ScriptedCarrier } from '../../e2e/support/scripted_carrier.js';
import { until } from '../../e2e/support/wait.js';
import { kamailioIsInstalled } from './support/kamailio.js';
import { KamailioPbx } from './support/kamailio_pbx.js';

// A browser's user is registered at a real PBX with credentials of its own, which no page ever sees.

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const TONE_HZ = 880;
const EXTENSION = '201';
const USERNAME = 'auth201';
const PASSWORD = 'PbxSecretOf201';
const CAROL = `  - { name: carol, password: carol, pbx: { trunk: carrier, username: ${USERNAME}, ` +
    `password: ${PASSWORD}, aor: "${EXTENSION}@127.0.0.1" } }`;

if (!kamailioIsInstalled()) {
  console.log('skipped: kamailio is not installed');
  process.exit(SKIPPED);
}

for (const algorithm of ['MD5', 'SHA-256']) {
  withLab(`Kamailio as a PBX that challenges with ${algorithm}`, (lab) => {
    let desk;  // another phone of the PBX
    let pbx;
    let carol;
    let peer;

    before(async () => {
      const [target] = await freePorts(1);
      desk = await ScriptedCarrier.listen(lab.carrierHost, target);
      pbx = await KamailioPbx.start({ port: lab.carrierSip, target, extension: EXTENSION,
                                      username: USERNAME, password: PASSWORD, algorithm });
      peer = await RtpPeer.open(lab.carrierHost, TONE_HZ);
      carol = await openClient(lab, 'jssip');
    });
    after(async () => {
      await peer?.close();
      await desk?.stop();
      await pbx?.stop();
    });
    afterEach(() => {
      for (const { text } of carol.wire.messages) {
        assert.ok(!text.includes(PASSWORD) && !text.includes(USERNAME), text);
      }
    });

    test('a browser that registers is registered at the PBX, and again before that is over',
         { timeout: 60000 }, async () => {
           await carol.registers(lab.account('carol'));
           await pbx.says(/PBX challenges REGISTER of 201/);
           await pbx.says(/PBX registered 201 with .*expires 600/);
           await lab.gateway.printed(/registered at the PBX for 20 s/);
           assert.equal((await lab.metrics()).lastmile_pbx_registrations, 1);
           const from = pbx.lines.length;
           await pbx.says(/PBX registered 201 with .*expires 600/, 20000, from);
           assert.deepEqual(await carol.names(), ['connected', 'registered']);
         });

    test('a call of another phone to the extension rings the browser', { timeout: 60000 },
         async () => {
           const call = await desk.call(`127.0.0.1:${lab.carrierSip}`, EXTENSION,
                                        desk.sdp(peer.port));
           await call.gets(180);
           await carol.sees('incoming');
           await carol.run('answer');
           await call.gets(200);
           await carol.sees('confirmed');
           peer.send(call.offer);
           await carol.hears(TONE_HZ);
           const from = pbx.lines.length;
           await carol.run('hangUp');
           await pbx.says(/PBX lets through BYE of 201/, 10000, from);
           await desk.got('BYE', { call });
           await carol.sees('ended');
           assert.equal(lab.callRecords().at(-1).number, EXTENSION);
         });

    test('a call of the browser goes out as the extension, and is challenged', { timeout: 60000 },
         async () => {
           let call;
           desk.onInvite = (incoming) => {
             call = incoming;
             call.reply(200, 'OK', { sdp: desk.sdp(peer.port) });
             peer.send(call.offer);
           };
           await carol.forget();
           const from = pbx.lines.length;
           await carol.run('call', 'reception');  // a name that no route leads to
           await carol.sees('confirmed');
           await carol.hears(TONE_HZ);
           await pbx.says(/PBX lets through INVITE of 201/, 1000, from);
           assert.match(call.invitation.header('from'), /^<sip:201@127\.0\.0\.1>;tag=/);
           assert.match(call.invitation.line, /^INVITE sip:reception@/);
           await carol.run('hangUp');
           await pbx.says(/PBX lets through BYE of 201/, 10000, from);
           await desk.got('BYE', { call });
         });

    test('a page that is gone for long is unregistered there', { timeout: 60000 }, async () => {
      const from = pbx.lines.length;
      await carol.run('stop');
      await pbx.says(/PBX registered 201 with .*expires 0/, 20000, from);
      await until(async () => (await lab.metrics()).lastmile_pbx_registrations === 0,
                  'nobody is registered at the PBX');
    });

    test('the log has no password', async () => {
      assert.ok(!lab.gateway.lines.some((line) => line.includes(PASSWORD)));
      assert.ok(!lab.gateway.lines.some((line) => line.includes(USERNAME)));
      await carol.close();
      await desk.stop();
      await pbx.stop();
    });
  }, { carrier: false, clients: true, usersEntry: CAROL });
}
