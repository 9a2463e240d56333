import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { injectScript } from './support/bundle.js';
import { ClientNetwork } from './support/client_network.js';
import { CuttableProxy } from './support/cuttable_proxy.js';
import { Lab } from './support/lab.js';

const AUDIO_BACK_MS = 5000;
const CHANGES = 3;

const network = await ClientNetwork.start().catch((error) => {
  console.log(`skipped: no network namespace can be made here (${error.message})`);
  process.exit(77);
});

for (const [mode, ice] of [['ICE-lite', ''], ['full ICE', '{ mode: full }']]) {
  describe(`a client whose address changes in a call, with ${mode}`, () => {
    let lab;
    let proxy;
    let page;

    before(async () => {
      network.setAddress(2);
      lab = new Lab({ browserHost: network.host, ice,
                     chromium: network.wrap('/usr/bin/chromium') });
      await lab.start();
      proxy = await CuttableProxy.listen(lab.https, network.host);
      page = (await lab.openPage({ url: lab.securePageUrl, context: { bypassCSP: true } })).page;
      await injectScript(page, "import './survival_client.js';");
      await page.evaluate((account) => window.lastmileSurvival.call(account, '601'), {
        url: `wss://${network.host}:${proxy.port}/`, user: 'alice', password: 'alice',
        domain: 'localhost',
      });
    });
    after(async () => {
      await proxy?.stop();
      await lab?.stop();
    });

    for (let change = 1; change <= CHANGES; change++) {
      test(`${change}: audio is back soon after it registers`, { timeout: 60000 }, async (t) => {
        const from = lab.gateway.lines.length;
        const back = page.evaluate(() => window.lastmileSurvival.audioAfterRegistration('alice'));
        // Systems with more than one network abort the connections of the one that is lost.
        proxy.cut(500);
        network.setAddress(2 + change);
        const milliseconds = await back;
        t.diagnostic(`${Math.round(milliseconds)} ms`);
        assert.ok(milliseconds <= AUDIO_BACK_MS, `${milliseconds} ms`);
        await lab.gateway.printed(/leg=browser is back on another connection/, 5000, from);
        await lab.carrierHears(MICROPHONE_HZ, lab.carrier.lines.length);
      });
    }

    test('the browser hangs up, and nothing is left', { timeout: 80000 }, async () => {
      await page.evaluate(() => window.lastmileSurvival.hangUp('alice'));
      await lab.carrier.printed(/number=601 .*cause=bye-received/, 5000);
      await lab.assertNothingLeft();
    });
  });
}

after(() => network.stop());
