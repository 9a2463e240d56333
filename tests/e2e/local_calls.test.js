// One browser calls another one of the same gateway: what both hear, and that no carrier is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { injectScript } from './support/bundle.js';
import { withBriefLab } from './support/lab.js';
import { withStage } from './support/stage.js';
import { until } from './support/wait.js';

const ROUTES = '  - { name: browsers, to: "^[a-z]", user: "$0" }\n';
const CARRIER_HZ = 700;
const FRAMES = 30;

withStage('a browser calls a browser', (stage) => {
  // Alice's and Bob's pages, each with a tone of the same microphone.
  const both = async () => ({ alice: await stage.registered('jssip', { user: 'alice' }),
                              bob: await stage.registered('jssip', { user: 'bob' }) });
  const answers = async (phone, from) => {
    assert.equal((await phone.sees('incoming')).from, from);
    await phone.run('answer');
    await phone.sees('confirmed');
  };
  const talking = async () => {
    const { alice, bob } = await both();
    await alice.run('call', 'bob');
    await answers(bob, 'alice');
    await alice.sees('confirmed');
    return { alice, bob };
  };
  const hearEachOther = (...phones) => Promise.all(phones.map((phone) => phone.hears(MICROPHONE_HZ)));

  test('both hear each other with Opus, a hold is silence, and the callee hangs up',
       { timeout: 60000 }, async () => {
    const { alice, bob } = await talking();
    await hearEachOther(alice, bob);
    assert.equal(await alice.run('codec'), 'audio/opus');
    assert.equal(await bob.run('codec'), 'audio/opus');
    await alice.run('hold');
    await bob.sees('hold');
    await bob.isSilent();
    await alice.run('resume');
    await bob.sees('unhold');
    await hearEachOther(alice, bob);
    await bob.run('hangUp');
    assert.equal((await alice.sees('ended')).by, 'remote');
    assert.deepEqual(stage.carrier.messages, []);
    const records = await until(() => stage.lab.callRecords().length === 2 && stage.lab.callRecords(),
                                'both calls leave a record');
    assert.deepEqual(records.map(({ trunk }) => trunk), ['local', 'local']);
  });

  test('the caller hangs up', { timeout: 60000 }, async () => {
    const { alice, bob } = await talking();
    await hearEachOther(alice, bob);
    await alice.run('hangUp');
    assert.equal((await bob.sees('ended')).by, 'remote');
  });

  test('who is unknown, away or busy is told as of a carrier', { timeout: 60000 }, async () => {
    const alice = await stage.registered('jssip', { user: 'alice' });
    for (const [name, status] of [['nobody', 404], ['bob', 480]]) {
      await alice.forget();
      await alice.run('call', name);
      assert.equal((await alice.sees('failed')).status, status);
    }
    const bob = await stage.registered('jssip', { user: 'bob' });
    await alice.forget();
    await alice.run('call', 'bob');
    await bob.sees('incoming');
    await bob.run('hangUp');
    assert.equal((await alice.sees('failed')).status, 480);  // what JsSIP declines with
  });

  test('blind: Alice gives a call of the carrier to Bob', { timeout: 60000 }, async () => {
    const { alice, bob } = await both();
    const peer = await stage.peer(CARRIER_HZ);
    await stage.connects(alice, peer);
    const { call } = stage;
    await alice.run('transfer', 'bob');
    await answers(bob, 'alice');
    await alice.sees('ended');
    await until(() => call.reinvites.length > 0, 'the carrier is moved to the bridge');
    peer.send(call.reinvites.at(-1).body);
    await bob.hears(CARRIER_HZ);
    await peer.hears(MICROPHONE_HZ);
    await bob.run('hangUp');
    await stage.carrier.got('BYE', { call });
  });

  test('attended: Alice asks Bob first', { timeout: 60000 }, async () => {
    const { alice, bob } = await both();
    const peer = await stage.peer(CARRIER_HZ);
    await stage.connects(alice, peer);
    const { call } = stage;
    await alice.run('hold');
    await until(() => call.reinvites.length === 1, 'the carrier is told of the hold');
    await alice.run('keep');
    await alice.forget();
    await alice.run('call', 'bob');
    await answers(bob, 'alice');
    await alice.sees('confirmed');
    await alice.hears(MICROPHONE_HZ);  // Bob's: JsSIP's hold has muted Alice's for both calls
    await alice.run('join');
    await alice.sees('transfer:accepted');
    await until(() => call.reinvites.length === 2, 'the carrier is moved to the bridge');
    peer.send(call.reinvites.at(-1).body);
    await bob.hears(CARRIER_HZ);
    await peer.hears(MICROPHONE_HZ);
    assert.equal((await call.request('BYE')).status, 200);
    await bob.sees('ended');
  });
}, { routes: ROUTES });

withBriefLab('the demo page calls another demo page', (lab) => {
  test('by name', { timeout: 60000 }, async () => {
    const [alice, bob] = [await lab.openPage(), await lab.openPage()];
    await alice.signIn({ user: 'alice' });
    await bob.signIn({ user: 'bob' });
    await alice.dial('bob');
    assert.equal(await bob.callBecomes('incoming'), 'alice is calling.');
    await bob.answer();
    await alice.callBecomes('active');
    await bob.callBecomes('active');
    await Promise.all([alice.hears(MICROPHONE_HZ), bob.hears(MICROPHONE_HZ)]);
    await alice.hangUp();
    await bob.callBecomes('ended');
    assert.deepEqual([...alice.errors, ...bob.errors], []);
    await lab.closePages();
  });

  test('with video, where both pages have it', { timeout: 60000 }, async () => {
    const pages = [];
    for (const user of ['alice', 'bob']) {
      const { page } = await lab.openPage({ context: { bypassCSP: true } });
      await injectScript(page, "import './video_client.js';");
      await page.evaluate((account) => window.lastmileVideo.register(account), lab.account(user));
      pages.push(page);
    }
    const [alice, bob] = pages;
    await bob.evaluate(() => window.lastmileVideo.answer());
    await alice.evaluate(() => window.lastmileVideo.call('bob'));
    for (const page of pages) {
      assert.equal(await page.evaluate(() => window.lastmileVideo.sections()),
                   'audio:open video:open');
      await until(() => page.evaluate(async (frames) =>
        await window.lastmileVideo.framesDecoded() >= frames, FRAMES), `${FRAMES} frames`, 20000);
    }
    await alice.evaluate(() => window.lastmileVideo.hangUp());
    await lab.closePages();
  });
}, { routes: ROUTES });
