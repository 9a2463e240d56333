import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { injectScript } from '../../e2e/support/bundle.js';
import { withLab } from '../../e2e/support/lab.js';
import { until } from '../../e2e/support/wait.js';
import { RawCarrier } from './support/raw_carrier.js';
import { ToneEar } from './support/tone_ear.js';

const NUMBER = '4930123456';

// A page in a call with the lab's carrier, which is up already.
async function callFrom(lab) {
  const phone = await lab.openPage({ context: { bypassCSP: true } });
  await injectScript(phone.page, "import './dtmf_client.js';");
  await phone.page.evaluate(async ([url, number]) => {
    await window.lastmileDtmf.register({ url, user: 'alice', password: 'alice', domain: 'localhost' });
    await window.lastmileDtmf.call(number);
  }, [lab.pageUrl.replace('http', 'ws'), NUMBER]);
  return {
    press: (tones, options) => phone.page.evaluate(
        (args) => window.lastmileDtmf.press(...args), [tones, options ?? {}]),
    heard: () => phone.page.evaluate(() => window.lastmileDtmf.heard.join('')),
    hangUp: async () => {
      await phone.page.evaluate(() => window.lastmileDtmf.hangUp());
      await phone.close();
    },
  };
}

withLab('a carrier without telephone-event', (lab) => {
  let carrier;
  let ear;
  before(async () => {
    ear = await ToneEar.listen(lab.carrierHost);
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, 'ok');
    carrier.media = () => `m=audio ${ear.port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n`;
  });
  after(async () => {
    await carrier?.stop();
    await ear?.stop();
  });

  test('hears tones, whichever way the page presses its keys; the page is told of its INFOs',
       { timeout: 60000 }, async () => {
    const page = await callFrom(lab);
    await page.press('1590*#', { interToneGap: 100 });
    await until(() => ear.keys.length >= 6, 'six keys by INFO', 10000);
    assert.equal(ear.keys, '1590*#');
    await lab.gateway.printed(/digits go as tones in the audio: the trunk has no telephone-event/);
    await page.press('2468', { transportType: 'RFC2833', duration: 100, interToneGap: 100 });
    await until(() => ear.keys.length >= 10, 'four more by RFC2833', 10000);
    assert.equal(ear.keys, '1590*#2468');

    assert.equal((await carrier.info('application/dtmf', '7')).status, 200);
    assert.equal((await carrier.info('application/dtmf-relay', 'Signal=#\r\nDuration=160')).status, 200);
    assert.equal((await carrier.info('text/plain', 'hello')).status, 415);
    await until(async () => (await page.heard()).length >= 2, 'the page hears two keys', 5000);
    assert.equal(await page.heard(), '7#');
    await page.hangUp();
    await carrier.got('BYE');
    await carrier.stop();
  });
}, { carrier: false });

withLab('a carrier that wants INFO', (lab) => {
  let carrier;
  after(() => carrier?.stop());

  test('gets INFO, and is offered no telephone-event', { timeout: 60000 }, async () => {
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, 'ok');
    const page = await callFrom(lab);
    assert.doesNotMatch((await carrier.got('INVITE')).body, /telephone-event/);
    const signals = () => carrier.messages.filter(({ method }) => method === 'INFO')
        .map(({ body }) => /^Signal=(.)\r\nDuration=\d+\r\n$/.exec(body)?.[1] ?? '?').join('');
    await page.press('5R', { interToneGap: 100 });
    await until(() => signals().length >= 2, 'two INFOs', 5000);
    await page.press('69', { transportType: 'RFC2833', duration: 100, interToneGap: 100 });
    await until(() => signals().length >= 4, 'two more', 5000);
    assert.equal(signals(), '5!69');
    assert.equal((await carrier.got('INFO')).header('content-type'), 'application/dtmf-relay');
    await page.hangUp();
    await carrier.got('BYE');
    await carrier.stop();
  });
}, { carrier: false, trunk: 'dtmf: info' });
