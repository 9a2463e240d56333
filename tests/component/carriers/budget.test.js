import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ROOT, withBriefLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { RawCarrier } from './support/raw_carrier.js';
import { WsCaller } from './support/raw_caller.js';

// Whatever makes an INVITE long, here headers that the page adds: it leaves over its trunk's budget
// of 1,300 bytes only where the trunk allows that, and the log says why.
const OFFER = readFileSync(join(ROOT, 'tests/corpora/sdp/chromium-156-audio-offer.sdp'));
const BUDGET = 1300;
const HEADERS = Array.from({ length: 6 }, (_, i) => `X-Page-${i}`);
const MAPPED = `headers: { to_trunk: { ${HEADERS.map((name) => `${name}: ${name}`).join(', ')} } }`;
const HEADER_BYTES = 200;
const STRICT = { host: '127.0.1.30', port: (await freePorts(1))[0] };

withBriefLab('the budget of an INVITE', (lab) => {
  let carrier;
  let strict;
  let caller;

  before(async () => {
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, [486, 'Busy Here']);
    strict = await RawCarrier.listen(STRICT.host, STRICT.port, [486, 'Busy Here']);
    caller = await WsCaller.register(lab.http, 'bob');
  });
  after(async () => {
    await caller.stop();
    await carrier.stop();
    await strict.stop();
  });

  // A call with that many bytes in headers of the page. Returns the final response, the INVITE that
  // the carrier got, and what the log says.
  async function calls(number, bytes, to = carrier) {
    const [line, message] = [lab.gateway.lines.length, to.messages.length];
    const { response } = await caller.request('INVITE', `sip:${number}@localhost`, {
      to: `sip:${number}@localhost`, body: OFFER,
      fields: HEADERS.map((name, i) => {
        const left = Math.min(HEADER_BYTES, bytes - i * HEADER_BYTES);
        return left > 0 ? `${name}: ${'z'.repeat(left)}` : null;
      }).filter(Boolean) });
    await lab.gateway.printed(/-> ended: /, 10000, line);
    const invite = to.messages.slice(message).find(({ method }) => method === 'INVITE');
    return { response, invite, log: lab.gateway.lines.slice(line).join('\n') };
  }
  const sdpOf = ({ body }) => `bytes, ${body.length} of them SDP`;

  test('an INVITE that fits leaves with a whole SDP and without a word', async () => {
    const { response, invite, log } = await calls('4930', 100);
    assert.equal(response.status, 486);
    assert.ok(invite.bytes.length <= BUDGET);
    assert.match(invite.body, /a=rtpmap:8 PCMA/);
    assert.doesNotMatch(log, /budget/);
  });

  test('one that fits because its SDP became shorter: the log names each edit', async (t) => {
    const bytes = 400;  // one more needs a header more, and that a name
    const { invite: short } = await calls('4930', bytes);
    const room = BUDGET - short.bytes.length;
    assert.ok(room > 0 && room < HEADER_BYTES - 40, `${room} bytes`);
    const { response, invite, log } = await calls('4930', bytes + room);
    assert.equal(response.status, 486);
    assert.ok(invite.bytes.length <= BUDGET, `${invite.bytes.length} bytes`);
    assert.ok(invite.body.length < short.body.length);
    assert.ok(log.includes(
        `${sdpOf(invite)}, within the trunk's budget (invite 1300, sdp 1300): the SDP had `), log);
    assert.match(log, / bytes before budget\.events \(over budget: events 0 to 15 are what no line/);
    t.diagnostic(/leg=trunk (INVITE of .*)/.exec(log)[1]);
  });

  test('one that cannot be made to fit is sent, with two warnings that say why', async (t) => {
    const { response, invite, log } = await calls('4930', 1200);
    assert.equal(response.status, 486);
    const bytes = invite.bytes.length;
    assert.ok(bytes > BUDGET, `${bytes} bytes`);
    assert.ok(log.includes(`${sdpOf(invite)}, over the trunk's budget`), log);
    assert.match(log, /nothing else can be taken out of it/);
    assert.ok(log.includes(`an INVITE of ${bytes} bytes is over its budget of ${BUDGET}: ` +
        `${bytes - invite.body.length} are its head, ${invite.body.length} its SDP; ` +
        `call-id=${invite.header('call-id')} cseq=1`), log);
    assert.doesNotMatch(log, /zzzz/, 'the log has what the page sent');
    t.diagnostic(/leg=trunk (flow=\d+ to trunk .*)/.exec(log)[1]);
  });

  test('where the trunk says so it is refused instead, and nothing leaves', async () => {
    const { response, invite, log } = await calls('99', 1200, strict);
    assert.equal(response.status, 513);
    assert.equal(invite, undefined);
    assert.match(log, /over the trunk's budget/);
  });
}, { browser: false, carrier: false, trunk: MAPPED, trunks: `  strict:
    servers: [ "${STRICT.host}:${STRICT.port}" ]
    ${MAPPED}
    budget: { over: refuse }
`, routes: '  - { to: "^99", trunk: strict }\n' });
