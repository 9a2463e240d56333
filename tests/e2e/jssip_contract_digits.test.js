// JsSIP 3.13.8 sends digits as INFO unless it is told otherwise, and takes them so alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withStage } from './support/stage.js';
import { until } from './support/wait.js';

const DIGITS = '15#';

withStage('JsSIP and digits', (stage) => {
  test('J14 digits that JsSIP sends as INFO reach the carrier in its audio', { timeout: 40000 },
       async () => {
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    await peer.hears(440);
    await phone.run('digits', DIGITS, { duration: 100, interToneGap: 500 });
    await until(() => peer.digits().length >= DIGITS.length, 'the carrier gets the digits');
    assert.equal(peer.digits(), DIGITS);
    // The browser tells of its frames later than the carrier of its tones.
    await until(() => phone.wire.received('SIP/2.0 200', ' INFO').length >= DIGITS.length,
                'every INFO is answered 200');
    assert.equal(phone.wire.sent('INFO').length, DIGITS.length);
    assert.equal(phone.wire.received('SIP/2.0 200', ' INFO').length, DIGITS.length);
    assert.deepEqual(stage.carrier.requests('INFO', { call: stage.call }), []);
    await stage.hangsUp(phone);
  });

  test('J14 a digit that the carrier sends as application/dtmf is one that JsSIP takes',
       { timeout: 40000 }, async () => {
    const phone = await stage.registered();
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    const answer = await stage.call.request('INFO', { body: '5', type: 'application/dtmf' });
    assert.equal(answer.status, 200);
    const { tone, by } = await phone.sees('digit');
    assert.deepEqual({ tone, by }, { tone: '5', by: 'remote' });
    await stage.hangsUp(phone);
  });
});
