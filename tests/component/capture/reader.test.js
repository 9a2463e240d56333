import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sipBytes } from '../carriers/support/sip_text.js';
import { GatewayMessages, shareOut } from './support/gateway_messages.js';
import { isSip } from './support/sip_start.js';
import { TcpStreams } from './support/tcp_streams.js';

const segment = (sequence, text, more = {}) => ({
  from: '127.0.0.1:1', to: '127.0.0.1:2', time: 0, sequence, syn: false,
  payload: Buffer.from(text), size: text.length, ...more });
const opening = (sequence) => segment(sequence, '', { syn: true });

function read(...segments) {
  const streams = new TcpStreams();
  segments.forEach((each) => streams.add(each));
  return streams.all.map((stream) => {
    const { bytes, whole } = stream.read();
    return [String(bytes), whole];
  });
}

test('segments are put in the order of their sequence numbers, which may wrap', () => {
  assert.deepEqual(read(opening(0xfffffffd), segment(0xfffffffe, 'ab'), segment(4, 'gh'),
                        segment(0, 'cdef')), [['abcdefgh', true]]);
});

test('what was sent again counts once', () => {
  assert.deepEqual(read(opening(9), segment(10, 'abc'), segment(11, 'bcde'), segment(10, 'abc')),
                   [['abcde', true]]);
});

test('a stream ends where something of it is missing', () => {
  assert.deepEqual(read(opening(9), segment(10, 'ab'), segment(13, 'de')), [['ab', false]]);
  assert.deepEqual(read(opening(9), segment(10, 'abc', { size: 5 })), [['abc', false]]);
});

test('the same addresses once more are another stream; one without its beginning is none', () => {
  assert.deepEqual(read(segment(5, 'x'), opening(9), opening(9), segment(10, 'a'), opening(70),
                        segment(71, 'b')), [['a', true], ['b', true]]);
});

test('a datagram is SIP by its start line', () => {
  for (const text of ['OPTIONS sip:a@b SIP/2.0\r\n', 'invite sips:a SIP/2.0',
                      '\r\n\r\nSIP/2.0 200 OK\r\n', 'MESSAGE tel:+1 SIP/2.0\r\n']) {
    assert.ok(isSip(Buffer.from(text)), text);
  }
  for (const text of ['', '\r\n\r\n', 'GET / HTTP/1.1\r\n', 'probe SIP/2.0 200 OK',
                      '\x80\x00SIP/2.0 200 OK']) {
    assert.ok(!isSip(Buffer.from(text, 'latin1')), text);
  }
});

// A gateway at port 5060, and what it sends over a connection of its own to a carrier.
function gatewayThatSends(lines, config = '') {
  const invite = sipBytes('INVITE sip:600@127.0.0.1:2 SIP/2.0', [
    'Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1', `X-Long: ${'z'.repeat(1300)}`,
    'To: <sip:600@127.0.0.1>', 'Call-ID: abc', 'CSeq: 1 INVITE'], Buffer.alloc(120, 'x'));
  const options = sipBytes('OPTIONS sip:127.0.0.1:2 SIP/2.0', [
    'Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK2']);
  const gateway = new GatewayMessages({ sip: 5060, from: 0, to: 9, test: 'x', config,
                                        lines: lines(invite.length) });
  const other = new GatewayMessages({ sip: 5061, from: 0, to: 9, test: 'y', config, lines: [] });
  const streams = new TcpStreams();
  [opening(9), segment(10, Buffer.concat([options, invite]).toString())].forEach(
      (each) => streams.add(each));
  assert.deepEqual(shareOut(streams.all, [other, gateway]), { sip: 1, tls: 0, others: 0 });
  assert.equal(gateway.messages.length, 2);
  assert.equal(other.messages.length, 0);
  return gateway;
}
const SENT = (bytes) => `leg=trunk flow=1 to trunk a: an INVITE of ${bytes} bytes is over its ` +
    'budget of 1300: 1 are its head, 1 its SDP; call-id=abc cseq=1';
const EDITS = 'call=1 leg=trunk INVITE of at most 1500 bytes, 120 of them SDP, over the ' +
    "trunk's budget";

test('an INVITE over its budget takes a line of its size and one of its SDP', () => {
  const silent = gatewayThatSends(() => []);
  const [long] = silent.overBudget();
  assert.equal(silent.overBudget().length, 1);
  assert.equal(long.method, 'INVITE');
  assert.deepEqual(silent.reasonsFor(long), []);
  const tooLittle = [(bytes) => [SENT(bytes)], () => [EDITS], (bytes) => [SENT(bytes + 1), EDITS]];
  for (const lines of tooLittle) {
    assert.deepEqual(gatewayThatSends(lines).reasonsFor(long), []);
  }
  assert.equal(gatewayThatSends((bytes) => [EDITS, SENT(bytes)]).reasonsFor(long).length, 2);
});

test('what grew by credentials after its SDP was made needs no line of the SDP', () => {
  const told = gatewayThatSends((bytes) => [SENT(bytes).replace('head', 'head with credentials')]);
  assert.equal(told.reasonsFor(told.overBudget()[0]).length, 1);
});

test('a shorter budget of the configuration counts', () => {
  assert.equal(gatewayThatSends(() => [], 'budget: { invite: 50 }').overBudget().length, 2);
});
