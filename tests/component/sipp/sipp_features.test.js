import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import {
  answer, GATEWAY, hungUp, invited, ok, optional, pause, request, requested, requestOfCallee, response,
  scenario, sdp,
} from './support/scenario.js';
import { Exchange, makeTrunks, routeEntries, trunkEntries } from './support/trunks.js';

// Carriers that change, refresh, fork and collide, one at a time. JsSIP hears only what it can bear.

// One that supports all and requires nothing, and one that requires a session timer.
const [, , , timed, usual] = await makeTrunks();
const UP = (options) => [answer(200, 'OK', { body: sdp(), ...options }), requested('ACK')];
const AUDIO = { has: ['m=audio [0-9]+ RTP/AVP 8'] };

withLab('SIPp does what carriers do', (lab) => {
  const exchange = new Exchange(lab);
  before(() => exchange.open());
  after(() => exchange.close());

  // Alice calls; the call as it is once its audio is heard.
  async function heard(steps, trunk = usual, limitS = 60) {
    const call = await exchange.answered(trunk, scenario('alice calls', [invited(), ...steps]),
                                         limitS);
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    return call;
  }

  test('re-INVITE and UPDATE that change nothing stay on the trunk', { timeout: 60000 }, async () => {
    const call = await heard([
      ...UP(),
      requestOfCallee('INVITE', 1, { body: sdp() }), optional(100), response(200, AUDIO),
      requestOfCallee('ACK', 1),
      requestOfCallee('UPDATE', 2), response(200, { hasNot: ['m=audio'] }),
      requestOfCallee('UPDATE', 3, { body: sdp() }), response(200, AUDIO),
      hungUp(),
    ]);
    await call.sipp.says(/^CSeq: 3 UPDATE/m, 2);
    assert.equal((await exchange.finish(call)).offers, 0);
  });

  test('UPDATE before the answer is answered from the anchor', { timeout: 60000 }, async () => {
    const call = await heard([
      answer(183, 'Progress', { fields: ['Require: 100rel', 'RSeq: 1'], body: sdp() }),
      requested('PRACK'), ok(),
      requestOfCallee('UPDATE', 1, { body: sdp({ version: 2 }) }), response(200, AUDIO),
      pause(500), ...UP(), hungUp(),
    ]);
    const state = await exchange.finish(call);
    assert.deepEqual(state.progress, ['183 with SDP']);
    assert.equal(state.offers, 0);
  });

  test('a second 200 is acknowledged and hung up', { timeout: 60000 }, async () => {
    const call = await heard([
      answer(183, 'Progress', { tag: 'one', body: sdp() }),
      answer(200, 'OK', { tag: 'two', body: sdp() }), requested('ACK', { has: ['tag=two'] }),
      answer(200, 'OK', { tag: 'three', body: sdp() }), requested('ACK', { has: ['tag=three'] }),
      requested('BYE', { has: ['tag=three'] }), ok(),
      hungUp({ has: ['tag=two'] }),
    ]);
    await call.sipp.says(/^BYE /m, 1);
    await exchange.finish(call);
  });

  test('a 199 and a 183 right before the 200 are not seen', { timeout: 60000 }, async () => {
    const call = await heard([
      answer(199, 'Early Dialog Terminated', { tag: 'gone' }),
      answer(183, 'Progress', { body: sdp() }), ...UP(), hungUp(),
    ]);
    assert.deepEqual((await exchange.finish(call)).progress, []);
  });

  test('a 200 with another codec than the 183', { timeout: 60000 }, async () => {
    const call = await exchange.answered(usual, scenario('alice calls', [
      invited(), answer(183, 'Progress', { body: sdp({ codec: '0 PCMU' }) }), pause(1500),
      ...UP({ body: sdp({ version: 2 }) }), hungUp(),
    ]));
    await exchange.becomes(call, 'progress', (state) => state?.progress.length === 1);
    await exchange.becomes(call, 'confirmed');
    const before = (await exchange.state(call.id)).energy;
    await exchange.becomes(call, 'heard', (state) => state.energy > before);
    assert.equal((await exchange.finish(call)).offers, 0);
  });

  test('a hold that meets a re-INVITE is told once more', { timeout: 60000 }, async () => {
    const call = await heard([
      ...UP(),
      // Both have sent theirs: 491 for both, and the gateway comes again after some 2 s.
      invited({ has: ['a=sendonly'] }),
      requestOfCallee('INVITE', 1, { tag: '', body: sdp() }), response(491),
      requestOfCallee('ACK', 1, { tag: '' }),
      answer(491, 'Request Pending', { tag: '' }), requested('ACK'),
      invited({ has: ['a=sendonly'] }),
      answer(200, 'OK', { tag: '', body: sdp({ version: 2, direction: 'recvonly' }) }),
      requested('ACK'),
      hungUp(),
    ]);
    await exchange.act(call, 'hold');
    await exchange.becomes(call, 'held');
    await call.sipp.says(/^a=recvonly/m, 1);
    assert.equal((await exchange.finish(call)).failed, null);
  });

  test('no answer to a late offer ends the call with a reason', { timeout: 60000 }, async () => {
    const number = exchange.number(usual);
    const call = await exchange.calls(usual, scenario('no answer', [
      request('INVITE', 1, { number }), optional(100), response(180),
      response(200, { has: ['m=audio [0-9]+ RTP/AVP 0 8 101'] }),
      request('ACK', 1, { number }),
      hungUp({ has: ['Reason: SIP;cause=488;text='] }),
    ]), number);
    await exchange.becomes(call, 'rings');
    await exchange.act(call, 'answer');
    await call.sipp.succeeds();
    await exchange.becomes(call, 'ended');
  });

  test('sessions of 90 s: refreshed after 45 s, or ended after 60 s', { timeout: 100000 }, async () => {
    const timer = (who) => ({ fields: [`Session-Expires: 90;refresher=${who}`, 'Require: timer',
                                       'Allow: INVITE, ACK, BYE, UPDATE'] });
    const refreshed = await heard([
      ...UP(timer('uac')),
      requested('UPDATE', { has: ['Session-Expires: 90;refresher=uac', 'Content-Length: 0'] }),
      ok(timer('uac')),
      hungUp(),
    ], timed, 90);
    const forgotten = await heard([
      ...UP(timer('uas')), hungUp({ has: ['Reason: SIP;cause=408;text=.nobody refreshed'] }),
    ], usual, 90);
    await exchange.becomes(forgotten, 'ended', (state) => state.ended, 70000);
    await forgotten.sipp.succeeds();
    await refreshed.sipp.says(/^UPDATE /m, 1);
    assert.equal((await exchange.finish(refreshed)).offers, 0);
  });
}, { carrier: false, trunkHost: GATEWAY, carrierHost: '127.0.0.3',
     trunks: trunkEntries([timed, usual]), routes: routeEntries([timed, usual]) });
