import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import {
  answer, GATEWAY, hungUp, invited, ok, optional, request, requested, requestOfCallee, response,
  scenario, sdp,
} from './support/scenario.js';
import { Exchange, makeTrunks, MODES, routeEntries, trunkEntries } from './support/trunks.js';

// Every way a carrier may have of PRACK, early media, offers and session timers, against every other
// one. JsSIP at the other end is told none of it, and hears its own voice come back each time.

const EARLY = ['ringing', 'early media', 'forks'];
const LATE = ['an offer', 'no offer'];
const RELIABLE = (rseq) => ['Require: 100rel', `RSeq: ${rseq}`];
const AT_ONCE = 3;

// What the gateway's INVITE has to say on this trunk.
function expectedOf(trunk) {
  const has = [];
  const hasNot = [];
  for (const [mode, tag] of [[trunk.prack, '100rel'], [trunk.timer, 'timer']]) {
    if (mode === 'none') {
      hasNot.push(tag);
    } else {
      has.push(`${mode === 'required' ? 'Require' : 'Supported'}:[^:]*${tag}`);
    }
  }
  (trunk.prack === 'none' ? hasNot : has).push('Allow:[^:]*PRACK');
  (trunk.timer === 'none' ? hasNot : has).push('Session-Expires: 1800');
  return { has, hasNot };
}

// An 18x, acknowledged if the trunk's is reliable.
function progress(trunk, status, { tag = 'one', rseq = 7000, body } = {}) {
  const reliable = trunk.prack !== 'none';
  return [
    answer(status, 'Progress', { tag, fields: reliable ? RELIABLE(rseq) : [], body }),
    ...(reliable ? [requested('PRACK', { has: [`RAck: ${rseq} 1 INVITE`, 'Content-Length: 0'] }), ok()] :
                   []),
  ];
}

const TIMER_2XX = ['Session-Expires: 1800;refresher=uac', 'Require: timer'];

function answering(trunk, early, late) {
  const tag = early === 'forks' ? 'two' : 'one';
  const steps = [invited(expectedOf(trunk))];
  if (early === 'ringing') {
    steps.push(progress(trunk, 180));
  } else {
    steps.push(progress(trunk, 183, { body: sdp() }));
  }
  if (early === 'forks') {
    steps.push(progress(trunk, 183, { tag, rseq: 90, body: sdp({ version: 2 }) }));
  }
  steps.push(answer(200, 'OK', { tag, fields: trunk.timer === 'none' ? [] : TIMER_2XX, body: sdp() }),
             requested('ACK', { has: ['CSeq: 1 ACK'] }));
  if (late === 'no offer') {
    steps.push(requestOfCallee('INVITE', 1, { tag }), optional(100),
               response(200, { has: ['m=audio [0-9]+ RTP/AVP 8 101'] }),
               requestOfCallee('ACK', 1, { tag, body: sdp() }));
  }
  steps.push(hungUp());
  return scenario(`alice calls: ${early}, ${late}`, steps);
}

function calling(trunk, late, number) {
  const offer = late === 'an offer' ? sdp() : undefined;
  // Where the trunk requires it, the caller supports it, and the other way round.
  const reliable = trunk.prack !== 'none';
  const fields = [
    ...(reliable ? [`${trunk.prack === 'required' ? 'Supported' : 'Require'}: 100rel`] : []),
    ...(trunk.timer === 'none' ? [] : [`${trunk.timer === 'required' ? 'Require' : 'Supported'}: timer`,
                                       'Session-Expires: 1800']),
  ];
  const timer = trunk.timer === 'none' ? { hasNot: ['Session-Expires'] } :
      { has: ['Session-Expires: 1800;refresher=uas'] };
  // The answer to a late offer goes into the first message that can carry it.
  const late18x = !offer && reliable;
  const steps = [
    request('INVITE', 1, { fields, body: offer, number }), optional(100),
    response(180, reliable ? { has: ['Require:[^:]*100rel', 'RSeq: [0-9]+', ...(late18x ? ['m=audio'] : [])],
                               keep: { rseq: 'RSeq' } } : { hasNot: ['RSeq', 'm=audio'] }),
  ];
  if (reliable) {
    steps.push(request('PRACK', 2, { fields: ['RAck: [$rseq] 1 INVITE'], number,
                                     body: late18x ? sdp() : undefined }),
               response(200, { has: ['CSeq: 2 PRACK'] }));
  }
  steps.push(response(200, late18x ? { ...timer, hasNot: [...(timer.hasNot ?? []), 'm=audio'] } :
                             { ...timer, has: [...(timer.has ?? []), 'm=audio [0-9]+ RTP/AVP '] }),
             request('ACK', 1, { number, body: !offer && !reliable ? sdp() : undefined }),
             hungUp());
  return scenario(`alice is called with ${late}`, steps);
}

// The tasks, some at a time, but never two of the same trunk.
async function runAll(trunks, tasksOf) {
  const waiting = [...trunks];
  const done = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let trunk = waiting.shift(); trunk; trunk = waiting.shift()) {
      for (const task of tasksOf(trunk)) {
        await task();
        done.push(trunk.name);
      }
    }
  }));
  return done.length;
}

const trunks = await makeTrunks();

withLab('SIPp matrix', (lab) => {
  const exchange = new Exchange(lab);
  before(() => exchange.open());

  async function aliceCalls(trunk, early, late) {
    const call = await exchange.answered(trunk, answering(trunk, early, late));
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    if (late === 'no offer') {
      await call.sipp.says(/^CSeq: 1 ACK/m, 2);
    }
    const state = await exchange.finish(call);
    const where = JSON.stringify({ ...trunk, early, late, state });
    assert.deepEqual(state.progress.filter((line) => /SDP/.test(line)),
                     early === 'ringing' ? [] : state.progress.slice(0, 1), where);
    assert.deepEqual(state.odd, [], where);
    assert.equal(state.offers, 0, where);
  }

  async function aliceIsCalled(trunk, late) {
    const number = exchange.number(trunk);
    const call = await exchange.calls(trunk, calling(trunk, late, number), number);
    await exchange.becomes(call, 'rings');
    if (trunk.prack !== 'none') {
      await call.sipp.says(/^CSeq: 2 PRACK/m, 2);
    }
    await exchange.act(call, 'answer');
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    await exchange.finish(call);
  }

  test(`alice calls: ${MODES.length} PRACK x ${EARLY.length} early media x ${LATE.length} late offer x ` +
           `${MODES.length} session timer`, { timeout: 170000 }, async () => {
    const calls = await runAll(trunks, (trunk) => EARLY.flatMap(
        (early) => LATE.map((late) => () => aliceCalls(trunk, early, late))));
    assert.equal(calls, 54);
  });

  test('alice is called: 3 PRACK x 2 late offer x 3 session timer', { timeout: 90000 }, async () => {
    const calls = await runAll(trunks,
                               (trunk) => LATE.map((late) => () => aliceIsCalled(trunk, late)));
    assert.equal(calls, 18);
  });

  after(() => exchange.close());
}, { carrier: false, trunkHost: GATEWAY, carrierHost: '127.0.0.3',
     trunks: trunkEntries(trunks), routes: routeEntries(trunks) });
