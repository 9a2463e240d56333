import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import {
  GATEWAY, hungUp, optional, pause, request, response, scenario, sdp,
} from './support/scenario.js';
import { Exchange, makeTrunks, routeEntries, trunkEntries } from './support/trunks.js';

// A carrier of an IMS: it calls, and its resources have to be there before JsSIP may ring.

const trunk = (await makeTrunks()).find(({ prack, timer }) => prack === 'supported' && timer === 'none');

const reserving = (theirs, ours) => [
  ...sdp(), `a=curr:qos local ${theirs}`, `a=curr:qos remote ${ours}`,
  'a=des:qos mandatory local sendrecv', 'a=des:qos mandatory remote sendrecv',
];

withLab('SIPp reserves resources', (lab) => {
  const exchange = new Exchange(lab);
  before(() => exchange.open());
  after(() => exchange.close());

  test('183, PRACK, UPDATE, and only then it rings', { timeout: 60000 }, async () => {
    const number = exchange.number(trunk);
    const reliable = (status, has) =>
        response(status, { has: ['Require:[^:]*100rel', ...has], keep: { rseq: 'RSeq' } });
    const prack = (cseq) => [
      request('PRACK', cseq, { fields: ['RAck: [$rseq] 1 INVITE'], number }),
      response(200, { has: [`CSeq: ${cseq} PRACK`] }),
    ];
    const call = await exchange.calls(trunk, scenario('alice is called', [
      request('INVITE', 1, { number, fields: ['Require: precondition', 'Supported: 100rel'],
                             body: reserving('none', 'none') }),
      optional(100),
      reliable(183, ['m=audio', 'a=curr:qos local sendrecv', 'a=curr:qos remote none',
                     'a=conf:qos remote sendrecv']),
      ...prack(2),
      pause(1500),
      request('UPDATE', 3, { number, body: reserving('sendrecv', 'sendrecv') }),
      response(200, { has: ['CSeq: 3 UPDATE', 'a=curr:qos remote sendrecv'], hasNot: ['a=conf'] }),
      reliable(180, ['Content-Length: 0']),
      ...prack(4),
      response(200, { has: ['CSeq: 1 INVITE', 'Content-Length: 0'] }),
      request('ACK', 1, { number }),
      hungUp(),
    ]), number);
    await call.sipp.says(/^RAck: .* 1 INVITE/m, 1);
    assert.equal(await exchange.state(call.id), null, 'it rings already');
    await exchange.becomes(call, 'rings');
    await exchange.act(call, 'answer');
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    assert.equal((await exchange.finish(call)).offers, 1);
  });
}, { carrier: false, trunkHost: GATEWAY, carrierHost: '127.0.0.3',
     trunks: trunkEntries([trunk]), routes: routeEntries([trunk]) });
