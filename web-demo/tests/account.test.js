import assert from 'node:assert/strict';
import { test } from 'node:test';

import { defaultAccount } from '../src/account.js';

test('a page on the own machine is ready for the demo users', () => {
  assert.deepEqual(
      defaultAccount({ protocol: 'http:', host: 'localhost:8080', hostname: 'localhost' }),
      { url: 'ws://localhost:8080/', domain: 'localhost', user: 'alice', password: 'alice' });
  assert.deepEqual(
      defaultAccount({ protocol: 'https:', host: '127.0.0.1:8443', hostname: '127.0.0.1' }),
      { url: 'wss://127.0.0.1:8443/', domain: 'localhost', user: 'alice', password: 'alice' });
});

test('a page on a server asks for the user and offers no password', () => {
  assert.deepEqual(
      defaultAccount({ protocol: 'https:', host: 'voice.example.com', hostname: 'voice.example.com' }),
      { url: 'wss://voice.example.com/', domain: 'voice.example.com', user: '', password: '' });
});
