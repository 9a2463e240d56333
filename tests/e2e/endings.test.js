import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withLab } from './support/lab.js';

withLab('ends of calls', (lab) => {
  const refusals = [
    ['602', 'Busy', /^602 is busy \(486 from the carrier/],
    ['699', 'Not Found', /^699 does not exist \(SIP 404/],
    ['608', 'Rejected', /^608 declined the call \(603 from the carrier/],
  ];
  test('refusals carry the right cause, in words too', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    for (const [number, cause, words] of refusals) {
      await phone.dial(number);
      await phone.callEnds(number);
      assert.deepEqual(await phone.ending(), { cause, originator: 'remote' });
      assert.match(await phone.words(), words);
    }
    await phone.close();
  });

  test('a wrong password is told in words and does not register', { timeout: 30000 }, async () => {
    const phone = await lab.openPage();
    await phone.submitAccount({ user: 'alice', password: 'wrong' });
    assert.match(await phone.registrationBecomes('failed'), /^Wrong user name or password/);
    await phone.submitAccount({ user: 'mallory', password: 'mallory' });
    assert.match(await phone.registrationBecomes('failed'), /^Wrong user name or password/);
    await phone.signIn();
    await phone.close();
  });

  test('hanging up while 610 rings cancels the call at the carrier', { timeout: 30000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('610');
    await phone.callBecomes('ringing');
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You cancelled the call.');
    assert.deepEqual(await phone.ending(), { cause: 'Canceled', originator: 'local' });
    await lab.carrier.printed(/number=610 .*cause=cancelled/, 5000, from);
    await phone.close();
  });

  test('611 hangs up by itself', { timeout: 30000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('611');
    await phone.callBecomes('active');
    assert.match(await phone.callBecomes('ended'), /^611 hung up/);
    assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
    await phone.close();
  });

  test('a tab closed while it rings cancels the call at the carrier', { timeout: 30000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('610');
    await phone.callBecomes('ringing');
    await phone.close();
    await lab.carrier.printed(/number=610 .*cause=cancelled/, 5000, from);
  });

  test('a tab closed in a call ends it at the carrier', { timeout: 40000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('601');
    await phone.callBecomes('active');
    await phone.hears(880);
    await phone.close();
    await lab.carrier.printed(/number=601 .*cause=bye-received/, 15000, from);
  });

  // 609 is a 503 with Retry-After: 5.
  test('a carrier that wants to be left alone gets no call for so long', { timeout: 40000 }, async () => {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage();
    await phone.signIn();
    for (const number of ['609', '611']) {
      await phone.dial(number);
      await phone.callEnds(number);
      assert.deepEqual(await phone.ending(), { cause: 'SIP Failure Code', originator: 'remote' });
      assert.match(await phone.words(), /^The service cannot take the call right now \(SIP 503/);
    }
    assert.ok(!lab.carrier.lines.slice(from).some((line) => line.includes('number=611')));
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await phone.dial('611');
    await phone.callBecomes('active');
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
});
