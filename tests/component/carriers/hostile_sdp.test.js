import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ROOT, withLab } from '../../e2e/support/lab.js';
import { mutated, seeded } from './support/mutation.js';
import { TrunkCaller, WsCaller } from './support/raw_caller.js';

const TONE_HZ = 880;
const BUSY = '602';
const LIMIT_MS = 20;
const ATTEMPTS = 5;
const MUTATIONS = 200;
const SEED = 20240601;

// Hangs sofia-sip's SDP parser for ever.
const HANGING_LINE = 'm=audio 9 UDP/TLS/RTP/SAVPF 111 \u00c4\r\n';
const SESSION = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
const HANGING = [
  ['in a session', Buffer.from(SESSION + HANGING_LINE)],
  ['alone', Buffer.from(HANGING_LINE)],
];
// A WebSocket carries no text but UTF-8.
const HANGING_ON_TRUNKS = [
  ...HANGING, ['in Latin-1', Buffer.from(SESSION + HANGING_LINE, 'latin1')],
];

const BROWSER_OFFER = readFileSync(join(ROOT, 'tests/corpora/sdp/chromium-156-audio-offer.sdp'));
const TRUNK_OFFER = Buffer.from(
    'v=0\r\no=carrier 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
    'm=audio 9000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n' +
    'a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n');

function isUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes) !== null;
  } catch {
    return false;
  }
}

withLab('hostile SDP', (lab) => {
  let phone;
  let user;
  const sides = [
    { name: 'a browser', offer: BROWSER_OFFER, hanging: HANGING, called: BUSY,
      connect: () => WsCaller.register(lab.http, 'bob') },
    { name: 'a trunk', offer: TRUNK_OFFER, hanging: HANGING_ON_TRUNKS, called: 'bob',
      connect: () => TrunkCaller.connect(lab.trunkHost, lab.sip) },
  ];

  before(async () => {
    phone = await lab.openPage();
    await phone.signIn({ user: 'alice' });
    await phone.dial('601');
    await phone.callBecomes('active');
    await phone.hears(TONE_HZ);
    user = await WsCaller.register(lab.http, 'bob');
  });
  after(() => user?.stop());

  for (const side of sides) {
    for (const [place, sdp] of side.hanging) {
      test(`the line that hangs parsers, ${place}, from ${side.name}`, { timeout: 30000 },
           async (t) => {
             const caller = await side.connect();
             let best = Infinity;
             for (let i = 0; i < ATTEMPTS; ++i) {
               const { response, ms } = await caller.invite(side.called, sdp);
               assert.ok([400, 488].includes(response?.status), response?.line ?? 'closed');
               best = Math.min(best, ms);
             }
             t.diagnostic(`answered in ${best.toFixed(1)} ms (best of ${ATTEMPTS})`);
             assert.ok(best <= LIMIT_MS, `${best} ms`);
             await caller.stop();
             await phone.hears(TONE_HZ);
             assert.equal(await phone.callState(), 'active');
           });
    }

    test(`the unchanged offer from ${side.name} is good`, { timeout: 30000 }, async () => {
      const caller = await side.connect();
      const { response } = await caller.invite(side.called, side.offer);
      assert.equal(response?.status, 486, response?.line);
      await caller.stop();
    });

    test(`${MUTATIONS} mutations of it are answered, or end a WebSocket that is not UTF-8`, { timeout: 120000 },
         async (t) => {
           const random = seeded(SEED);
           const outcomes = {};
           let slowest = 0;
           let caller = await side.connect();
           for (let i = 0; i < MUTATIONS; ++i) {
             const sdp = mutated(side.offer, random);
             const { response, ms } = await caller.invite(side.called, sdp);
             assert.ok(!response || (response.status >= 400 && response.status < 600),
                       `${response?.line} to\n${sdp}`);
             assert.ok(response || !isUtf8(sdp), `the connection was closed by\n${sdp}`);
             const outcome = response?.status ?? 'closed';
             outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
             slowest = Math.max(slowest, ms);
             if (!response) {
               caller = await side.connect();
             }
           }
           t.diagnostic(`${JSON.stringify(outcomes)}, slowest ${slowest.toFixed(1)} ms`);
           assert.ok(outcomes[486] > 0 && outcomes[486] < MUTATIONS, 'some are good, some are not');
           await caller.stop();
           await phone.hears(TONE_HZ);
           assert.equal(await phone.callState(), 'active');
         });
  }

  test('the call next to it went on all the time', { timeout: 30000 }, async () => {
    const { calls, sessions } = await lab.gauges();
    assert.deepEqual({ calls, sessions }, { calls: 1, sessions: 1 });
    await phone.hears(TONE_HZ);
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You hung up.');
    await user.stop();
  });
});
