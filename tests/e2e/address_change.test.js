// A browser changes its network in a call: its WebSocket is gone, its media comes from elsewhere.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from './support/browser.js';
import { CuttableProxy } from './support/cuttable_proxy.js';
import { RoamingProxy } from './support/roaming_proxy.js';
import { withStage } from './support/stage.js';

const TONE_HZ = 700;
const ADVERTISED = '127.0.0.9';
const HOME = '127.0.0.21';
const AWAY = '127.0.0.22';
const LIMIT_MS = 5000;
const BACK_MS = 45000;  // JsSIP tries again after 2 s, then after up to 4, 8 ... 30 s more

withStage('a browser that changes its network', (stage) => {
  let signalling;
  let media;
  before(async () => {
    const { http, browserMedia } = stage.lab;
    signalling = await CuttableProxy.listen(http);
    media = await RoamingProxy.listen(
        ADVERTISED, browserMedia, { host: '127.0.0.1', port: browserMedia }, HOME);
  });
  after(async () => {
    await signalling?.stop();
    await media?.close();
  });

  test(`hears and is heard again within ${LIMIT_MS} ms of its REGISTER`, { timeout: 90000 },
       async (t) => {
    const phone = await stage.registered('jssip', {
      url: `http://127.0.0.1:${signalling.port}/` });
    const peer = await stage.peer(TONE_HZ);
    await stage.connects(phone, peer);
    await phone.hears(TONE_HZ);
    await peer.hears(MICROPHONE_HZ);

    const from = phone.wire.mark();
    media.move(AWAY);
    signalling.cut(500);
    await phone.wire.sends('REGISTER', '', from, BACK_MS);
    const start = performance.now();
    await Promise.all([phone.hears(TONE_HZ, LIMIT_MS), peer.hears(MICROPHONE_HZ, LIMIT_MS)]);
    const ms = Math.round(performance.now() - start);
    t.diagnostic(`from REGISTER to the tones: ${ms} ms, with the time it takes to hear them`);
    assert.ok(ms <= LIMIT_MS, `${ms} ms`);
    const { toBrowser, toGateway } = media.passed;
    assert.ok(toBrowser >= 25 && toGateway >= 25, `${toBrowser} to, ${toGateway} from the browser`);
    assert.equal((await phone.run('state')).established, true);
    await stage.hangsUp(phone);
  });
}, { advertise: ADVERTISED });
