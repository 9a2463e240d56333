// What JsSIP 3.13.8 needs of a registrar: one test for each row of its contract (docs/interop.md).
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withStage } from './support/stage.js';

const CONTACT = /^<(sip:\w+@\w+\.invalid;transport=ws)>/;
const REFRESH_MS = 9000;

withStage('JsSIP registers', (stage) => {
  test('J1 over wss: its Contact comes back with ;transport=ws and calls take its own connection',
       { timeout: 30000 }, async () => {
    const { lab, carrier } = stage;
    const phone = await stage.open('jssip', { url: lab.securePageUrl });
    await phone.registers(lab.account('alice', lab.securePageUrl));
    const register = phone.wire.sent('REGISTER')[0];
    assert.match(register.header('via'), /^SIP\/2\.0\/WSS \w+\.invalid;/);
    const [, contact] = CONTACT.exec(register.header('contact'));
    const [ok] = phone.wire.received('SIP/2.0 200', 'REGISTER');
    assert.equal(CONTACT.exec(ok.header('contact'))[1], contact);

    const peer = await stage.peer(700);
    const call = await carrier.call(stage.trunk, 'alice', carrier.sdp(peer.port));
    await phone.sees('incoming');
    assert.equal(phone.wire.received('INVITE')[0].line, `INVITE ${contact} SIP/2.0`);
    await phone.run('answer');
    await phone.sees('confirmed');
    await call.gets(200);
    assert.equal((await call.request('BYE')).status, 200);
    const { cause, by } = await phone.sees('ended');
    assert.deepEqual({ cause, by }, { cause: 'Terminated', by: 'remote' });
    await phone.wire.sends('SIP/2.0 200', ' BYE');
    assert.equal(phone.wire.sockets, 1);
    assert.ok(carrier.messages.every(({ text }) => !/\.invalid|transport=ws/.test(text)));
  });

  test('J2 its Contact is echoed with expires, beside that of another tab, and refreshed in time',
       { timeout: 30000 }, async () => {
    const other = await stage.registered();
    const phone = await stage.registered('jssip', { options: { register_expires: 10 } });
    const [challenged, register] = phone.wire.sent('REGISTER');
    assert.ok(challenged && register);
    const [, instance] = /\+sip\.instance="<([^>]+)>"/.exec(register.header('contact'));
    const ownContact = (answer) => answer.fields.filter((field) => /^contact:/i.test(field))
        .flatMap((field) => field.slice('contact:'.length).split(/,(?=\s*<)/))
        .find((contact) => contact.includes(instance));
    const first = ownContact(phone.wire.received('SIP/2.0 200', 'REGISTER')[0]);
    assert.match(first, /;expires=10\b/);
    assert.match(first, /;reg-id=1\b/);
    const [, otherInstance] = /\+sip\.instance="<([^>]+)>"/
        .exec(other.wire.sent('REGISTER')[0].header('contact'));
    assert.notEqual(otherInstance, instance);

    const from = phone.wire.mark();
    const refreshed = await phone.wire.receives('SIP/2.0 200', 'REGISTER', from, REFRESH_MS);
    assert.equal(refreshed.header('call-id'), register.header('call-id'));
    assert.match(ownContact(refreshed), /;expires=10\b/);
    assert.deepEqual((await phone.names()).filter((name) => name === 'unregistered'), []);
  });

  test('J3 the last challenge is MD5 and every one offers qop="auth" alone',
       { timeout: 20000 }, async () => {
    const phone = await stage.registered();
    const challenge = phone.wire.received('SIP/2.0 401', 'REGISTER')[0];
    const challenges = challenge.fields.filter((field) => /^www-authenticate:/i.test(field));
    assert.ok(challenges.length > 0);
    challenges.forEach((field) => assert.match(field, /qop="auth"/));
    assert.match(challenges.at(-1), /algorithm="?MD5"?(,|$)/);
    const credentials = phone.wire.sent('REGISTER')[1].header('authorization');
    assert.match(credentials, /algorithm=MD5/);
    assert.match(credentials, /qop=auth,/);

    const stranger = await stage.open();
    await stranger.run('register', { ...stage.lab.account('alice'), password: 'wrong' });
    const { status } = await stranger.sees('registrationFailed');
    assert.ok([401, 403].includes(status), `${status}`);
  });
});
