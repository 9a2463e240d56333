import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describeDisconnect, describeEnd, describeHold, describeMicrophone, describeRegistration,
         describeTransfer, reasonText } from '../src/causes.js';

const rejected = (code, cause, extra = {}) =>
  describeEnd({ who: '600', originator: 'remote', cause, code, answered: false, incoming: false,
                ...extra });

test('a refused call names the number, the cause and the code', () => {
  const expected = {
    403: 'The call to 600 is not allowed (SIP 403).',
    404: '600 does not exist (SIP 404).',
    408: '600 did not answer in time (SIP 408).',
    480: '600 is not available right now (SIP 480).',
    486: '600 is busy (486 from the carrier).',
    488: '600 and this browser share no audio format (SIP 488).',
    503: 'The service cannot take the call right now (SIP 503).',
    600: '600 is busy (600 from the carrier).',
    603: '600 declined the call (603 from the carrier).',
    699: 'The call to 600 failed (SIP 699).',
  };
  for (const [code, words] of Object.entries(expected)) {
    assert.equal(rejected(Number(code), 'SIP Failure Code'), words);
  }
});

test("the carrier's own reason is passed on", () => {
  assert.equal(rejected(486, 'Busy', { reason: 'Q.850;cause=17;text="User busy"' }),
               '600 is busy (486 from the carrier; User busy).');
});

test('who ended the call is told', () => {
  const end = (originator, cause, incoming = false, answered = true) =>
    describeEnd({ who: 'bob', originator, cause, answered, incoming });
  assert.equal(end('remote', 'Terminated'), 'bob hung up.');
  assert.equal(end('local', 'Terminated'), 'You hung up.');
  assert.equal(end('local', 'Canceled', false, false), 'You cancelled the call.');
  assert.equal(end('remote', 'Canceled', true, false), 'bob stopped calling.');
  assert.equal(end('local', 'Rejected', true, false), 'You declined the call.');
});

test('failures without a SIP code are told in words', () => {
  assert.equal(rejected(undefined, 'Connection Error'), 'The connection to the gateway is lost.');
  assert.equal(rejected(undefined, 'Request Timeout'), 'The gateway did not answer in time.');
  assert.equal(rejected(200, 'Bad Media Description'),
               'The browser refused the audio settings of the answer.');
  assert.equal(rejected(undefined, 'Something new'), 'The call failed (Something new).');
  assert.equal(rejected(undefined, 'Something new', { answered: true }),
               'The call ended (Something new).');
});

test('Reason headers are read, whatever their form', () => {
  assert.equal(reasonText('Q.850;cause=16;text="Normal call clearing"'), 'Normal call clearing');
  assert.equal(reasonText('SIP ; cause=200 ; text=done'), 'done');
  assert.equal(reasonText('SIP;text="say \\"no\\""'), 'say "no"');
  assert.equal(reasonText('Q.850;cause=16'), '');
  assert.equal(reasonText(undefined), '');
});

test('a failed registration is told in words', () => {
  const wrong = 'Wrong user name or password (401 from the gateway).';
  assert.equal(describeRegistration({ cause: 'Authentication Error', code: 401, user: 'alice' }), wrong);
  assert.equal(describeRegistration({ cause: 'Rejected', code: 403, user: 'alice' }),
               wrong.replace('401', '403'));
  assert.equal(describeRegistration({ cause: 'Not Found', code: 404, user: 'alice' }),
               'The gateway does not know alice (404 from the gateway).');
  assert.equal(describeRegistration({ cause: 'Request Timeout', user: 'alice' }),
               'The gateway did not answer the registration in time.');
});

test('a lost WebSocket tells why', () => {
  const url = 'ws://localhost:8080/';
  assert.equal(describeDisconnect({ url, opened: false, code: 1006 }), `Cannot reach ${url}.`);
  assert.equal(describeDisconnect({ url, opened: true, code: 1001, reason: '' }),
               'The gateway is shutting down.');
  assert.equal(describeDisconnect({ url, opened: true, code: 1006, reason: '' }),
               'The connection to the gateway is lost.');
});

test('a microphone that cannot be used tells why', () => {
  assert.match(describeMicrophone('NotAllowedError'), /allow it/);
  assert.match(describeMicrophone('InsecureContext'), /localhost/);
  assert.match(describeMicrophone('OddError'), /OddError/);
});

test('who is on hold is told from where this side stands', () => {
  assert.equal(describeHold('600', { local: false, remote: false }), 'In a call with 600.');
  assert.equal(describeHold('600', { local: true, remote: false }), '600 is on hold.');
  assert.equal(describeHold('600', { local: false, remote: true }), '600 has put you on hold.');
  assert.equal(describeHold('600', { local: true, remote: true }),
               'You and 600 keep each other on hold.');
});

test('a transfer is told from its beginning to its end, and why it failed', () => {
  const told = (stage, code) => describeTransfer({ who: '600', to: '700', stage, code });
  assert.equal(told('asked'), 'Transferring 600 to 700 …');
  assert.equal(told('ringing'), 'Transferring 600: 700 is ringing.');
  assert.equal(told('done'), '600 is talking to 700 now.');
  assert.equal(told('failed', 486),
               'Not transferred. 700 is busy (486). You are still in a call with 600.');
  assert.equal(told('failed'),
               'Not transferred. The gateway did not do it. You are still in a call with 600.');
});
