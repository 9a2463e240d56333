import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { openClient } from '../../e2e/support/client_page.js';
import { withLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { Sipp } from '../carriers/support/sipp.js';
import {
  answer, asked, GATEWAY, ok, request, requested, requestOfCallee, response, scenario,
} from './support/scenario.js';

// SIPp as a PBX beside its calls: messages both ways, and subscriptions of JsSIP.

const NUMBER = '4930123456';
const DIALOG_INFO = 'application/dialog-info+xml';
const INFO = '<dialog-info entity="sip:600@pbx.example"/>';
const OF_THE_PAGE = ['JsSIP', 'invalid', 'localhost', 'Authorization'];

withLab('SIPp beside calls', (lab) => {
  const folder = mkdtempSync(join(tmpdir(), 'lastmile-scenarios-'));
  let phone;
  let scenarios = 0;
  before(async () => {
    phone = await openClient(lab, 'jssip');
    await phone.registers(lab.account('alice'));
  });
  after(async () => {
    await phone?.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  function write(...steps) {
    const path = join(folder, `${++scenarios}`);
    writeFileSync(`${path}.xml`, scenario('PBX', steps));
    return path;
  }
  const answers = (...steps) => Sipp.answering(write(...steps), lab.carrierHost, lab.carrierSip);

  async function asks(...steps) {
    const [port] = await freePorts(1);
    return Sipp.calling(write(...steps), lab.carrierHost, port, 'alice', `${GATEWAY}:${lab.sip}`);
  }

  const notify = (cseq, state, body) => [
    requestOfCallee('NOTIFY', cseq, {
      fields: ['Event: dialog', `Subscription-State: ${state}`], body, type: DIALOG_INFO }),
    response(200),
  ];
  const watches = async () => {
    await phone.forget();
    await phone.run('subscribe', NUMBER, 'dialog', DIALOG_INFO);
  };

  test('a message of the page', { timeout: 60000 }, async () => {
    const sipp = await answers(
        asked('MESSAGE', { has: ['Content-Type: text/plain', 'hello SIPp'], hasNot: OF_THE_PAGE }),
        answer(202, 'Accepted'));
    await phone.forget();
    await phone.run('message', NUMBER, 'hello SIPp');
    assert.equal((await phone.sees('messageSucceeded')).status, 202);
    await sipp.succeeds();
  });

  test('a message for the page', { timeout: 60000 }, async () => {
    await phone.forget();
    const sipp = await asks(
        request('MESSAGE', 1, { number: '4711', inDialog: false, body: ['hello page'],
                                type: 'text/plain' }),
        response(200, { hasNot: ['JsSIP', 'invalid'] }));
    const { from, body } = await phone.sees('message');
    assert.equal(from, '4711');
    assert.match(body, /^hello page/);
    await sipp.succeeds();
  });

  test('a subscription: NOTIFYs, and the end by the page', { timeout: 60000 }, async () => {
    const sipp = await answers(
        asked('SUBSCRIBE', { has: ['Event: dialog', 'Expires: 900', 'Accept: application.dialog-info'],
                             hasNot: OF_THE_PAGE }),
        answer(200, 'OK', { fields: ['Expires: 600'] }),
        notify(1, 'active;expires=600', [INFO]),
        requested('SUBSCRIBE', { has: ['Expires: 0', 'tag=one'] }), ok({ fields: ['Expires: 0'] }),
        notify(2, 'terminated;reason=timeout'));
    await watches();
    assert.match((await phone.sees('notify')).body, /^<dialog-info/);
    await phone.run('unsubscribe');
    assert.equal((await phone.sees('subscription terminated')).reason, 'timeout');
    await sipp.succeeds();
  });

  test('a NOTIFY before the 200, and the end by the PBX', { timeout: 60000 }, async () => {
    const sipp = await answers(
        asked('SUBSCRIBE'), notify(1, 'active;expires=600', [INFO]),
        answer(200, 'OK', { fields: ['Expires: 600'] }),
        notify(2, 'terminated;reason=noresource'));
    await watches();
    await phone.sees('notify');
    assert.equal((await phone.sees('subscription terminated')).reason, 'noresource');
    await sipp.succeeds();
  });

  test('a refusal, and NOTIFYs nobody has asked for', { timeout: 60000 }, async () => {
    const sipp = await answers(asked('SUBSCRIBE'), answer(403, 'Forbidden'));
    await watches();
    await phone.sees('subscription terminated');
    assert.equal(phone.wire.received('SIP/2.0 403').length, 1);
    await sipp.succeeds();
    const stranger = await asks(
        request('NOTIFY', 1, { number: '4711', inDialog: false, fields: ['Event: presence'] }),
        response(489, { has: ['Allow-Events: message-summary'] }));
    await stranger.succeeds();
  });

  test('OPTIONS are answered in full', { timeout: 60000 }, async () => {
    const sipp = await asks(
        request('OPTIONS', 1, { number: '4711', inDialog: false }),
        response(200, { has: ['Allow: .*MESSAGE, NOTIFY', 'Accept: application/sdp',
                              'Supported: .*100rel'] }));
    await sipp.succeeds();
  });

  test('a page that is gone is unsubscribed', { timeout: 60000 }, async () => {
    const sipp = await answers(
        asked('SUBSCRIBE'), answer(200, 'OK', { fields: ['Expires: 600'] }),
        notify(1, 'active;expires=600', [INFO]),
        requested('SUBSCRIBE', { has: ['Expires: 0', 'tag=one'] }), ok({ fields: ['Expires: 0'] }),
        notify(2, 'terminated;reason=timeout'));
    await watches();
    await phone.sees('notify');
    await phone.close();
    await sipp.succeeds();
  });
}, { carrier: false, clients: true, trunkHost: GATEWAY, carrierHost: '127.0.0.3' });
