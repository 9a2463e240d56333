import assert from 'node:assert/strict';
import { test } from 'node:test';

import { injectScript } from './support/bundle.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

const IN_A_ROW = 200;
const AT_ONCE = 20;

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

withLab('many calls', (lab) => {
  let page;

  test('the load page registers', { timeout: 60000 }, async () => {
    const phone = await lab.openPage({ context: { bypassCSP: true } });
    page = phone.page;
    await injectScript(page, "import './load_client.js';");
    await page.evaluate((url) => window.lastmileLoad.register(
        { url, user: 'alice', password: 'alice', domain: 'localhost' }),
                        lab.pageUrl.replace('http', 'ws'));
  });

  test(`${IN_A_ROW} calls in a row`, { timeout: 170000 }, async (t) => {
    const timings = await page.evaluate(async (count) => {
      const all = [];
      for (let i = 0; i < count; i++) {
        all.push(await window.lastmileLoad.call('601'));
      }
      return all;
    }, IN_A_ROW);
    assert.equal(timings.length, IN_A_ROW);
    t.diagnostic(`INVITE to 200: ${Math.round(median(timings.map((x) => x.answeredMs)))} ms, ` +
        `to audio: ${Math.round(median(timings.map((x) => x.heardMs)))} ms (medians)`);
  });

  test(`${AT_ONCE} calls at once`, { timeout: 60000 }, async (t) => {
    const timings = await page.evaluate((count) => Promise.all(
        Array.from({ length: count }, () => window.lastmileLoad.call('601', 40000))), AT_ONCE);
    assert.equal(timings.length, AT_ONCE);
    t.diagnostic(`to audio: ${Math.round(Math.max(...timings.map((x) => x.heardMs)))} ms (slowest)`);
  });

  test('no call is left once they are over', { timeout: 10000 }, async () => {
    // The page hears of the end before the media of the call is closed.
    let left = {};
    await until(async () => {
      const { calls, sessions, ports } = await lab.gauges();
      left = { calls, sessions, ports };
      return calls + sessions + ports === 0;
    }, 'nothing is left', 3000).catch(() => {
      assert.deepEqual(left, { calls: 0, sessions: 0, ports: 0 });
    });
    await page.evaluate(() => window.lastmileLoad.stop());
  });
});
