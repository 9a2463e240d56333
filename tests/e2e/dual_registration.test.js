import assert from 'node:assert/strict';
import { test } from 'node:test';

import { responseBytes } from '../component/carriers/support/sip_text.js';
import { NUMBER, withStage } from './support/stage.js';

// A PBX that refuses the account of a user: what its browser notices of that is nothing. (What a PBX
// does that takes it is in tests/component/carriers/dual_registration.test.js.)
const PASSWORD = 'NotThatOfThePbx';
const CAROL = '  - { name: carol, password: carol, pbx: { trunk: carrier, username: "201", ' +
    `password: ${PASSWORD} } }`;
const CHALLENGE = 'Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth"';

withStage('a wrong password at the PBX', (stage) => {
  test('the browser stays registered here, the log says why, and the PBX is asked twice',
       { timeout: 60000 }, async () => {
         stage.carrier.onRegister = (register) => responseBytes(
             register, 401, 'Unauthorized', { fields: [`WWW-Authenticate: ${CHALLENGE}`] });
         const carol = await stage.registered('jssip', { user: 'carol' });
         const [line] = await stage.lab.gateway.printed(/refused by the PBX.*/);
         assert.match(line, /401, the credentials were refused; not tried again for \d+ min/);
         assert.equal(stage.carrier.requests('REGISTER').length, 2);
         const metrics = await stage.lab.metrics();
         assert.equal(metrics.lastmile_pbx_registrations, 0);
         assert.equal(metrics.lastmile_registrations, 1);

         // It can still be called, and call.
         const peer = await stage.peer(660);
         await stage.connects(carol, peer);
         await carol.hears(660);
         await stage.hangsUp(carol);
         assert.deepEqual((await carol.names()).filter((name) => /egist/.test(name)), ['registered']);

         assert.match(stage.call.invitation.line, new RegExp(`^INVITE sip:${NUMBER}@`));
         for (const text of [...carol.wire.messages, ...stage.carrier.messages].map((m) => m.text)) {
           assert.ok(!text.includes(PASSWORD), text);
         }
         assert.ok(!stage.lab.gateway.lines.some((text) => text.includes(PASSWORD)));
       });
}, { usersEntry: CAROL });
