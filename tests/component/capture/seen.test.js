// After the last test that has a trunk: what the capture saw that starts.js began. It cannot read
// SIP over TLS; those messages are made, and looked at once more, by the same code of the gateway.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { before, test } from 'node:test';

import { GatewayMessages, shareOut } from './support/gateway_messages.js';
import { readCapture } from './support/pcap.js';
import { isSip } from './support/sip_start.js';
import { SuiteCapture } from './support/suite_capture.js';
import { TcpStreams } from './support/tcp_streams.js';

const capture = new SuiteCapture(process.env.LASTMILE_TRUNK_CAPTURE);
if (!capture.isThere) {
  console.log('skipped: there is no capture (it takes root)');
  process.exit(77);
}
process.on('exit', (code) => {
  if (code === 0) capture.clear();
  else console.log(`kept: ${capture.folder}`);
});

const MUCH_RTP = 5000;  // packets; the capture has one of 64
const interfaces = Object.values(networkInterfaces()).flat();
const ownAddresses = new Set(['0000:0000:0000:0000:0000:0000:0000:0001',
                              ...interfaces.map(({ address }) => address)]);
const isOwn = (from) => from.startsWith('127.') ||
    ownAddresses.has(from.slice(0, from.lastIndexOf(':')));
const isRtp = (payload) => payload.length >= 12 && payload[0] >> 6 === 2;
const sum = (list, value) => list.reduce((total, entry) => total + value(entry), 0);
const count = (gateway, pattern) => gateway.lines.filter((line) => pattern.test(line)).length;

let ended;
let gateways;
let streams;
const udp = { all: 0, rtp: 0, sip: [] };

before(async () => {
  ended = await capture.end();
  gateways = capture.gatewayLogs().map((record) => new GatewayMessages(record));
  const tcp = new TcpStreams();
  for (const packet of readCapture(capture.file)) {
    if (packet.tcp) {
      tcp.add(packet);
    } else if (packet.leaves || isOwn(packet.from)) {
      ++udp.all;
      if (isRtp(packet.payload)) ++udp.rtp;
      if (isSip(packet.payload)) udp.sip.push(packet);
    }
  }
  streams = shareOut(tcp.all, gateways);
});

test('the capture has everything from the first test to the last', (t) => {
  const programs = new Set(gateways.map((gateway) => gateway.test));
  t.diagnostic(`${programs.size} test programs, ${gateways.length} gateways; ` +
      `${ended.packets} packets in ${(statSync(capture.file).size / 1e6).toFixed(1)} MB`);
  assert.equal(ended.dropped, 0, 'the kernel dropped packets');
  assert.ok(capture.foundAll(udp.sip.map(({ payload }) => String(payload))), 'a probe is missing');
  const relayed = sum(gateways, ({ lines }) => sum(lines, (line) =>
      Number(/packets to trunk (\d+)/.exec(line)?.[1] ?? 0)));
  t.diagnostic(`${udp.all} datagrams, ${udp.rtp} of them RTP (one of 64 is kept); ` +
      `the gateways sent ${relayed} to trunks`);
  assert.ok(udp.rtp > 0 || relayed < MUCH_RTP, 'there is no RTP in it');
  for (const gateway of gateways) {
    assert.deepEqual(gateway.broken, [], `of the gateway of ${gateway.test} a stream is not whole`);
    const tls = /transport: tls/.test(gateway.config);
    const connected = count(gateway, /leg=trunk flow=\d+ connected to trunk /);
    assert.ok(tls || connected === 0 || gateway.messages.length > 0,
              `nothing of the gateway of ${gateway.test} was captured`);
  }
});

test('no datagram begins as SIP does, but for the probes', (t) => {
  const found = udp.sip.filter(({ payload }) => !SuiteCapture.isProbe(String(payload)));
  assert.deepEqual(found.map(({ from, to, payload }) =>
      `${from} to ${to}: ${String(payload).trimStart().split('\r\n')[0]}`), []);
  t.diagnostic(`0 of ${udp.all} datagrams are SIP, but for ${udp.sip.length} probes`);
});

test('no message is longer than its budget without a reason in the log', (t) => {
  const messages = gateways.flatMap((gateway) => gateway.messages);
  t.diagnostic(`TCP streams: ${streams.sip} with SIP, ${streams.tls} with TLS, ${streams.others} ` +
      `with neither; the gateways sent ${messages.length} messages in ` +
      `${sum(gateways, (gateway) => gateway.streams)} of them`);
  const longest = messages.reduce((most, message) =>
      message.bytes.length > (most?.bytes.length ?? 0) ? message : most, null);
  if (longest) {
    t.diagnostic(`the longest has ${longest.bytes.length} bytes: ${longest.line.slice(0, 40)}`);
  }
  const silent = [];
  let over = 0;
  for (const gateway of gateways) {
    for (const message of gateway.overBudget()) {
      ++over;
      const reasons = gateway.reasonsFor(message);
      const start = `${gateway.test}: ${message.bytes.length} bytes, ${message.line.split(' ')[0]}`;
      reasons.forEach((line) => t.diagnostic(`${start}: ${line}`));
      if (reasons.length === 0) silent.push(start);
    }
  }
  t.diagnostic(`${over} over a budget, ${over - silent.length} of them explained`);
  assert.deepEqual(silent, []);
});
