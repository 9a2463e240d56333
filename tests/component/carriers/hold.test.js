import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { withLab } from '../../e2e/support/lab.js';
import { RawCarrier } from './support/raw_carrier.js';

const NUMBER = '4930123456';

withLab('a carrier that holds', (lab) => {
  let carrier;
  after(() => carrier?.stop());

  test('the page is told of hold and resume, and of a refresh nothing', { timeout: 60000 }, async () => {
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, 'ok');
    const phone = await lab.openPage();
    const toPage = [];
    phone.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
      toPage.push(String(payload));
    }));
    await phone.signIn();
    await phone.dial(NUMBER);
    await phone.callBecomes('active');
    const reinvites = () => toPage.filter((text) => text.startsWith('INVITE ')).length;

    const refreshed = await carrier.reinvite('sendrecv');
    assert.equal(refreshed.status, 200);
    assert.equal(reinvites(), 0, 'a refresh stays on its leg');

    const held = await carrier.reinvite('sendonly');
    assert.match(held.body, /a=recvonly/);
    await phone.says(`${NUMBER} has put you on hold.`);
    assert.equal(reinvites(), 1);

    const resumed = await carrier.reinvite('sendrecv');
    assert.doesNotMatch(resumed.body, /a=(recvonly|sendonly|inactive)/);
    await phone.says(`In a call with ${NUMBER}.`);

    await phone.hangUp();
    await phone.callBecomes('ended');
    await carrier.got('BYE');
    await phone.close();
    await carrier.stop();
  });
}, { carrier: false });
