// JsSIP 3.13.8 with a token instead of a password, and in several tabs.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { withStage } from './support/stage.js';

const folder = mkdtempSync(join(tmpdir(), 'lastmile-jwt-'));
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyFile = join(folder, 'jwt.pub');
writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));

function bearer(user) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${
      part({ sub: user, iat: now, exp: now + 300 })}`;
  return `Bearer ${signed}.${sign('sha256', signed, privateKey).toString('base64url')}`;
}

withStage('JsSIP with a token, and in several tabs', (stage) => {
  after(() => rmSync(folder, { recursive: true }));

  test('J4 a token is enough for REGISTER and INVITE, and the carrier never sees it',
       { timeout: 40000 }, async () => {
    const token = bearer('alice');
    const phone = await stage.open();
    const account = { ...stage.lab.account('alice'), password: undefined };
    await phone.registers(account, { authorization_jwt: token });
    assert.equal(phone.wire.sent('REGISTER')[0].header('authorization'), token);
    assert.deepEqual(phone.wire.received('SIP/2.0 401'), []);
    const peer = await stage.peer(500);
    await stage.connects(phone, peer);
    assert.equal(phone.wire.sent('INVITE').length, 1, 'no challenge');
    await phone.hears(500);
    await stage.hangsUp(phone);
    stage.carrier.messages.forEach(({ text }) => {
      assert.ok(!text.includes(token.slice('Bearer '.length)));
      assert.doesNotMatch(text, /^(Proxy-)?Authorization:/im);
    });
  });

  test('J4 a token of somebody else, or with a wrong signature, registers nobody',
       { timeout: 30000 }, async () => {
    for (const token of [bearer('bob'), `${bearer('alice').slice(0, -8)}AAAAAAAA`]) {
      const phone = await stage.open();
      const account = { ...stage.lab.account('alice'), password: undefined };
      await phone.run('register', account, { authorization_jwt: token });
      const { status } = await phone.sees('registrationFailed');
      assert.ok([401, 403].includes(status), `${status}`);
    }
  });

  test('a call rings every tab, and stops in the others when one answers', { timeout: 40000 },
       async () => {
    const [first, second] = [await stage.registered(), await stage.registered()];
    const peer = await stage.peer(500);
    const call = await stage.carrier.call(stage.trunk, 'alice', stage.carrier.sdp(peer.port));
    await Promise.all([first.sees('incoming'), second.sees('incoming')]);
    await second.run('answer');
    await second.sees('confirmed');
    const { cause, by } = await first.sees('failed');
    assert.deepEqual({ cause, by }, { cause: 'Canceled', by: 'remote' });
    await call.gets(200);
    peer.send(call.offer);
    await second.hears(500);
    assert.equal((await call.request('BYE')).status, 200);
    await second.sees('ended');
  });
}, { usersEntry: `jwt: { algorithms: [RS256], key: ${keyFile}, user_claim: sub }` });
