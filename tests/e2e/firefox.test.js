// An unmodified JsSIP in a stock Firefox. Ends with 77 where Firefox is not installed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ClientPage } from './support/client_page.js';
import { Firefox, firefoxIsInstalled, MICROPHONE_HZ } from './support/firefox.js';
import { withStage } from './support/stage.js';
import { until } from './support/wait.js';

const SKIPPED = 77;  // CTest's SKIP_RETURN_CODE
const TONE_HZ = 700;

if (!firefoxIsInstalled()) {
  console.log('skipped: firefox-esr is not installed');
  process.exit(SKIPPED);
}

withStage('Firefox', (stage) => {
  let firefox;
  let phone;
  let peer;

  before(async () => {
    firefox = await Firefox.launch();
    const page = await firefox.open(stage.lab.pageUrl);
    phone = await ClientPage.open(page.evaluate, 'jssip');
    await phone.registers(stage.lab.account('alice'));
  });
  after(() => firefox?.close());

  async function heardBothWays() {
    await phone.hears(TONE_HZ, 20000);
    await peer.hears(MICROPHONE_HZ, 20000);
  }

  test('calls: a tone each way, hold and resume, and hangs up', { timeout: 90000 }, async () => {
    peer = await stage.peer(TONE_HZ);
    await stage.connects(phone, peer);
    await heardBothWays();
    await phone.run('hold');
    await phone.sees('hold');
    await until(() => stage.call.reinvites.length === 1, 'the carrier is told of the hold');
    assert.match(stage.call.reinvites[0].body, /a=sendonly/);
    await phone.isSilent();
    await phone.run('resume');
    await phone.sees('unhold');
    await heardBothWays();
    await stage.hangsUp(phone);
  });

  test('is called, answers, hears and is heard, and the carrier hangs up', { timeout: 60000 },
       async () => {
    await phone.forget();
    peer = await stage.peer(TONE_HZ);
    const call = await stage.carrier.call(stage.trunk, 'alice', stage.carrier.sdp(peer.port));
    await phone.sees('incoming');
    await phone.run('answer');
    await phone.sees('confirmed');
    await call.gets(200);
    peer.send(call.offer);
    await heardBothWays();
    assert.equal((await call.request('BYE')).status, 200);
    assert.equal((await phone.sees('ended')).by, 'remote');
  });
}, { browser: false });
