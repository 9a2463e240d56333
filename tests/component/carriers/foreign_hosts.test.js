import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ROOT, withBriefLab } from '../../e2e/support/lab.js';
import { freePorts } from '../../e2e/support/ports.js';
import { TrunkCaller, WsCaller } from './support/raw_caller.js';
import { UdpWatch } from './support/udp_watch.js';

// No browser decides where the gateway sends anything: a host that a request names is not called,
// wherever it stands.
const FOREIGN = '127.0.0.9';
const REQUESTS = 1000;
const BUSY = '602';
const OFFER = readFileSync(join(ROOT, 'tests/corpora/sdp/chromium-156-audio-offer.sdp'));

// How the host may be written in a URI.
const spellings = (port) => [
  `sip:${BUSY}@${FOREIGN}:${port}`,
  `sip:${BUSY}@${FOREIGN}:${port};transport=tcp`,
  `sip:${BUSY}@${FOREIGN}:${port};transport=udp`,
  `sips:${BUSY}@${FOREIGN}:${port}`,
  `sip:${BUSY}@localhost;maddr=${FOREIGN};transport=tcp`,
  `sip:${FOREIGN}:${port};lr`,
];

// Where it may stand. Each gives what a request has besides its own fields; `uri` is its own.
const places = {
  'the Request-URI': (uri) => ({ uri }),
  Route: (uri) => ({ fields: [`Route: <${uri};lr>`] }),
  Contact: (uri) => ({ contact: uri }),
  'Record-Route': (uri) => ({ fields: [`Record-Route: <${uri};lr>`] }),
  'the sent-by of Via': (uri, port) => ({ via: `TCP ${FOREIGN}:${port}` }),
  'maddr and received of Via': (uri, port) => ({
    via: `WS x.invalid;maddr=${FOREIGN};received=${FOREIGN};rport=${port}` }),
  'a second Via': (uri, port) => ({
    fields: [`Via: SIP/2.0/TCP ${FOREIGN}:${port};branch=z9hG4bKother;received=${FOREIGN}`] }),
  'Refer-To': (uri) => ({ fields: [`Refer-To: <${uri}>`, `Referred-By: <${uri}>`] }),
  Replaces: (uri) => ({
    fields: [`Replaces: call@${FOREIGN};to-tag=a;from-tag=b`, `Refer-To: <${uri}?Replaces=a>`] }),
  'Call-Info': (uri) => ({ fields: [`Call-Info: <${uri}>;purpose=icon`,
                                    `Alert-Info: <http://${FOREIGN}/ring>`] }),
  Path: (uri) => ({ fields: [`Path: <${uri};lr>`, 'Supported: path'] }),
  'Reply-To': (uri) => ({ fields: [`Reply-To: <${uri}>`, `P-Asserted-Identity: <${uri}>`] }),
};

const METHODS = ['INVITE', 'MESSAGE', 'OPTIONS', 'REGISTER', 'SUBSCRIBE', 'REFER'];

// The packets of a capture that are not the watch's own.
function packetsOf(capture) {
  const bytes = Buffer.from(capture, 'latin1');
  const packets = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 8);
    const packet = bytes.toString('latin1', at + 16, at + 16 + length);
    if (!packet.includes('probe ')) {
      packets.push(packet);
    }
    at += 16 + length;
  }
  return packets;
}

withBriefLab('hosts that a browser names', (lab) => {
  let port;
  let watch;
  let caller;
  let connections = 0;
  const listener = createServer((socket) => {
    ++connections;
    socket.destroy();
  });

  before(async () => {
    [port] = await freePorts(1);
    listener.listen(port, FOREIGN);
    await once(listener, 'listening');
    watch = await UdpWatch.start(FOREIGN, port, `host ${FOREIGN}`);
    caller = await WsCaller.register(lab.http, 'bob');
  });
  after(async () => {
    await watch.stop();
    listener.close();
  });

  test(`${REQUESTS} requests name ${FOREIGN} and are answered`, { timeout: 180000 }, async (t) => {
    const hosts = spellings(port);
    const kinds = Object.values(places);
    const codes = {};
    for (let i = 0; i < REQUESTS; ++i) {
      const method = METHODS[i % METHODS.length];
      const place = kinds[Math.floor(i / METHODS.length) % kinds.length];
      const foreign = hosts[Math.floor(i / METHODS.length / kinds.length) % hosts.length];
      const own = method === 'REGISTER' ? 'sip:localhost' : `sip:${BUSY}@localhost`;
      const { uri = own, fields = [], ...rest } = place(foreign, port);
      const { response } = await caller.request(method, uri, {
        to: method === 'REGISTER' ? 'sip:bob@localhost' : `sip:${BUSY}@localhost`,
        fields: method === 'SUBSCRIBE' ? [...fields, 'Event: presence'] : fields,
        body: method === 'INVITE' ? OFFER : undefined, ...rest });
      assert.ok(response, `${method} ${uri} closed the connection`);
      codes[response.status] = (codes[response.status] ?? 0) + 1;
    }
    t.diagnostic(`answers: ${JSON.stringify(codes)}`);
    assert.ok(codes[486] > 50, 'calls went to the trunk of the route');
  });

  test('a browser that registered such a Contact is called over its WebSocket', async () => {
    const contact = `sip:bob@${FOREIGN}:${port};transport=tcp`;
    const registered = await caller.request('REGISTER', 'sip:localhost',
                                            { to: 'sip:bob@localhost', contact });
    assert.equal(registered.response.status, 200);
    const trunk = await TrunkCaller.connect(lab.trunkHost, lab.sip);
    const { response } = await trunk.invite('bob', OFFER);
    assert.ok(response.status >= 400, response.line);
    await trunk.stop();
    await caller.stop();
  });

  test('not one packet went there', { timeout: 20000 }, async (t) => {
    const { datagrams, capture } = await watch.seen();
    assert.equal(connections, 0);
    assert.deepEqual(datagrams, []);
    if (capture === null) {
      t.diagnostic('without root: sockets on the port looked, but no capture');
    } else {
      assert.deepEqual(packetsOf(capture), []);
      t.diagnostic(`0 of ${REQUESTS} requests led to a packet for ${FOREIGN}`);
    }
  });
}, { browser: false });
