import assert from 'node:assert/strict';
import { test } from 'node:test';

import { injectScript } from './support/bundle.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

withLab('digits of an unmodified JsSIP', (lab) => {
  // A page in a call with 604, and what the carrier has recognised since then.
  async function callReader() {
    const from = lab.carrier.lines.length;
    const phone = await lab.openPage({ context: { bypassCSP: true } });
    await injectScript(phone.page, "import './dtmf_client.js';");
    await phone.page.evaluate(async (url) => {
      await window.lastmileDtmf.register(
          { url, user: 'alice', password: 'alice', domain: 'localhost' });
      await window.lastmileDtmf.call('604');
    }, lab.pageUrl.replace('http', 'ws'));
    const understood = () => lab.carrier.lines.slice(from)
        .map((line) => /dtmf .*digit=(\S)/.exec(line)?.[1]).filter(Boolean).join('');
    const understands = (digits) => until(() => understood().length >= digits.length,
                                          `the carrier understands ${digits}`, 15000)
        .catch((error) => {
          throw lab.carrier.explained(error);
        }).then(() => assert.equal(understood(), digits));
    return { phone, page: phone.page, understands };
  }

  async function hangUp({ phone, page }) {
    await page.evaluate(() => window.lastmileDtmf.hangUp());
    assert.deepEqual(phone.errors, []);
    await phone.close();
  }

  test('INFO, its default: every digit once and in order, every INFO answered 200',
       { timeout: 60000 }, async () => {
    const call = await callReader();
    await call.page.evaluate(() => window.lastmileDtmf.press('123#'));
    await call.understands('123#');
    assert.deepEqual(await call.page.evaluate(() => window.lastmileDtmf.answers),
                     [200, 200, 200, 200]);
    await hangUp(call);
  });

  test('INFO as fast as JsSIP can: the digits wait for each other', { timeout: 60000 }, async () => {
    const call = await callReader();
    const digits = '0011223344556677889*';
    await call.page.evaluate((tones) => window.lastmileDtmf.press(
        tones, { duration: 70, interToneGap: 50 }), digits);
    await call.understands(digits);
    await hangUp(call);
  });

  test('RFC2833: telephone-event at the clock of the codec in use', { timeout: 60000 }, async () => {
    const call = await callReader();
    assert.deepEqual(await call.page.evaluate(() => window.lastmileDtmf.events()), ['8000']);
    await call.page.evaluate(() => window.lastmileDtmf.press(
        '123#', { transportType: 'RFC2833', duration: 100, interToneGap: 100 }));
    await call.understands('123#');
    await hangUp(call);
  });

  test('application/dtmf counts too; other INFOs are refused and the call stays up',
       { timeout: 60000 }, async () => {
    const call = await callReader();
    const info = (type, body) => call.page.evaluate(
        (args) => window.lastmileDtmf.info(...args), [type, body]);
    assert.equal((await info('application/dtmf', '7')).status, 200);
    await call.understands('7');
    const malformed = await info('application/dtmf-relay', 'Signal=horn\r\nDuration=100');
    assert.equal(malformed.status, 400);
    assert.match(malformed.warning, /Signal/);
    const foreign = await info('application/json', '{}');
    assert.equal(foreign.status, 415);
    assert.equal(foreign.accept, 'application/dtmf-relay, application/dtmf');
    assert.equal((await info('', '')).status, 200);
    assert.ok(await call.page.evaluate(() => window.lastmileDtmf.isUp()));
    await hangUp(call);
  });
});

withLab('digits for a trunk that wants them by INFO', (lab) => {
  test('no telephone-event is offered, and the carrier gets INFO', { timeout: 60000 }, async () => {
    const phone = await lab.openPage();
    await phone.signIn();
    await phone.dial('604');
    await phone.callBecomes('active');
    await phone.press(['5']);
    // The demo carrier knows no INFO: it is asked, refuses, and the call goes on.
    await lab.gateway.printed(/leg=trunk answered a digit's INFO with 405/, 10000);
    assert.equal(await phone.callState(), 'active');
    await phone.hangUp();
    await phone.callBecomes('ended');
    await phone.close();
  });
}, { trunk: 'dtmf: info' });
