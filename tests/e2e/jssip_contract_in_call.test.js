// What JsSIP 3.13.8 needs inside a call: one test for each row of its contract (docs/interop.md).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { CuttableProxy } from './support/cuttable_proxy.js';
import { NUMBER, withStage } from './support/stage.js';
import { until } from './support/wait.js';

const AS_SERVER = '1800;refresher=uas';
const NOT_REFRESHER = { currentExpires: 1800, refresher: false, running: true };
// JsSIP tries again 2 s after the cut, then after up to 4, 8 ... 30 s more.
const BACK_MS = 45000;

const instanceOf = (register) => /\+sip\.instance="<([^>]+)>"/.exec(register.header('contact'))[1];

withStage('JsSIP is in a call', (stage) => {
  let proxy;
  before(async () => {
    proxy = await CuttableProxy.listen(stage.lab.http);
  });
  after(() => proxy?.stop());

  test('J10 the gateway is the refresher both ways, and answers an UPDATE by itself',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    assert.equal(phone.wire.received('SIP/2.0 200', ' INVITE')[0].header('session-expires'),
                 AS_SERVER);
    assert.deepEqual(await phone.run('sessionTimer'), NOT_REFRESHER);
    const from = carrier.mark();
    await phone.run('refresh');
    const refreshed = await phone.wire.receives('SIP/2.0 200', ' UPDATE');
    assert.equal(refreshed.header('session-expires'), AS_SERVER);
    assert.deepEqual(await phone.run('sessionTimer'), NOT_REFRESHER);
    assert.deepEqual(carrier.messages.slice(from).map(({ line }) => line), []);
    await stage.hangsUp(phone);

    await phone.forget();
    const call = await carrier.call(stage.trunk, 'alice', carrier.sdp(peer.port));
    await phone.sees('incoming');
    assert.equal(phone.wire.received('INVITE')[0].header('session-expires'), '1800;refresher=uac');
    await phone.run('answer');
    await phone.sees('confirmed');
    assert.deepEqual(await phone.run('sessionTimer'), NOT_REFRESHER);
    await call.gets(200);
    await call.request('BYE');
    await phone.sees('ended');
  });

  test('J11 JsSIP owes nothing while its WebSocket is gone, and its call goes on',
       { timeout: 80000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered('jssip', { url: `http://127.0.0.1:${proxy.port}/` });
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    await phone.hears(500);
    const from = phone.wire.mark();
    await phone.forget();
    proxy.cut(500);
    await phone.sees('disconnected');
    const refreshed = await stage.call.request('INVITE', {
      sdp: carrier.sdp(peer.port, { version: 2 }) });
    assert.equal(refreshed.status, 200, 'the gateway answers the carrier meanwhile');
    await phone.hears(500);
    await phone.sees('registered', BACK_MS);
    await phone.wire.receives('ACK', '', from);
    assert.deepEqual((await phone.names()).filter((name) => name !== 'path'),
                     ['disconnected', 'unregistered', 'connected', 'registered']);
    const owed = phone.wire.messages.slice(from).filter(({ sent, method }) => sent && method)
        .map(({ method }) => method);
    assert.deepEqual([...new Set(owed)], ['REGISTER']);

    assert.equal(await phone.run('hold'), true);
    await phone.sees('hold');
    await until(() => stage.call.reinvites.length === 1, 'the carrier is told of the hold');
    await stage.hangsUp(phone);
  });

  test('J12 after a reconnect the same instance id brings the call to the new WebSocket',
       { timeout: 80000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered('jssip', { url: `http://127.0.0.1:${proxy.port}/` });
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    const invite = phone.wire.sent('INVITE')[0];
    const instance = instanceOf(phone.wire.sent('REGISTER')[0]);
    const fromCarrier = carrier.mark();
    const from = phone.wire.mark();
    proxy.cut(500);
    const register = await phone.wire.sends('REGISTER', '', from, BACK_MS);
    assert.equal(instanceOf(register), instance);
    const reinvite = await phone.wire.receives('INVITE', '', from);
    assert.equal(reinvite.socket, 2);
    assert.equal(reinvite.header('call-id'), invite.header('call-id'));
    assert.equal((await phone.wire.sends('SIP/2.0 200', ' INVITE', from)).socket, 2);
    await phone.hears(500);
    await peer.hears(440);
    assert.deepEqual(carrier.messages.slice(fromCarrier).map(({ line }) => line), [],
                     'the carrier hears nothing of it');

    assert.equal((await stage.call.request('BYE')).status, 200);
    const { by } = await phone.sees('ended');
    assert.equal(by, 'remote');
    assert.equal(phone.wire.received('BYE').at(-1).socket, 2);
  });

  test('a hold by UPDATE is one for the carrier too, and so is its end', { timeout: 40000 },
       async () => {
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    for (const [method, event, held] of [['hold', 'hold', true], ['resume', 'unhold', false]]) {
      const already = stage.call.reinvites.length;
      const from = phone.wire.mark();
      assert.equal(await phone.run(method, { useUpdate: true }), true);
      await phone.sees(event);
      const answer = await phone.wire.receives('SIP/2.0 200', ' UPDATE', from);
      assert.match(answer.body, /^m=audio [1-9]/m);
      await until(() => stage.call.reinvites.length === already + 1,
                  `the carrier is told: ${method}`);
      assert.equal(/^a=sendonly/m.test(stage.call.reinvites[already].body), held);
    }
    await phone.hears(500);
    await peer.hears(440);
    await stage.hangsUp(phone);
  });

  test('J13 an UPDATE in the early dialog and a re-INVITE before the ACK are kept from JsSIP',
       { timeout: 40000 }, async () => {
    const { carrier } = stage;
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    const held = new Promise((resolve, reject) => {
      carrier.onInvite = (call) => {
        stage.call = call;
        call.mediaPort = peer.port;
        call.onAck = () => {
          call.onAck = () => {};
          call.request('INVITE', {
            sdp: carrier.sdp(peer.port, { direction: 'sendonly', version: 2 }),
          }).then(resolve, reject);
        };
        call.reply(180, 'Ringing');
      };
    });
    await phone.run('call', NUMBER);
    await phone.sees('progress');
    const updated = await stage.call.request('UPDATE', {
      fields: ['Supported: timer', 'Session-Expires: 1800;refresher=uac'] });
    assert.equal(updated.status, 200);
    stage.call.reply(200, 'OK', { sdp: carrier.sdp(peer.port) });
    assert.equal((await held).status, 200);
    await phone.sees('confirmed');
    assert.equal((await phone.sees('hold')).by, 'remote');
    const toPage = phone.wire.messages.filter(({ sent }) => !sent);
    assert.deepEqual(toPage.filter(({ method }) => method === 'UPDATE'), []);
    const reinvite = phone.wire.messages.indexOf(phone.wire.received('INVITE')[0]);
    const ack = phone.wire.messages.findLastIndex(
        ({ sent, method }, i) => sent && method === 'ACK' && i < reinvite);
    const ok = phone.wire.messages.indexOf(phone.wire.received('SIP/2.0 200', ' INVITE')[0]);
    assert.ok(ok < ack && ack < reinvite, 'the re-INVITE waits for the ACK of the 200');
    assert.deepEqual(phone.wire.sent('SIP/2.0 403'), []);
    await stage.hangsUp(phone);
  });
});
