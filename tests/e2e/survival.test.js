import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { injectScript } from './support/bundle.js';
import { CuttableProxy } from './support/cuttable_proxy.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

// How many calls lose their WebSocket for how many seconds.
const CUTS = [[1, 20], [10, 15], [30, 10], [59, 5]];
// JsSIP waits up to 30 s between two tries.
const BACK_MS = 95000;
const LOOK_EVERY_MS = 2000;

const USERS = CUTS.flatMap(
    ([seconds, count]) => Array.from({ length: count }, (_, i) => `cut${seconds}s${i}`));

withLab('50 calls whose WebSockets are cut', (lab) => {
  const proxies = new Map();
  let page;
  let atTheCut;

  before(async () => {
    for (const [seconds] of CUTS) {
      proxies.set(seconds, await CuttableProxy.listen(lab.http));
    }
  });
  after(() => Promise.all([...proxies.values()].map((proxy) => proxy.stop())));

  const secondsOf = (user) => Number(/^cut(\d+)s/.exec(user)[1]);
  const look = () => page.evaluate(() => window.lastmileSurvival.look());

  test('they stand', { timeout: 60000 }, async () => {
    const phone = await lab.openPage({ context: { bypassCSP: true } });
    page = phone.page;
    await injectScript(page, "import './survival_client.js';");
    for (const user of USERS) {
      const account = { url: `ws://127.0.0.1:${proxies.get(secondsOf(user)).port}/`, user,
                        password: user, domain: 'localhost' };
      await page.evaluate((known) => window.lastmileSurvival.call(known, '601'), account);
    }
    assert.equal((await look()).length, USERS.length);
  });

  test('no RTP is lost by it, and each browser is offered a new path when it is back',
       { timeout: BACK_MS + 30000 }, async () => {
    atTheCut = new Map((await look()).map((call) => [call.user, call]));
    for (const [seconds, proxy] of proxies) {
      proxy.cut(seconds * 1000);
    }
    await until(async () => (await look()).every((call) => !call.connected), 'all are cut', 2000);
    let last = atTheCut;
    await sleep(LOOK_EVERY_MS);
    await until(async () => {
      const calls = await look();
      for (const { user, received, lost, ended } of calls) {
        assert.equal(ended, null, user);
        assert.equal(lost, atTheCut.get(user).lost, `${user} lost packets`);
        assert.ok(received > last.get(user).received, `${user} received nothing for 2 s`);
      }
      last = new Map(calls.map((call) => [call.user, call]));
      return calls.every(
          ({ connected, reoffered, user }) => connected && reoffered > atTheCut.get(user).reoffered);
    }, 'all are back', BACK_MS, LOOK_EVERY_MS);
  });

  test('BYE works from both sides afterwards, and the carrier had every packet',
       { timeout: 30000 }, async () => {
    const last = await look();
    const byBrowser = USERS.filter((_, i) => i % 2 === 0);
    await page.evaluate((users) => users.forEach((user) => window.lastmileSurvival.hangUp(user)),
                        byBrowser);
    await until(() => lab.carrier.lines.filter((line) => /cause=bye-received/.test(line)).length ===
        byBrowser.length, 'the carrier has the BYEs of the browsers', 10000);
    await lab.carrier.stop();
    await until(async () => (await look()).every(({ ended }) => ended), 'all have ended', 10000);
    const originators = (await look()).map(({ ended }) => ended.originator);
    assert.deepEqual(originators, USERS.map((_, i) => (i % 2 === 0 ? 'local' : 'remote')));
    await until(() => lab.callRecords().length === USERS.length, 'one record a call', 10000);
    const records = new Map(lab.callRecords().map((record) => [record.user, record]));
    for (const { user, sent } of last) {
      const { packets, dropped } = records.get(user).media.to_trunk;
      assert.ok(packets >= sent, `${user} sent ${sent}, the carrier got ${packets}`);
      assert.equal(dropped, 0, user);
    }
  });

  // Chromium reports on what it gets, the demo carrier does not.
  test('each call has left the quality of its audio', () => {
    for (const { user, quality: { browser, trunk } } of lab.callRecords()) {
      const text = `${user} ${JSON.stringify({ browser, trunk })}`;
      assert.ok(browser.rtt_ms >= 0 && browser.rtt_ms < 1000, text);
      for (const stream of [browser.received, browser.sent, trunk.received]) {
        assert.ok(stream.packets > 500 && stream.loss < 0.01, text);
        assert.ok(stream.mos > 4 && stream.mos < 4.41, text);
      }
      assert.ok(trunk.sent === null && trunk.rtt_ms === null, text);
    }
  });
}, { users: USERS });
