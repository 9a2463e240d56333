import assert from 'node:assert/strict';
import { test } from 'node:test';

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
