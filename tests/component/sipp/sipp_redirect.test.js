import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import {
  answer, GATEWAY, goTo, hungUp, invited, label, requested, scenario, sdp,
} from './support/scenario.js';
import { Exchange, makeTrunks, routeEntries, trunkEntries } from './support/trunks.js';

// Carriers that send a call elsewhere. JsSIP sees none of it but the answer, or why there is none.

const [trunk] = await makeTrunks();
trunk.redirect = 'follow';
const SECOND = `${trunk.prefix}999`;

const moved = (number) =>
    answer(302, 'Moved Temporarily', { fields: [`Contact: <sip:${number}@elsewhere.example>`] });
// One call of SIPp for each INVITE: those to the second number go another way.
const byNumber = (first, second) => [
  invited({ branch: { when: `INVITE sip:${SECOND}@`, next: 'second' } }),
  ...first, goTo('end'), label('second'), ...second, label('end'),
];

withLab('SIPp redirects', (lab) => {
  const exchange = new Exchange(lab);
  before(() => exchange.open());
  after(() => exchange.close());

  const fails = (call) => exchange.becomes(call, 'failed').then((state) => state.failed);

  test('302 and another number that answers', { timeout: 60000 }, async () => {
    const call = await exchange.answered(trunk, scenario('moved', byNumber(
        [moved(SECOND), requested('ACK')],
        [answer(180, 'Ringing'), answer(200, 'OK', { body: sdp() }), requested('ACK'), ...hungUp()])),
                                         60, { invites: 2 });
    await exchange.becomes(call, 'heard', (state) => state.confirmed && state.heard);
    await call.sipp.says(/^INVITE /m, 2);
    await exchange.finish(call);
  });

  test('302 in a circle', { timeout: 60000 }, async () => {
    const first = exchange.number(trunk);
    const call = await exchange.answered(trunk, scenario('circle', byNumber(
        [moved(SECOND), requested('ACK')], [moved(first), requested('ACK')])),
                                         60, { invites: 2, number: first });
    assert.equal(await fails(call), 'Unavailable');
    await call.sipp.succeeds();
  });

  test('302 to a number that no route leads to', { timeout: 60000 }, async () => {
    const call = await exchange.answered(trunk, scenario('no route', [
      invited(), moved('premium'), requested('ACK'),
    ]));
    assert.equal(await fails(call), 'Unavailable');
    await call.sipp.succeeds();
  });
}, { carrier: false, trunkHost: GATEWAY, carrierHost: '127.0.0.3',
     trunks: trunkEntries([trunk]), routes: routeEntries([trunk]) });
