import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';

import { Call } from '../src/call.js';

// Browsers have it, Node only from 19 on.
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail } = {}) {
    super(type);
    this.detail = detail;
  }
};

const HOST = { protocol: 'udp', type: 'host' };
const USELESS = [{ protocol: 'tcp', type: 'host' }, { protocol: 'udp', type: 'relay' }];

// What Call needs of JsSIP's RTCSession before it is answered.
function outgoingSession() {
  return Object.assign(new EventEmitter(), {
    direction: 'outgoing', connection: null,
    remote_identity: { display_name: '', uri: { user: '600' } },
  });
}

const realSetTimeout = globalThis.setTimeout;
let timers;
beforeEach(() => {
  timers = [];
  globalThis.setTimeout = (callback, milliseconds) => timers.push({ callback, milliseconds });
});
afterEach(() => {
  globalThis.setTimeout = realSetTimeout;
});

// Gives the call these candidates; returns how often it was ready.
function readyAfter(candidates) {
  const session = outgoingSession();
  new Call(session);
  let times = 0;
  candidates.forEach((candidate) => session.emit('icecandidate', {
    candidate, ready: () => ++times }));
  return () => times;
}

test('the offer does not wait for more than the first usable candidate', () => {
  assert.equal(readyAfter([HOST])(), 1);
  assert.deepEqual(timers, []);
});

test('without a usable candidate the offer waits half a second and no longer', () => {
  for (const candidate of USELESS) {
    timers = [];
    const times = readyAfter([candidate]);
    assert.equal(times(), 0);
    assert.deepEqual(timers.map(({ milliseconds }) => milliseconds), [500]);
    timers[0].callback();
    assert.equal(times(), 1);
  }
});

test('new TURN servers are for a call that is up; one that is not keeps its own', () => {
  const given = [];
  const session = outgoingSession();
  session.isOnHold = () => ({ local: false, remote: false });
  session.connection = Object.assign(new EventTarget(), {
    getConfiguration: () => ({ bundlePolicy: 'max-bundle' }),
    setConfiguration: (configuration) => given.push(configuration),
  });
  const call = new Call(session);
  call.setIceServers([{ urls: 'turn:a' }]);
  assert.deepEqual(given, []);
  session.emit('accepted');
  call.setIceServers([{ urls: 'turn:b' }]);
  assert.deepEqual(given, [{ bundlePolicy: 'max-bundle', iceServers: [{ urls: 'turn:b' }] }]);
});

test('an incoming call is answered with the TURN servers of that moment', () => {
  const session = Object.assign(outgoingSession(), { direction: 'incoming' });
  session.answer = ({ pcConfig }) => Object.assign(session, { pcConfig });
  const call = new Call(session, [{ urls: 'turn:a' }]);
  call.setIceServers([{ urls: 'turn:b' }]);
  call.answer(null);
  assert.deepEqual(session.pcConfig, { iceServers: [{ urls: 'turn:b' }] });
});
