// The calls of an unmodified SIP.js 0.21.2 in Chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { NUMBER, withStage } from './support/stage.js';
import { until } from './support/wait.js';

const TONE_HZ = 700;
const DIGITS = '15#';


withStage('SIP.js', (stage) => {
  test('registers, with its Contact echoed with expires', { timeout: 20000 }, async () => {
    const phone = await stage.registered('sipjs');
    const [, contact] = /<([^>]+)>/.exec(phone.wire.sent('REGISTER').at(-1).header('contact'));
    const echoed = phone.wire.received('SIP/2.0 200', 'REGISTER')[0].header('contact');
    assert.ok(echoed.startsWith(`<${contact}>`), echoed);
    assert.match(echoed, /;expires=\d+/);
  });

  test('calls: a tone each way, hold and resume, digits, and hangs up', { timeout: 60000 },
       async () => {
    const phone = await stage.registered('sipjs');
    const peer = await stage.peer(TONE_HZ);
    await stage.connects(phone, peer);
    await phone.hears(TONE_HZ);
    await peer.hears(MICROPHONE_HZ);

    await phone.run('hold');
    await phone.sees('hold');
    await until(() => stage.call.reinvites.length === 1, 'the carrier is told of the hold');
    assert.match(stage.call.reinvites[0].body, /a=sendonly/);
    await phone.run('resume');
    await phone.sees('unhold');
    await until(() => stage.call.reinvites.length === 2, 'the carrier is told of the end');
    await phone.hears(TONE_HZ);
    await peer.hears(MICROPHONE_HZ);

    await phone.run('digits', DIGITS);
    await until(() => peer.digits().length >= DIGITS.length, 'the carrier gets the digits');
    assert.equal(peer.digits(), DIGITS);
    await stage.hangsUp(phone);
  });

  test('is held and resumed by the carrier with re-INVITEs, as its Allow has no UPDATE',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered('sipjs');
    const peer = await stage.peer(TONE_HZ);
    await stage.connects(phone, peer);
    assert.doesNotMatch(phone.wire.sent('INVITE')[0].header('allow'), /UPDATE/);
    const offer = async (direction, version) => stage.call.request('INVITE', {
      sdp: carrier.sdp(peer.port, { direction, version }) });
    assert.equal((await offer('sendonly', 2)).status, 200);
    const reinvite = await phone.wire.receives('INVITE');
    assert.match(reinvite.body, /a=sendonly/);
    const answer = await phone.wire.sends('SIP/2.0 200', ' INVITE');
    assert.match(answer.body, /a=recvonly/);
    const from = phone.wire.mark();
    assert.equal((await offer('sendrecv', 3)).status, 200);
    await phone.wire.sends('SIP/2.0 200', ' INVITE', from);
    await phone.hears(TONE_HZ);
    await peer.hears(MICROPHONE_HZ);
    assert.deepEqual(phone.wire.received('UPDATE'), []);
    await stage.hangsUp(phone);
  });

  test('is called, answers, hears and is heard, and the carrier hangs up', { timeout: 40000 },
       async () => {
    const { carrier } = stage;
    const phone = await stage.registered('sipjs');
    const peer = await stage.peer(TONE_HZ);
    const call = await carrier.call(stage.trunk, 'alice', carrier.sdp(peer.port));
    assert.equal((await phone.sees('incoming')).from, '+15550009009');
    await phone.run('answer');
    await phone.sees('confirmed');
    await call.gets(200);
    peer.send(call.offer);
    await phone.hears(TONE_HZ);
    await peer.hears(MICROPHONE_HZ);
    assert.equal((await call.request('BYE')).status, 200);
    await phone.sees('ended');
  });

  test('is told the code and the reason of a refusal', { timeout: 20000 }, async () => {
    const phone = await stage.registered('sipjs');
    stage.carrier.onInvite = (call) => call.reply(486, 'Busy Here', {
      fields: ['Reason: Q.850;cause=17;text="User busy"'] });
    await phone.run('call', NUMBER);
    const { status, reason } = await phone.sees('failed');
    assert.equal(status, 486);
    assert.equal(reason, 'Q.850;cause=17;text="User busy"');
  });

  test('transfers its call to another number, and the two far ends hear each other',
       { timeout: 60000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered('sipjs');
    const first = await stage.peer(TONE_HZ);
    const second = await stage.peer(900);
    await stage.connects(phone, first);
    const call = stage.call;
    stage.answersWith(second);
    await phone.run('transfer', '4930700700');
    await phone.sees('referred');
    await phone.sees('ended');
    const told = (await phone.events()).filter(({ name }) => name === 'notified');
    assert.deepEqual(told.map(({ status }) => status), [100, 200]);
    await until(() => call.reinvites.length === 1, 'the first far end is moved');
    first.send(call.reinvites[0].body);
    await second.hears(TONE_HZ);
    await first.hears(900);
    assert.equal((await call.request('BYE')).status, 200);
    await carrier.got('BYE', { call: stage.call });
  });
});
