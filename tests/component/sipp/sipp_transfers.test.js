import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import {
  answer, GATEWAY, hungUp, invited, ok, optional, pause, request, requested, requestOfCallee, response,
  scenario, sdp,
} from './support/scenario.js';
import { Exchange, makeTrunks, routeEntries, trunkEntries } from './support/trunks.js';

// Carriers that transfer a call of JsSIP (interop row 30), which is offered nothing for it.

// The one that transfers, and the one that its target is routed to.
const [, , , , usual, plain] = await makeTrunks();

withLab('SIPp transfers as carriers do', (lab) => {
  const exchange = new Exchange(lab);
  before(() => exchange.open());
  after(() => exchange.close());

  const notify = (status) => requested('NOTIFY', {
    has: ['Event: refer;id=1', 'message/sipfrag', `SIP/2.0 ${status} `] });
  // SIPp fails on a message that comes while it has one to send: of two that come together, the first
  // one stays unanswered.
  const notified = (status) => [notify(status), ok()];
  const refer = (target) => [
    requestOfCallee('REFER', 1, { fields: [`Refer-To: <sip:${target}>`] }), response(202, {}, ''),
  ];
  const refers = (target) => [...refer(target), ...notified(100)];
  const MOVED = hungUp({ has: ['Reason: SIP;cause=200;text=.the call goes on'] });

  // Time for JsSIP's ACK: a call is transferred after it was answered.
  const SETTLED = pause(1000);

  // Alice's call, which SIPp answers; it goes on with these steps.
  async function heard(steps) {
    const call = await exchange.answered(usual, scenario('alice calls', [
      invited(), answer(200, 'OK', { body: sdp() }), requested('ACK'), ...steps]));
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    return call;
  }

  // She talks to whom that SIPp is now.
  async function goesOnWith(sipp, call) {
    const { energy } = await exchange.state(call.id);
    await exchange.becomes(call, 'heard again', (state) => state.energy > energy);
    const state = await exchange.finish({ ...call, sipp });
    assert.equal(state.offers, 0);
  }

  const target = (steps) => exchange.awaits(plain, scenario('the target', [invited(), ...steps]));
  const ANSWERS = [
    pause(500), answer(180, 'Ringing'), pause(500), answer(200, 'OK', { body: sdp() }),
    requested('ACK'), hungUp(),
  ];

  test('REFER: the target is called, and the call is its own', { timeout: 60000 }, async () => {
    const called = await target(ANSWERS);
    const call = await heard([
      SETTLED, refers(`${exchange.number(plain)}@elsewhere.example`), notified(180), notify(200), MOVED,
    ]);
    await call.sipp.succeeds();
    await goesOnWith(called, call);
  });

  test('REFER to somebody who is busy: the call goes on as it was', { timeout: 60000 }, async () => {
    const called = await target([pause(500), answer(486, 'Busy Here'), requested('ACK')]);
    const call = await heard([
      SETTLED, refers(`${exchange.number(plain)}@elsewhere.example`), notified(486), hungUp(),
    ]);
    await called.succeeds();
    await call.sipp.says(/^SIP.2.0 486 /m, 1);
    await goesOnWith(call.sipp, call);
  });

  test('REFER to whom no route leads', { timeout: 60000 }, async () => {
    const call = await heard([
      SETTLED, refer('nobody@elsewhere.example'), notified(404), hungUp(),
    ]);
    await call.sipp.says(/^SIP.2.0 404 /m, 1);
    await goesOnWith(call.sipp, call);
  });

  test('REFER, and gone right after the 202', { timeout: 60000 }, async () => {
    const called = await target(ANSWERS);
    const call = await heard([
      SETTLED, refer(`${exchange.number(plain)}@elsewhere.example`), notify(100),
      requestOfCallee('BYE', 2), response(200, {}, ''),
    ]);
    await call.sipp.succeeds();
    await called.says(/^ACK /m, 1);
    await goesOnWith(called, call);
  });

  test('REFER with Replaces: the INVITE names the dialog', { timeout: 60000 }, async () => {
    const called = await exchange.awaits(plain, scenario('the target', [
      invited({ has: ['Replaces: abc@pbx;to-tag=1;from-tag=2'] }), ...ANSWERS]));
    const call = await heard([
      SETTLED,
      refers(`${exchange.number(plain)}@${plain.host}?Replaces=abc%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2`),
      notified(180), notify(200), MOVED,
    ]);
    await call.sipp.succeeds();
    await goesOnWith(called, call);
  });

  for (const swapped of [false, true]) {
    test(`INVITE with Replaces${swapped ? ', its tags mixed up' : ''}`, { timeout: 60000 }, async () => {
      const call = await heard([MOVED]);
      const [, id] = await call.sipp.reads(/^Call-ID: (\S+)/m);
      const [, ours] = await call.sipp.reads(/^From: .*;tag=(\S+)/m);
      const tags = swapped ? ['one', ours] : [ours, 'one'];
      const replacing = await exchange.joins(usual, scenario('takes the place', [
        request('INVITE', 1, { number: '4930', body: sdp(),
          fields: [`Replaces: ${id};to-tag=${tags[0]};from-tag=${tags[1]}`] }),
        optional(100), response(200, { has: ['m=audio [0-9]+ RTP/AVP 8'] }),
        request('ACK', 1, { number: '4930', inDialog: true }), hungUp(),
      ]));
      await call.sipp.succeeds();
      await goesOnWith(replacing, call);
    });
  }
}, { carrier: false, trunkHost: GATEWAY, carrierHost: '127.0.0.3',
     trunks: trunkEntries([usual, plain]), routes: routeEntries([usual, plain]) });
