import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { IceServers, iceServersIn, millisecondsLeft } from '../src/ice_servers.js';

const SECONDS = 1000;

// A 200 with credentials that end in so many seconds; without them: of a gateway that has no TURN.
function answer(seconds) {
  const servers = seconds === undefined ? [] : [{
    urls: ['turn:turn.example'], credential: 'x',
    username: `${Math.floor(Date.now() / SECONDS) + seconds}:alice`,
  }];
  return { getHeader: (name) => name === 'X-Ice-Servers' && seconds !== undefined ?
      JSON.stringify(servers) : undefined };
}

// What IceServers needs of JsSIP: it keeps the OPTIONS and lets the test answer.
class AskedUa {
  asked = [];
  sendOptions(target, body, { eventHandlers }) {
    this.asked.push({ target, ...eventHandlers });
  }
}

const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
let timers;
beforeEach(() => {
  timers = [];
  globalThis.setTimeout = (callback, milliseconds) => timers.push({ callback, milliseconds });
  globalThis.clearTimeout = (id) => delete timers[id - 1];
});
afterEach(() => Object.assign(globalThis, {
  setTimeout: realSetTimeout, clearTimeout: realClearTimeout }));

const running = () => timers.filter(Boolean);

test('the header is the list of an RTCConfiguration, and may be missing', () => {
  assert.deepEqual(iceServersIn(answer()), []);
  const [server] = iceServersIn(answer(3600));
  assert.deepEqual(server.urls, ['turn:turn.example']);
  assert.equal(millisecondsLeft([{ username: '1800000060:al:ice' }], 1800000000000), 60000);
});

test('half of the time over, OPTIONS brings new ones', () => {
  const ua = new AskedUa();
  const changes = [];
  const iceServers = new IceServers(ua, 'example.com', (list) => changes.push(list));
  iceServers.take(answer(3600));
  assert.equal(running().length, 1);
  assert.ok(Math.abs(running()[0].milliseconds - 1800 * SECONDS) <= SECONDS);
  running()[0].callback();
  assert.equal(ua.asked[0].target, 'sip:example.com');
  const fresh = answer(3000);
  ua.asked[0].succeeded({ response: fresh });
  assert.deepEqual(iceServers.current, iceServersIn(fresh));
  assert.deepEqual(changes.at(-1), iceServers.current);
  assert.equal(running().length, 1);
  iceServers.stop();
  assert.equal(running().length, 0);
});

test('one that fails is tried again while the old ones work', () => {
  const ua = new AskedUa();
  const iceServers = new IceServers(ua, 'example.com', () => {});
  iceServers.take(answer(60));
  running()[0].callback();
  ua.asked[0].failed();
  assert.equal(running().length, 1);
  iceServers.take(answer(8));
  assert.equal(running().length, 0);
});

test('a gateway without TURN is not asked', () => {
  const iceServers = new IceServers(new AskedUa(), 'example.com', () => assert.fail());
  iceServers.take(answer());
  assert.deepEqual(iceServers.current, []);
  assert.equal(running().length, 0);
});
