import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { injectScript } from '../../e2e/support/bundle.js';
import { withLab } from '../../e2e/support/lab.js';
import { PunctualCarrier } from './support/punctual_carrier.js';

const CALLS = 100;
const RING_MS = 400;
const P99_MS = 40;

for (const earlyMedia of [false, true]) {
  withLab(`a carrier that answers and talks at once, ${earlyMedia ? '183 with' : '180 without'} SDP`,
          (lab) => {
    let carrier;
    let page;

    before(async () => {
      carrier = await PunctualCarrier.listen(lab.carrierHost, lab.carrierSip,
                                             { ringMs: RING_MS, earlyMedia });
    });
    after(() => carrier?.stop());

    test('its first word is heard', { timeout: 150000 }, async (t) => {
      const phone = await lab.openPage({ context: { bypassCSP: true } });
      page = phone.page;
      await injectScript(page, "import './punctual_client.js';");
      await page.evaluate((url) => window.lastmilePunctual.register(
          { url, user: 'alice', password: 'alice', domain: 'localhost' }),
                          lab.pageUrl.replace('http', 'ws'));
      const calls = [];
      for (let i = 0; i < CALLS; i++) {
        calls.push(await page.evaluate(() => window.lastmilePunctual.call('100')));
      }
      const times = calls.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
      const p99 = times[Math.ceil(0.99 * CALLS) - 1];
      t.diagnostic(`200 to the first packet: median ${times[CALLS / 2].toFixed(1)} ms, ` +
          `p99 ${p99.toFixed(1)} ms`);
      // Without early media it may be here before the 200 says where it comes from.
      const late = calls.filter(({ number }) => number > 1);
      assert.deepEqual(late, [], 'calls that miss some of it');
      assert.ok(p99 <= P99_MS, `p99 ${p99} ms`);
      await page.evaluate(() => window.lastmilePunctual.stop());
      await carrier.stop();
    });
  }, { carrier: false });
}
