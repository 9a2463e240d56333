// Captures the SDP of real peers into a folder. Usage: node main.js FOLDER (scripts/capture_sdp.sh)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WebSocketServer } from 'ws';

import { Baresip } from '../../component/carriers/support/baresip.js';
import { Kamailio, kamailioIsInstalled, relayIsInstalled, versions } from '../../component/carriers/support/kamailio.js';
import { freeMediaPort, untilListening } from '../../component/carriers/support/listening.js';
import { RawCarrier } from '../../component/carriers/support/raw_carrier.js';
import { TrunkCaller } from '../../component/carriers/support/raw_caller.js';
import { sipBytes, SipMessage, responseBytes, token } from '../../component/carriers/support/sip_text.js';
import { launchBrowser } from '../support/browser.js';
import { ROOT } from '../support/lab.js';
import { freePorts } from '../support/ports.js';
import { ChildProcess } from '../support/process.js';
import { until } from '../support/wait.js';
import { masked } from './mask.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const HOST = '127.0.0.1';
const folder = process.argv[2];
const webDemo = createRequire(join(ROOT, 'web-demo/package.json'));
const lines = (...all) => all.map((line) => `${line}\r\n`).join('');

// As BrowserLeg and TrunkLeg offer.
const GATEWAY_OFFER = lines(
    'v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-lite',
    'm=audio 20000 UDP/TLS/RTP/SAVPF 0 8 101', 'c=IN IP4 192.0.2.10', 'a=mid:0', 'a=sendrecv',
    'a=rtcp-mux', 'a=ice-ufrag:gwUf', 'a=ice-pwd:gatewaypasswordof24chars',
    `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass',
    'a=candidate:1 1 udp 2130706431 192.0.2.10 20000 typ host', 'a=end-of-candidates',
    'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15');
const CARRIER_OFFER = Buffer.from(lines(
    'v=0', `o=- 1 1 IN IP4 ${HOST}`, 's=-', `c=IN IP4 ${HOST}`, 't=0 0',
    'm=audio 30000 RTP/AVP 0 8 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'));

function save(name, sdp) {
  assert.match(sdp, /^v=0\r\n/, `${name}: not SDP`);
  writeFileSync(join(folder, `${name}.sdp`), Buffer.from(masked(sdp), 'latin1'));
  console.log(`    ${name}.sdp`);
}

const debianVersion = (name) => /^(?:\d+:)?([\d.]+)/.exec(
    execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' }))[1];
const major = (version) => version.split('.')[0];
const npmVersion = (path) => JSON.parse(readFileSync(join(ROOT, path, 'package.json'))).version;

// Serves one script as a page, takes what it posts, and is the SIP server at its WebSocket.
class PageServer {
  #sockets;
  captured = new Map();
  done = null;

  static async start(script) {
    const server = new PageServer();
    server.http = createServer((request, response) => server.#serve(request, response, script));
    server.#sockets = new WebSocketServer({ server: server.http, handleProtocols: () => 'sip' });
    server.#sockets.on('connection', (socket) => {
      socket.on('message', (data) => server.#onSip(socket, new SipMessage(Buffer.from(data))));
    });
    await new Promise((resolve) => server.http.listen(0, HOST, resolve));
    server.url = `http://localhost:${server.http.address().port}/`;
    return server;
  }

  async stop() {
    this.#sockets.clients.forEach((socket) => socket.terminate());
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  async #serve(request, response, script) {
    if (request.method === 'POST') {
      const parts = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts).toString('latin1');
      const [, what] = /^\/captured\/(.*)/.exec(request.url) ?? [];
      if (what) this.captured.set(what, body);
      else this.done = { error: body };
      response.end();
    } else if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><meta charset=utf-8><script src="/script.js"></script>');
    } else if (request.url === '/script.js') {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(script);
    } else if (request.url === '/gateway-offer') {
      response.end(GATEWAY_OFFER);
    } else {
      response.writeHead(404).end();
    }
  }

  // Refuses the call it gets, then calls itself and ends what is answered.
  #onSip(socket, message) {
    if (message.method === 'INVITE') {
      this.captured.set('audio-offer', message.body);
      socket.send(responseBytes(message, 486, 'Busy Here', { tag: token() }).toString('latin1'));
    } else if (message.method === 'ACK') {
      const [, contact] = /Contact: *<([^>]+)>/i.exec(this.contact ?? '') ?? [];
      socket.send(sipBytes(`INVITE ${contact ?? 'sip:alice@localhost'} SIP/2.0`, [
        `Via: SIP/2.0/WS ${HOST};branch=z9hG4bK${token()}`, 'Max-Forwards: 70',
        `From: <sip:600@localhost>;tag=${token()}`, 'To: <sip:alice@localhost>',
        `Call-ID: ${token()}`, 'CSeq: 1 INVITE', `Contact: <sip:600@${HOST};transport=ws>`,
      ], Buffer.from(GATEWAY_OFFER)).toString('latin1'));
    } else if (message.status === 200 && / INVITE$/.test(message.header('cseq'))) {
      this.captured.set('audio-answer', message.body);
      this.done = { error: '' };
    }
  }
}

async function finished(server, what, timeoutMs = 45000) {
  const { error } = await until(() => server.done, `${what} is done`, timeoutMs);
  assert.equal(error, '', what);
}

function saveAll(server, agent) {
  for (const [what, sdp] of server.captured) save(`${agent}-${what}`, sdp);
}

async function chromium(browser) {
  const server = await PageServer.start(readFileSync(join(HERE, 'page.js')));
  const page = await browser.newPage();
  await page.goto(server.url);
  await finished(server, 'Chromium');
  saveAll(server, `chromium-${major(debianVersion('chromium'))}`);
  const offer = server.captured.get('audio-offer');
  await page.close();
  await server.stop();
  return offer;
}

// Without a driver: a profile that allows everything, and a page that does the rest.
async function firefox() {
  const server = await PageServer.start(readFileSync(join(HERE, 'page.js')));
  const profile = mkdtempSync(join(tmpdir(), 'lastmile-firefox-'));
  const prefs = { 'media.navigator.permission.disabled': true, 'media.navigator.streams.fake': true,
                  'browser.shell.checkDefaultBrowser': false, 'app.update.enabled': false,
                  'datareporting.policy.dataSubmissionEnabled': false,
                  'toolkit.telemetry.enabled': false, 'network.captive-portal-service.enabled': false,
                  'browser.aboutwelcome.enabled': false };
  writeFileSync(join(profile, 'user.js'), Object.entries(prefs)
      .map(([name, value]) => `user_pref("${name}", ${value});\n`).join(''));
  const program = new ChildProcess('firefox', 'firefox-esr', [
    '--headless', '--no-remote', '--profile', profile, server.url]);
  await finished(server, 'Firefox', 90000).catch((error) => {
    throw program.explained(error);
  }).finally(async () => {
    await program.stop(10000).catch(() => {});
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  saveAll(server, `firefox-${major(debianVersion('firefox-esr'))}`);
  await server.stop();
}

async function phones(browser) {
  const { outputFiles } = await webDemo('esbuild').build({
    entryPoints: [join(HERE, 'phones.js')], bundle: true, write: false, format: 'iife',
    nodePaths: [join(ROOT, 'web-demo/node_modules')], logLevel: 'warning',
  });
  for (const [agent, start] of [
    [`jssip-${npmVersion('web-demo/node_modules/jssip')}`, 'startJsSip'],
    [`sipjs-${npmVersion('tests/e2e/node_modules/sip.js')}`, 'startSipJs']]) {
    const server = await PageServer.start(outputFiles[0].text);
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.evaluate((name) => { window[name](); }, start);
    await finished(server, agent);
    saveAll(server, agent);
    await page.close();
    await server.stop();
  }
}

async function answerOf(port, offer) {
  const caller = await TrunkCaller.connect(HOST, port);
  const { response } = await caller.invite('600', offer);
  await caller.stop();
  assert.equal(response?.status, 200, response?.line);
  return response.body;
}

async function baresip() {
  const [port, peer] = await freePorts(2);
  const agent = `baresip-${debianVersion('baresip-core')}`;
  const program = await Baresip.start('600', port, 700);
  const carrier = await RawCarrier.listen(HOST, peer, [486, 'Busy Here']);
  program.dial(`sip:601@${HOST}:${peer};transport=tcp`);
  save(`${agent}-audio-offer`, (await carrier.got('INVITE')).body);
  save(`${agent}-audio-answer`, await answerOf(port, CARRIER_OFFER));
  await carrier.stop();
  await program.stop();
}

// SIPp's built-in scenarios.
async function sipp() {
  const agent = `sipp-${debianVersion('sip-tester')}`;
  const [port, peer] = await freePorts(2);
  const start = async (...args) => new ChildProcess('sipp', 'sipp', [
    '-t', 't1', '-m', '1', '-nostdin', '-i', HOST, '-mi', HOST,
    '-mp', String(await freeMediaPort(HOST)), '-timeout', '20s', ...args]);
  const carrier = await RawCarrier.listen(HOST, peer, [486, 'Busy Here']);
  const caller = await start('-sn', 'uac', `${HOST}:${peer}`);
  save(`${agent}-audio-offer`, (await carrier.got('INVITE')).body);
  await caller.stop();
  await carrier.stop();
  const callee = await start('-sn', 'uas', '-p', String(port));
  await untilListening(port);
  save(`${agent}-audio-answer`, await answerOf(port, CARRIER_OFFER));
  await callee.stop();
}

async function rtpengine(browserOffer) {
  const [port, target] = await freePorts(2);
  const same = 'replace-origin replace-session-connection';
  const carrier = await RawCarrier.listen(HOST, target, 'ok');
  const kamailio = await Kamailio.start({
    port, target, offer: `RTP/AVP ICE=remove rtcp-mux-demux ${same}`,
    answer: `UDP/TLS/RTP/SAVPF ICE=force ${same}`,
  });
  const answer = await answerOf(port, Buffer.from(browserOffer));
  save(`${versions()}-audio-offer`, (await carrier.got('INVITE')).body);
  save(`${versions()}-audio-answer`, answer);
  await kamailio.stop();
  await carrier.stop();
}

async function main() {
  mkdirSync(folder, { recursive: true });
  const browser = await launchBrowser();
  try {
    const offer = await chromium(browser);
    await phones(browser);
    await baresip();
    await sipp();
    if (kamailioIsInstalled() && relayIsInstalled()) {
      await rtpengine(offer);
    } else {
      console.log('    left out: kamailio and rtpengine-daemon are not installed');
    }
    await firefox();
  } finally {
    await browser.close();
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
