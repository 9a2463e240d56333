// A carrier that transfers the call of a browser: REFER, and INVITE with Replaces (interop row 30).
// The browser takes part in nothing of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NUMBER, withStage } from './support/stage.js';

const TARGET = '4930777';

withStage('a carrier that transfers a call', (stage) => {
  // A call that is up and heard both ways. What the page sees and says from then on counts.
  async function talking(kind = 'jssip') {
    const phone = await stage.registered(kind);
    const first = await stage.peer(500);
    await stage.connects(phone, first);
    await phone.hears(500);
    await first.hears(440);
    await phone.forget();
    const heard = phone.wire.mark();
    return { phone, first, old: stage.call, signalling: () => phone.wire.messages.slice(heard) };
  }

  // The carrier's REFER, which is accepted.
  async function refers(call, target = TARGET, headers = '') {
    const accepted = await call.request('REFER', {
      fields: [`Refer-To: <sip:${target}@${stage.lab.carrierHost}${headers}>`] });
    assert.equal(accepted.status, 202);
    return parseInt(accepted.header('cseq'), 10);
  }

  // Bodies of the NOTIFYs that came in a call, one a line.
  const notified = (call) => stage.carrier.requests('NOTIFY', { call }).map(({ body }) => body.trim());

  async function target(hz) {
    const peer = await stage.peer(hz);
    const called = new Promise((resolve) => {
      stage.carrier.onInvite = resolve;
    });
    return { peer, called };
  }

  function answers(call, peer) {
    call.mediaPort = peer.port;
    call.reply(200, 'OK', { sdp: stage.carrier.sdp(peer.port) });
    peer.send(call.offer);
  }

  test('the browser hears the target of a REFER, and the target its microphone',
       { timeout: 60000 }, async () => {
    const { phone, first, old, signalling } = await talking();
    const { peer, called } = await target(700);
    const id = await refers(old);
    const call = await called;
    assert.match(call.invitation.line, new RegExp(`^INVITE sip:${TARGET}@`));
    call.reply(180, 'Ringing');
    await phone.hears(500);
    answers(call, peer);
    await stage.carrier.got('BYE', { call: old });
    first.mute();
    await phone.hears(700);
    await peer.hears(440);
    assert.deepEqual(notified(old), ['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK']);
    const events = stage.carrier.requests('NOTIFY', { call: old }).map((m) => m.header('event'));
    assert.deepEqual(new Set(events), new Set([`refer;id=${id}`]));
    assert.deepEqual(await phone.names(), []);
    assert.deepEqual(signalling(), []);
    stage.call = call;
    await stage.hangsUp(phone);
  });

  test('a transferor that hangs up at once leaves the browser to the target',
       { timeout: 60000 }, async () => {
    const { phone, first, old, signalling } = await talking();
    const { peer, called } = await target(700);
    await refers(old);
    assert.equal((await old.request('BYE')).status, 200);
    first.mute();
    const call = await called;
    call.reply(180, 'Ringing');
    answers(call, peer);
    await phone.hears(700);
    await peer.hears(440);
    assert.deepEqual(signalling(), []);
    assert.equal((await call.request('BYE')).status, 200);
    await phone.sees('ended');
  });

  test('a busy target leaves the call as it was, or ends it with the reason',
       { timeout: 60000 }, async () => {
    const { phone, first, old, signalling } = await talking();
    stage.carrier.onInvite = (call) => call.reply(486, 'Busy Here');
    await refers(old);
    await stage.carrier.got('NOTIFY', { call: old });
    await phone.hears(500);
    await first.hears(440);
    assert.equal(notified(old).at(-1), 'SIP/2.0 486 Busy Here');
    assert.deepEqual(signalling(), []);
    const { called } = await target(700);
    await refers(old);
    await old.request('BYE');
    (await called).reply(486, 'Busy Here');
    const { reason } = await phone.sees('ended');
    assert.match(reason, /cause=486/);
  });

  test('a hold of the transferor ends with its leg', { timeout: 60000 }, async () => {
    const { phone, first, old } = await talking();
    first.mute();
    const held = await old.request('INVITE', {
      sdp: stage.carrier.sdp(first.port, { version: 2, direction: 'sendonly' }) });
    assert.equal(held.status, 200);
    await phone.sees('hold');
    const { peer, called } = await target(700);
    await refers(old, TARGET, '?Replaces=one%3Bto-tag%3Dt%3Bfrom-tag%3Df');
    const call = await called;
    assert.equal(call.invitation.header('replaces'), 'one;to-tag=t;from-tag=f');
    answers(call, peer);
    await phone.sees('unhold');
    await phone.hears(700);
    await peer.hears(440);
    stage.call = call;
    await stage.hangsUp(phone);
  });

  for (const swapped of [false, true]) {
    test(`an INVITE with Replaces takes the carrier's place${swapped ? ', its tags mixed up' : ''}`,
         { timeout: 60000 }, async () => {
      const { phone, first, old, signalling } = await talking(swapped ? 'sipjs' : 'jssip');
      const [, ours] = /;tag=([^;]+)/.exec(old.peer);
      const tags = swapped ? [old.tag, ours] : [ours, old.tag];
      const peer = await stage.peer(700);
      const call = await stage.carrier.call(stage.trunk, 'lastmile', stage.carrier.sdp(peer.port), [
        `Replaces: ${old.callId};to-tag=${tags[0]};from-tag=${tags[1]}`]);
      call.mediaPort = peer.port;
      await call.gets(200);
      const bye = await stage.carrier.got('BYE', { call: old });
      assert.match(bye.header('reason'), /another party/);
      first.mute();
      peer.send(call.offer);
      await phone.hears(700);
      await peer.hears(440);
      assert.deepEqual(signalling(), []);
      stage.call = call;
      await stage.hangsUp(phone);
    });
  }
});
