// What JsSIP 3.13.8 must not see of a carrier's early dialogs: rows of its contract (docs/interop.md).
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NUMBER, withStage } from './support/stage.js';

withStage('a carrier in its early dialogs', (stage) => {
  // A 183 that the gateway has to acknowledge; resolves to its PRACK.
  async function reliably(phone, peer) {
    const { carrier } = stage;
    carrier.onInvite = (call) => {
      stage.call = call;
      call.mediaPort = peer.port;
      peer.send(call.offer);
      call.reply(183, 'Session Progress', {
        fields: ['Require: 100rel', 'RSeq: 7'], sdp: carrier.sdp(peer.port) });
    };
    await phone.run('call', NUMBER);
    await phone.sees('progress');
    return carrier.got('PRACK', { call: stage.call });
  }

  test('J5 a reliable 183 is PRACKed by the gateway, and JsSIP sees a plain one',
       { timeout: 40000 }, async () => {
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    const prack = await reliably(phone, peer);
    const cseq = parseInt(stage.call.invitation.header('cseq'), 10);
    assert.equal(prack.header('rack'), `7 ${cseq} INVITE`);
    await phone.hears(500);
    const progress = phone.wire.received('SIP/2.0 183')[0];
    assert.equal(progress.header('require'), '');
    assert.equal(progress.header('rseq'), '');
    stage.call.reply(200, 'OK', { sdp: stage.carrier.sdp(peer.port) });
    await phone.sees('confirmed');
    await phone.hears(500);
    const toPage = phone.wire.messages.filter(({ sent }) => !sent);
    toPage.forEach(({ text }) => assert.doesNotMatch(text, /100rel|PRACK/));
    await stage.hangsUp(phone);
  });

  test('J13 an UPDATE with SDP in the early dialog is answered by the gateway',
       { timeout: 40000 }, async () => {
    const phone = await stage.registered();
    const [first, second] = [await stage.peer(500), await stage.peer(700)];
    await reliably(phone, first);
    await phone.hears(500);
    first.mute();
    second.send(stage.call.offer);
    const updated = await stage.call.request('UPDATE', {
      sdp: stage.carrier.sdp(second.port, { version: 2 }) });
    assert.equal(updated.status, 200);
    assert.match(updated.body, /^m=audio [1-9]/m);
    await phone.hears(700);
    assert.deepEqual(phone.wire.received('UPDATE'), []);
    stage.call.reply(200, 'OK');
    await phone.sees('confirmed');
    assert.deepEqual(phone.wire.sent('SIP/2.0 403'), []);
    await stage.hangsUp(phone);
  });

  test('a 200 right behind a 183 is one answer', { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    carrier.onInvite = (call) => {
      stage.call = call;
      peer.send(call.offer);
      call.reply(183, 'Session Progress', { sdp: carrier.sdp(peer.port) });
      call.reply(200, 'OK', { sdp: carrier.sdp(peer.port) });
    };
    await phone.run('call', NUMBER);
    await phone.sees('confirmed');
    await phone.hears(500);
    assert.deepEqual(phone.wire.received('SIP/2.0 183'), []);
    assert.ok(!(await phone.names()).includes('progress'));
    await stage.hangsUp(phone);
  });

  test('an INVITE without SDP: JsSIP is offered audio, the carrier answers in its ACK',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    const call = await carrier.call(stage.trunk, 'alice', '');
    call.answerInAck = carrier.sdp(peer.port);
    await phone.sees('incoming');
    assert.match(phone.wire.received('INVITE')[0].body, /^m=audio [1-9]/m);
    await phone.run('answer');
    await phone.sees('confirmed');
    await call.gets(200);
    assert.match(call.offer, /^m=audio [1-9]/m);
    peer.send(call.offer);
    await phone.hears(500);
    await peer.hears(440);
    assert.equal((await call.request('BYE')).status, 200);
    await phone.sees('ended');
  });
});
