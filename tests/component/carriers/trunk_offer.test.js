import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { gatewayProgram, withLab } from '../../e2e/support/lab.js';
import { until } from '../../e2e/support/wait.js';
import { RawCarrier } from './support/raw_carrier.js';
import { SipMessage } from './support/sip_text.js';

const NUMBER = '4930123456';
const MAX_SDP = 300;
const SDP_LINE = new RegExp('^(v=0|o=.*|s=.*|c=IN IP4 [0-9.]+|t=0 0|m=audio \\d+ RTP/AVP( \\d+)+|' +
                            'a=(rtpmap|fmtp|ptime|maxptime|rtcp):.*|a=sendrecv)$');
const WEBRTC = new RegExp('ice|dtls|fingerprint|setup|candidate|group|bundle|mid|msid|ssrc|' +
                          'extmap|rtcp-fb|mux|rid|trickle|tls|savp|avpf', 'i');

// What the two INVITEs may share: SIP's and SDP's own words, the number, the user who calls.
const COMMON_WORDS = new Set([
  'INVITE', 'SIP/2.0', 'transport', 'branch', 'Max-Forwards', 'Call-ID', 'Contact', 'Content-Type',
  'Content-Length', 'application/sdp', 'Supported', 'timer', 'CANCEL', 'OPTIONS', 'UPDATE', 'REFER',
  'MESSAGE', 'NOTIFY', 'replaces', 'audio', 'rtpmap', 'PCMA/8000', 'PCMU/8000',
  'telephone-event/8000', 'sendrecv', 'alice', 'Allow', 'User-Agent', 'Lastmile', 'Session-Expires',
  NUMBER,
]);
const ADDRESS = /\b(\d+\.\d+\.\d+\.\d+|\w+-[\w-]+\.local)\b/g;
// Magic at the start of every branch (RFC 3261 section 8.1.1.7).
const BRANCH_MAGIC = /^z9hG4bK/;

const wordsOf = (text) => new Set(text.split(/[^\w.+/-]+/)
    .map((word) => word.replace(BRANCH_MAGIC, ''))
    .filter((word) => word.length >= 5));

withLab("the trunk's offer", (lab) => {
  let carrier;
  let browserInvite;
  let invite;

  test('Chromium calls a carrier that writes it down', { timeout: 60000 }, async () => {
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, [486, 'Busy Here']);
    const phone = await lab.openPage();
    const sent = [];
    phone.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      sent.push(new SipMessage(Buffer.from(payload)));
    }));
    await phone.signIn();
    await phone.dial(NUMBER);
    await phone.callEnds(NUMBER);
    invite = await carrier.got('INVITE');
    await until(() => carrier.messages.some(({ method }) => method === 'ACK'), 'the ACK', 5000);
    const invites = sent.filter(({ method }) => method === 'INVITE');
    browserInvite = invites.at(-1);
    assert.equal(invites.length, 2, 'one without and one with credentials');
    assert.equal(carrier.messages.filter(({ method }) => method === 'INVITE').length, 1);
    await phone.close();
    await carrier.stop();
  });

  test(`its SDP has at most ${MAX_SDP} bytes and only plain lines`, (t) => {
    t.diagnostic(`SDP ${invite.body.length} bytes, INVITE ${invite.bytes.length} bytes; ` +
        `the browser's SDP ${browserInvite.body.length} bytes, ` +
        `INVITE ${browserInvite.bytes.length} bytes`);
    assert.ok(invite.body.length <= MAX_SDP, `${invite.body.length} bytes:\n${invite.body}`);
    assert.match(invite.body, /\r\n$/);
    for (const line of invite.body.split('\r\n').slice(0, -1)) {
      assert.match(line, SDP_LINE);
      assert.doesNotMatch(line, WEBRTC);
    }
    assert.match(invite.body, /^m=audio \d+ RTP\/AVP (0 8|8 0) \d+\r$/m);
    assert.match(invite.body, new RegExp(`^c=IN IP4 ${lab.trunkHost}\r$`, 'm'));
  });

  test('`lastmile sdp` says the same bytes, but for what a call opens', () => {
    const { status, stdout, stderr } = spawnSync(
        gatewayProgram(), ['sdp', '-', '--to', 'trunk', '-c', lab.config],
        { input: browserInvite.body, encoding: 'utf8', timeout: 10000 });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const sent = invite.body.toString();
    const [, id] = /^o=- (\d+) /m.exec(sent);
    const [, port] = /^m=audio (\d+) /m.exec(sent);
    assert.equal(stdout.replace('o=- 2 ', `o=- ${id} `)
                     .replaceAll('192.0.2.1', lab.trunkHost)
                     .replace('m=audio 30000 ', `m=audio ${port} `),
                 sent);
  });

  test('the bytes are in the record of the call and in the metrics', async () => {
    const [record] = await until(() => lab.callRecords().length === 1 && lab.callRecords(),
                                 'the record of the call', 5000);
    assert.equal(record.status, 486);
    assert.equal(record.answered, null);
    assert.equal(record.number, NUMBER);
    assert.deepEqual(record.sdp_bytes, {
      offer_in: browserInvite.body.length, offer_out: invite.body.length, answer_in: 0,
      answer_out: 0,
    });
    assert.ok(Math.abs(record.invite_bytes - invite.bytes.length) <= 1,
              `${record.invite_bytes} and ${invite.bytes.length}`);
    const metrics = await lab.metrics();
    assert.equal(metrics['lastmile_sdp_bytes_sum{leg="trunk",dir="out"}'], invite.body.length);
    assert.equal(metrics['lastmile_sdp_bytes_sum{leg="browser",dir="in"}'],
                 browserInvite.body.length);
    assert.equal(metrics['lastmile_invite_bytes_bucket{leg="trunk",dir="out",le="1300"}'], 1);
    assert.equal(
        metrics['lastmile_calls_total{trunk="carrier",direction="from-browser",result="rejected"}'],
        1);
  });

  test('the whole INVITE has nothing of the browser in it', () => {
    assert.match(browserInvite.body, /a=ice-ufrag:/, "it is the browser's own INVITE");
    assert.match(browserInvite.header('via'), /\.invalid/);
    const ours = wordsOf(invite.text);
    const shared = [...wordsOf(browserInvite.text)]
        .filter((word) => ours.has(word) && !COMMON_WORDS.has(word));
    assert.deepEqual(shared, []);
    const inTrunk = (name, pattern) => {
      const [, value] = pattern.exec(browserInvite.text) ?? [];
      assert.ok(value, `the browser's INVITE has no ${name}`);
      assert.ok(!invite.text.includes(value), `the browser's ${name}, ${value}, is in the INVITE`);
    };
    inTrunk('Via branch', /;branch=(?:z9hG4bK)?([^;\r]+)/);
    inTrunk('Via host', /Via: SIP\/2\.0\/WSS? ([^;\r]+)/);
    // The user of its Contact is the caller's name.
    inTrunk('instance', /Contact: <sip:[^>;]+;gr=([^;>]+)/);
    inTrunk('Call-ID', /Call-ID: ([^\r]+)/);
    inTrunk('From tag', /From: [^\r]*;tag=([^;\r]+)/);
    inTrunk('SDP session', /o=- (\d+)/);
    inTrunk('digest', /Authorization: ([^\r]+)/);
    for (const [address] of browserInvite.text.matchAll(ADDRESS)) {
      assert.ok(!invite.text.includes(address), `the browser's address ${address}`);
    }
    for (const name of ['Authorization', 'Proxy-Authorization', 'Route']) {
      assert.equal(invite.header(name), '', `${name} of the browser side`);
    }
    assert.equal(invite.header('session-expires'), '1800', "the trunk's own timer");
    assert.notEqual(invite.header('user-agent'), browserInvite.header('user-agent'));
    assert.doesNotMatch(invite.text,
                        /\.invalid|transport=wss?|SIP\/2\.0\/WS|JsSIP|outbound|;ob\b/i);
  });
}, { carrier: false, trunkHost: '127.0.0.2', carrierHost: '127.0.0.3' });
