// What an unmodified JsSIP 3.13, and SIP.js 0.21, do beside calls: messages and subscriptions.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { ScriptedPbx } from './support/scripted_pbx.js';
import { NUMBER, withStage } from './support/stage.js';
import { until } from './support/wait.js';

const DIALOG_INFO = 'application/dialog-info+xml';
const SUMMARY = 'application/simple-message-summary';
// JsSIP's Subscriber.C
const NON_OK_RESPONSE = 2;
const FINAL_NOTIFY = 6;

withStage('JsSIP beside calls', (stage) => {
  let pbx;
  before(() => {
    pbx = new ScriptedPbx(stage.carrier);
  });

  async function subscribed(phone, number, event, type) {
    await phone.run('subscribe', number, event, type);
    await phone.sees('subscription accepted');
    return pbx.subscribed(event.split(';')[0]);
  }

  test('sends a message to the carrier, which gets the text and nothing of the page',
       { timeout: 20000 }, async () => {
    const phone = await stage.registered();
    await phone.run('message', NUMBER, 'Grüße\r\n\r\nvon Alice');
    assert.equal((await phone.sees('messageSucceeded')).status, 200);
    const [{ from, to, type, body }] = pbx.texts;
    assert.equal(Buffer.from(body, 'latin1').toString(), 'Grüße\r\n\r\nvon Alice');
    assert.match(from, /^<sip:alice@127\.0\.0\.1>/);
    assert.match(to, new RegExp(`^<sip:${NUMBER}@`));
    assert.equal(type, 'text/plain');
    const [sent] = phone.wire.sent('MESSAGE');
    const [came] = stage.carrier.requests('MESSAGE');
    assert.notEqual(came.header('call-id'), sent.header('call-id'));
    assert.doesNotMatch(came.text, /JsSIP|\.invalid|localhost|Authorization/);
  });

  test('is told why a message does not arrive', { timeout: 30000 }, async () => {
    const phone = await stage.registered();
    await phone.run('message', 'nobody', 'x');
    const unrouted = await phone.sees('messageFailed');
    assert.equal(unrouted.status, 404);
    assert.match(unrouted.warning, /no route leads to this number/);
    pbx.takesMessage = () => [407, 'Proxy Authentication Required'];
    await phone.forget();
    await phone.run('message', NUMBER, 'x');
    const unauthorized = await phone.sees('messageFailed');
    assert.equal(unauthorized.status, 503);
    assert.match(unauthorized.warning, /asks for credentials/);
    pbx.takesMessage = () => [200, 'OK'];
    await phone.forget();
    await phone.run('message', NUMBER, 'x'.repeat(9000));
    assert.equal((await phone.sees('messageFailed')).status, 413);
  });

  test('gets a message of the carrier in every tab', { timeout: 30000 }, async () => {
    const tabs = [await stage.registered(), await stage.registered()];
    const answer = await stage.carrier.asks(stage.trunk, 'MESSAGE', 'alice', { body: 'hello page' });
    assert.equal(answer.status, 200);
    for (const tab of tabs) {
      const { from, type, body } = await tab.sees('message');
      assert.deepEqual({ from, type, body },
                       { from: '+15550009009', type: 'text/plain', body: 'hello page' });
    }
  });

  test('users write to each other, and somebody away is 480', { timeout: 30000 }, async () => {
    const alice = await stage.registered();
    await alice.run('message', 'bob', 'are you there?');
    assert.equal((await alice.sees('messageFailed')).status, 480);
    const bob = await stage.registered('jssip', { user: 'bob' });
    await alice.run('message', 'bob', 'and now?');
    await alice.sees('messageSucceeded');
    const { from, body } = await bob.sees('message');
    assert.deepEqual({ from, body }, { from: 'alice', body: 'and now?' });
    assert.equal((await stage.carrier.asks(stage.trunk, 'MESSAGE', 'nobody')).status, 404);
  });

  test('watches a phone: subscribes, gets every NOTIFY, refreshes and unsubscribes',
       { timeout: 30000 }, async () => {
    const phone = await stage.registered();
    const subscription = await subscribed(phone, NUMBER, 'dialog;id=lamp1', DIALOG_INFO);
    assert.doesNotMatch(subscription.subscribe.text, /JsSIP|\.invalid|localhost|lamp1/);
    for (const state of ['trying', 'confirmed', 'terminated']) {
      await phone.forget();
      const info = `<dialog-info entity="sip:${NUMBER}@pbx"><state>${state}</state></dialog-info>`;
      assert.equal((await subscription.notify('active;expires=800', info)).status, 200);
      const { body, type, last } = await phone.sees('notify');
      assert.deepEqual({ body, type, last }, { body: info, type: DIALOG_INFO, last: false });
    }
    await phone.run('refreshSubscription');
    await until(() => subscription.requests === 2, 'the PBX gets the refresh');
    await phone.run('unsubscribe');
    const { code, reason } = await phone.sees('subscription terminated');
    assert.deepEqual({ code, reason }, { code: FINAL_NOTIFY, reason: 'timeout' });
    assert.ok(subscription.over);
    await stage.lab.assertNo(['subscriptions']);
  });

  test('has a lamp for its mailbox, subscribed or not', { timeout: 30000 }, async () => {
    const phone = await stage.registered();
    const summary = 'Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n';
    const subscription = await subscribed(phone, '99', 'message-summary', SUMMARY);
    assert.equal((await subscription.notify('active', summary, SUMMARY)).status, 200);
    assert.equal((await phone.sees('notify')).body, summary);
    await subscription.notify('terminated;reason=noresource');
    assert.equal((await phone.sees('subscription terminated')).reason, 'noresource');
    const answer = await stage.carrier.asks(stage.trunk, 'NOTIFY', 'alice', {
      fields: ['Event: message-summary', 'Subscription-State: active'], body: summary,
      type: SUMMARY });
    assert.equal(answer.status, 200);
    const { event, body } = await phone.sees('sipEvent');
    assert.deepEqual({ event, body }, { event: 'message-summary', body: summary });
    await stage.lab.assertNo(['subscriptions']);
  });

  test('an event the gateway does not know is refused', { timeout: 20000 }, async () => {
    const phone = await stage.registered();
    await phone.run('subscribe', NUMBER, 'presence', 'application/pidf+xml');
    assert.equal((await phone.sees('subscription terminated')).code, NON_OK_RESPONSE);
    const [refused] = phone.wire.received('SIP/2.0 489');
    assert.equal(refused.header('allow-events'), 'dialog, message-summary');
  });

  test('a page that is gone is unsubscribed at the PBX', { timeout: 30000 }, async () => {
    const phone = await stage.registered();
    const subscription = await subscribed(phone, NUMBER, 'dialog', DIALOG_INFO);
    await phone.close();
    await until(() => subscription.over, 'the PBX gets the unsubscription');
    assert.equal(subscription.requests, 2);
    await stage.lab.assertNo(['subscriptions']);
  });

  test('SIP.js 0.21 writes, reads and watches a phone as well', { timeout: 40000 }, async () => {
    const phone = await stage.registered('sipjs');
    await phone.run('message', NUMBER, 'from SIP.js');
    await until(() => pbx.texts.at(-1).body === 'from SIP.js', 'the carrier gets the text');
    await phone.wire.receives('SIP/2.0 200', ' MESSAGE');
    const answer = await stage.carrier.asks(stage.trunk, 'MESSAGE', 'alice', { body: 'hello' });
    assert.equal(answer.status, 200);
    assert.equal((await phone.sees('message')).body, 'hello');
    await phone.run('subscribe', NUMBER, 'dialog');
    const subscription = await pbx.subscribed('dialog');
    assert.equal((await subscription.notify('active', '<dialog-info/>')).status, 200);
    assert.equal((await phone.sees('notify')).body, '<dialog-info/>');
    await phone.run('unsubscribe');
    await phone.sees('subscription Terminated');
    await until(() => subscription.over, 'the PBX gets the unsubscription');
    await stage.lab.assertNo(['subscriptions']);
  });

  test('a message in a call goes to the other party', { timeout: 40000 }, async () => {
    const phone = await stage.registered();
    await stage.connects(phone, await stage.peer(500));
    const answer = await stage.call.request('MESSAGE', { body: 'in the call', type: 'text/plain' });
    assert.equal(answer.status, 200);
    assert.equal((await phone.sees('message')).body, 'in the call');
    await stage.hangsUp(phone);
  });

  test('and so does one of SIP.js', { timeout: 40000 }, async () => {
    const phone = await stage.registered('sipjs');
    await stage.connects(phone, await stage.peer(500));
    await phone.run('messageInCall', 'to the carrier');
    const message = await stage.carrier.got('MESSAGE', { call: stage.call });
    assert.equal(message.body, 'to the carrier');
    await phone.wire.receives('SIP/2.0 200', ' MESSAGE');
    await stage.hangsUp(phone);
  });
});
