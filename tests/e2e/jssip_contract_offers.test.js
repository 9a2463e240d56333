// What JsSIP 3.13.8 makes of answers and early media: one test for each row of its contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NUMBER, withStage } from './support/stage.js';

// What has to be the same in a 183 and the 200 after it (J7).
function identity(sdp) {
  const all = (pattern) => sdp.match(pattern) ?? [];
  return {
    media: all(/^m=\w+ /gm), mids: all(/^a=mid:.*/gm), ufrag: all(/^a=ice-ufrag:.*/gm),
    pwd: all(/^a=ice-pwd:.*/gm), fingerprint: all(/^a=fingerprint:.*/gm),
    setup: all(/^a=setup:.*/gm),
  };
}

withStage('JsSIP is answered', (stage) => {
  // Everything but 100 that the page got for its INVITE with credentials.
  const answersOf = ({ wire }) => {
    const cseq = wire.sent('INVITE').at(-1).header('cseq');
    return wire.messages.filter((message) => !message.sent && message.status > 100 &&
        message.header('cseq') === cseq);
  };

  test('J6 two 18x with SDP of two forks: the page gets one, and hears the newer fork',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const [first, second] = [await stage.peer(500), await stage.peer(700)];
    carrier.onInvite = (call) => {
      stage.call = call;
      first.send(call.offer);
      call.reply(183, 'Session Progress', { tag: 'fork-1', sdp: carrier.sdp(first.port) });
    };
    await phone.run('call', NUMBER);
    assert.equal((await phone.sees('progress')).sdp, true);
    await phone.hears(500);
    second.send(stage.call.offer);
    stage.call.reply(183, 'Session Progress', { tag: 'fork-2', sdp: carrier.sdp(second.port) });
    await phone.hears(700);
    stage.call.tag = 'fork-2';
    stage.call.reply(200, 'OK', { sdp: carrier.sdp(second.port) });
    await phone.sees('confirmed');
    await phone.hears(700);
    const [progress, ok, ...rest] = answersOf(phone);
    assert.deepEqual([progress.status, ok.status, rest.length], [183, 200, 0]);
    assert.equal(progress.header('to'), ok.header('to'), 'one To-tag');
    assert.deepEqual(await phone.names().then((all) => all.filter((name) => name === 'progress')),
                     ['progress']);
    await stage.hangsUp(phone);
  });

  test('J7 the 200 has the SDP of the 18x, whatever the carrier changed in between',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const [early, late] = [await stage.peer(500), await stage.peer(700)];
    carrier.onInvite = (call) => {
      stage.call = call;
      early.send(call.offer);
      call.reply(183, 'Session Progress', { sdp: carrier.sdp(early.port) });
    };
    await phone.run('call', NUMBER);
    await phone.hears(500);
    early.mute();
    late.send(stage.call.offer);
    stage.call.reply(200, 'OK', { sdp: carrier.sdp(late.port, { version: 2 }) });
    await phone.sees('confirmed');
    await phone.hears(700);
    await late.hears(440);
    const [progress, ok] = answersOf(phone);
    assert.deepEqual(identity(ok.body), identity(progress.body));
    assert.equal(identity(ok.body).fingerprint.length, 1);
    await stage.hangsUp(phone);
  });

  test('J8 a 200 without SDP after early media reaches the page with SDP',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    carrier.onInvite = (call) => {
      stage.call = call;
      peer.send(call.offer);
      call.reply(183, 'Session Progress', { sdp: carrier.sdp(peer.port) });
    };
    await phone.run('call', NUMBER);
    await phone.sees('progress');
    stage.call.reply(200, 'OK');
    await phone.sees('confirmed');
    await phone.hears(500);
    assert.match(answersOf(phone).at(-1).body, /^m=audio [1-9]/m);
    assert.ok(!(await phone.names()).includes('ended'));
    await stage.hangsUp(phone);
  });

  test('J9 a second 2xx of another fork is ACKed and BYEd at the carrier; the page sees one',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    carrier.onInvite = (call) => {
      stage.call = call;
      peer.send(call.offer);
      call.reply(200, 'OK', { tag: 'fork-1', sdp: carrier.sdp(peer.port) });
      call.reply(200, 'OK', { tag: 'fork-2', sdp: carrier.sdp(peer.port) });
    };
    await phone.run('call', NUMBER);
    await phone.sees('confirmed');
    const bye = await carrier.got('BYE', { call: stage.call });
    assert.match(bye.header('to'), /;tag=fork-2$/);
    const acked = carrier.requests('ACK', { call: stage.call })
        .map((ack) => /;tag=([\w-]+)/.exec(ack.header('to'))[1]);
    assert.deepEqual(acked.sort(), ['fork-1', 'fork-2']);
    await phone.hears(500);
    assert.equal(answersOf(phone).filter(({ status }) => status === 200).length, 1);
    assert.equal(phone.wire.sent('BYE').length, 0);
    assert.equal((await phone.run('state')).established, true);

    const from = carrier.mark();
    await phone.run('hangUp');
    const last = await carrier.got('BYE', { call: stage.call, from });
    assert.match(last.header('to'), /;tag=fork-1$/);
  });

  test('J14 an offer without a single candidate still connects, within a second',
       { timeout: 40000 }, async () => {
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    stage.answersWith(peer);
    await phone.run('call', NUMBER, { candidates: false });
    const answered = await phone.sees('confirmed');
    assert.doesNotMatch(phone.wire.sent('INVITE').at(-1).body, /a=candidate/);
    await phone.hears(500);
    const connected = (await phone.events())
        .find(({ name, state }) => name === 'path' && state === 'connected');
    assert.ok(connected.at - answered.at < 1000, `${connected.at - answered.at} ms`);
    await peer.hears(440);
    await stage.hangsUp(phone);
  });
});
