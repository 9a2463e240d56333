import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { MICROPHONE_HZ } from '../../e2e/support/browser.js';
import { withBriefLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { Baresip } from './support/baresip.js';

// A stock baresip that takes SRTP, over TLS both ways. What is heard went through libsrtp or its
// like at the other end: with another key it would be noise, and baresip would drop it.
const NUMBER = '8001';
const TONE_HZ = 700;
const SUITE = /leg=trunk SRTP (AES_CM_128_HMAC_SHA1_80|AEAD_AES_128_GCM)/;

const folder = mkdtempSync(join(tmpdir(), 'lastmile-srtp-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const certificate = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
execFileSync('openssl', [
  'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
  '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=baresip',
  '-addext', 'subjectAltName=IP:127.0.0.1',
], { stdio: 'ignore' });
const both = join(folder, 'both.pem');
writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));

// `srtp` of the trunk's entry, and what baresip calls the same.
const WAYS = [
  { srtp: 'required', mediaenc: 'srtp-mand' },  // RTP/SAVP
  { srtp: 'optional', mediaenc: 'srtp' },       // RTP/AVP with keys (RFC 8643)
];

for (const { srtp, mediaenc } of WAYS) {
  const [port, sipTls] = await freePorts(2);
  withBriefLab(`baresip with SRTP that is ${srtp}`, (lab) => {
    let baresip;
    let phone;

    before(async () => {
      baresip = await Baresip.start(NUMBER, port, TONE_HZ, { certificate: both, mediaenc });
      phone = await lab.openPage();
      await phone.signIn({ user: 'alice' });
    });
    after(() => baresip?.stop());

    test('it answers: a tone each way', { timeout: 60000 }, async () => {
      const from = lab.gateway.lines.length;
      await phone.dial(NUMBER);
      await phone.callBecomes('active');
      await baresip.sees('CALL_ESTABLISHED');
      await phone.hears(TONE_HZ);
      await baresip.hears(MICROPHONE_HZ);
      await lab.gateway.printed(SUITE, 1000, from);
      await phone.hangUp();
      await baresip.sees('CALL_CLOSED');
    });

    test('it calls: a tone each way', { timeout: 60000 }, async () => {
      const from = lab.gateway.lines.length;
      baresip.forget();
      baresip.dial(`sip:alice@127.0.0.1:${sipTls};transport=tls`);
      await phone.callBecomes('incoming');
      await phone.answer();
      await phone.callBecomes('active');
      await baresip.sees('CALL_ESTABLISHED');
      await phone.hears(TONE_HZ);
      await baresip.hears(MICROPHONE_HZ);
      await lab.gateway.printed(SUITE, 1000, from);
      baresip.hangUp();
      await phone.callBecomes('ended');
      await baresip.stop();
    });
  }, {
    carrier: false,
    sipTls,
    trunks: `  secure:
    transport: tls
    servers: [ "127.0.0.1:${port + 1}" ]
    tls: { ca: ${certificate} }
    accept_from: [ "127.0.0.0/8" ]
    srtp: ${srtp}
`,
    routes: '  - { to: "^8", trunk: secure }\n',
  });
}
