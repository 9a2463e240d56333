import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import { injectScript } from './support/bundle.js';
import { withLab } from './support/lab.js';
import { until } from './support/wait.js';

const SECRET = 'a secret of the devices test, 32+';
const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

function token(user, secondsLeft) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + secondsLeft;
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, exp })}`;
  return `Bearer ${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

withLab('several devices of a user', (lab) => {
  // A tab of its own browser context with JsSIP in it. `act` calls a method of its Device.
  async function openDevice() {
    const { page } = await lab.openPage({ context: { bypassCSP: true } });
    await injectScript(page, "import './device_client.js';");
    const act = (method, ...args) => page.evaluate(
        ([name, values]) => window.lastmileDevice[name](...values), [method, args]);
    const told = () => page.evaluate(() => window.lastmileDevice.told);
    const hears = async (word, timeoutMs = 10000) => {
      let heard = [];
      await until(async () => (heard = await told()).includes(word), `"${word}"`, timeoutMs)
          .catch((error) => {
            error.message += `, it heard ${JSON.stringify(heard)}`;
            throw lab.gateway.explained(error);
          });
    };
    const register = (user, secrets) => act('register', {
      url: lab.pageUrl.replace('http', 'ws'), uri: `sip:${user}@localhost`, ...secrets,
    });
    return { page, act, told, hears, register, close: () => page.context().close() };
  }

  async function registered(user, count) {
    const devices = [];
    for (let i = 0; i < count; i++) {
      devices.push(await openDevice());
      assert.equal(await devices[i].register(user, { password: user }), 'registered');
    }
    return devices;
  }

  test('two tabs ring, one answers, the other is told where the call went',
       { timeout: 60000 }, async () => {
    const [tab, other] = await registered('alice', 2);
    const caller = await lab.startCaller('alice');
    await Promise.all([tab.hears('rings'), other.hears('rings')]);
    await tab.act('answer');
    await tab.hears('confirmed');
    await other.hears(`failed remote Canceled ${ELSEWHERE}`);
    await tab.act('hangUp');
    await caller.printed(/cause=bye-received/, 5000);
    assert.deepEqual(await tab.told(), ['rings', 'confirmed', 'ended']);
    await Promise.all([tab.close(), other.close()]);
  });

  test('one tab declines with 603: nobody rings any more', { timeout: 60000 }, async () => {
    const [tab, other] = await registered('alice', 2);
    const caller = await lab.startCaller('alice');
    await Promise.all([tab.hears('rings'), other.hears('rings')]);
    await tab.act('decline', 603);
    await caller.printed(/code=603 cause=refused/, 5000);
    await other.hears('failed remote Canceled SIP;cause=603;text="Call declined elsewhere"');
    await Promise.all([tab.close(), other.close()]);
  });

  test('one tab is busy, another is closed, the third has the call', { timeout: 60000 }, async () => {
    const [busy, closed, tab] = await registered('alice', 3);
    const caller = await lab.startCaller('alice');
    await Promise.all([busy, closed, tab].map((device) => device.hears('rings')));
    await busy.act('decline', 486);
    await closed.close();
    await tab.act('answer');
    await tab.hears('confirmed');
    await tab.act('hangUp');
    await caller.printed(/cause=bye-received/, 5000);
    await Promise.all([busy.close(), tab.close()]);
  });

  test('JsSIP knows its public GRUU, which names its instance, and calls with it',
       { timeout: 60000 }, async () => {
    const [tab] = await registered('alice', 1);
    assert.equal(await tab.act('publicGruu'),
                 `sip:alice@localhost;gr=urn:uuid:${await tab.act('instance')}`);
    // Requests inside the dialog go to that Contact: 611 hangs up by itself.
    await tab.act('call', '611');
    await tab.hears('confirmed');
    await tab.hears('ended');
    await tab.close();
  });

  test('a bearer token registers and calls without a password', { timeout: 60000 }, async () => {
    const tab = await openDevice();
    assert.equal(await tab.register('bob', { authorization_jwt: token('bob', 60) }), 'registered');
    await tab.act('call', '611');
    await tab.hears('confirmed');
    await tab.hears('ended');
    await tab.close();
  });

  for (const [what, jwt] of [['that has expired', () => token('bob', -1)],
                             ['of somebody else', () => token('alice', 60)],
                             ['that nobody signed', () => 'Bearer a.b.c']]) {
    test(`a bearer token ${what} does not register`, { timeout: 30000 }, async () => {
      const tab = await openDevice();
      assert.match(await tab.register('bob', { authorization_jwt: jwt() }),
                   /^(Authentication Error|Rejected)$/);
      assert.equal((await lab.gauges()).registrations, 0);
      await tab.close();
    });
  }

  test('a tab unregisters and is not rung; all of them do, and the user is away',
       { timeout: 60000 }, async () => {
    const [tab, other] = await registered('alice', 2);
    await other.act('unregister');
    await other.hears('unregistered');
    const caller = await lab.startCaller('alice');
    await tab.hears('rings');
    await tab.act('decline', 486);
    await caller.printed(/code=486 cause=refused/, 5000);
    assert.deepEqual(await other.told(), ['unregistered']);
    const third = await openDevice();
    await third.register('alice', { password: 'alice' });
    await third.act('unregister', { all: true });
    await third.hears('unregistered');
    const again = await lab.startCaller('alice');
    await again.printed(/code=480 cause=refused/, 5000);
    await Promise.all([tab, other, third].map((device) => device.close()));
  });
}, { usersEntry: `jwt: { algorithms: [HS256], secret: "${SECRET}" }` });
