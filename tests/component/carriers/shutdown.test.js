import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Lab } from '../../e2e/support/lab.js';
import { until } from '../../e2e/support/wait.js';
import { RawCarrier } from './support/raw_carrier.js';
import { SipMessage } from './support/sip_text.js';

const NUMBER = '7100';
const LIMIT_MS = 3000;

describe('SIGTERM', () => {
  let lab;
  let carrier;
  before(async () => {
    lab = new Lab({ carrier: false });
    await lab.start();
    carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, 'ok');
  });
  after(async () => {
    await carrier?.stop();
    await lab.stop();
  });

  test(`in a call: a BYE to both sides, exit 0 within ${LIMIT_MS} ms`, { timeout: 60000 },
       async (t) => {
         const phone = await lab.openPage();
         const toBrowser = [];
         phone.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
           toBrowser.push(new SipMessage(Buffer.from(payload)));
         }));
         await phone.signIn();
         await phone.dial(NUMBER);
         await phone.callBecomes('active');
         await carrier.got('ACK');
         const start = performance.now();
         assert.deepEqual(await lab.gateway.stop(), { code: 0, signal: null });
         const ms = Math.round(performance.now() - start);
         t.diagnostic(`from SIGTERM to the exit: ${ms} ms`);
         assert.ok(ms <= LIMIT_MS, `${ms} ms`);
         const bye = await carrier.got('BYE', 1000);
         assert.match(bye.header('reason'), /shutting down/);
         await until(() => toBrowser.some(({ method }) => method === 'BYE'), 'BYE to the browser', 3000);
         await phone.callBecomes('ended');
         assert.deepEqual(await phone.ending(), { cause: 'Terminated', originator: 'remote' });
       });
});
