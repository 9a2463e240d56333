import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launchBrowser } from './browser.js';
import { buildClientPage } from './client_page.js';
import { PhonePage } from './phone_page.js';
import { freePorts, mediaRanges } from './ports.js';
import { ChildProcess } from './process.js';
import { ROOT } from './root.js';
import { until } from './wait.js';

export { ROOT };
export const PAGE_FOLDER = join(ROOT, 'web-demo/dist');

// An INVITE transaction that ended in 2xx stays 64*T1 = 32 s (RFC 6026).
const SETTLE_MS = 40000;

function program(variable, path) {
  const candidates = process.env[variable] ? [process.env[variable]] :
      ['release', 'dev'].map((preset) => join(ROOT, 'build', preset, path));
  const found = candidates.find(existsSync);
  assert.ok(found, `no ${path} in ${candidates.join(' or ')}: build it first`);
  return found;
}

export function gatewayProgram() {
  return program('LASTMILE_BIN', 'gateway/app/lastmile');
}

// A gateway, a demo carrier and a browser of their own: free ports, a temporary folder, a fresh
// certificate. Everything is gone after stop(). Options:
//   carrier       false: a test brings its own carrier, at carrierHost:carrierSip
//   trunkHost     the address that the gateway shows to its trunk
//   carrierHost   the carrier's address
//   acceptFrom    where it may call from besides, as in the trunk's entry
//   trunk         more lines of the trunk's entry
//   browserHost   the address that browsers reach the gateway at
//   chromium      the browser's program
//   users         names of more users than alice and bob; each is its own password
//   clients       true: the page of the test clients (client_page.js) instead of the demo page
//   browser       false: a test brings its own browser
//   trunks        entries of other trunks; routes: of routes to them
//   sipTls        a port for carriers that call over TLS
//   advertise     the address for media that browsers are told
//   tcpMedia      true: browsers may bring their media over TCP, too
//   ice           an entry media.ice: full ICE, with a port of its own for each call
//   mediaEntry    one more line of the section media
//   chromiumFlags more arguments of the browser's program
//   usersEntry    one more line of the section users
//   secureTrunk   SIP over TLS between gateway and carrier, where the gateway has to register
export class Lab {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-e2e-'));
  #carriers = [];
  #pages = [];
  #ranges = mediaRanges();
  browser = null;

  constructor({ carrier = true, trunkHost = '127.0.0.1', carrierHost = '127.0.0.1',
                acceptFrom = '[ "127.0.0.0/8" ]', trunk = '', trunks = '', routes = '',
                clients = false, browser = true, chromium, browserHost = '127.0.0.1',
                advertise = browserHost, users = [], usersEntry = '', sipTls = 0, secureTrunk = false,
                tcpMedia = false, ice = '', mediaEntry = '', chromiumFlags = [] } = {}) {
    Object.assign(this, { withCarrier: carrier, trunkHost, carrierHost, acceptFrom,
                          trunkEntry: trunk, otherTrunks: trunks, otherRoutes: routes,
                          withClients: clients, withBrowser: browser, chromium, browserHost,
                          advertise, usersEntry, sipTls, secureTrunk, tcpMedia, ice, mediaEntry,
                          chromiumFlags,
                          users: ['alice', 'bob', ...users] });
  }

  async start() {
    const [http, https, sip, carrierSip, browserMedia, admin, browserTcp] = await freePorts(7);
    Object.assign(this, { http, https, sip, carrierSip, browserMedia, admin, browserTcp });
    this.pageFolder = this.withClients ? join(this.#folder, 'page') : PAGE_FOLDER;
    const host = this.browserHost === '127.0.0.1' ? 'localhost' : this.browserHost;
    this.pageUrl = `http://${host}:${http}/`;
    this.securePageUrl = `https://${host}:${https}/`;
    this.#makeCertificate();
    if (this.withCarrier) {
      this.carrier = this.startCarrier({ port: carrierSip });
    }
    if (this.withClients) {
      await buildClientPage(this.pageFolder);
    }
    this.config = this.#writeConfig();
    this.started = Date.now();
    this.gateway = new ChildProcess('gateway', gatewayProgram(), ['run', '-c', this.config]);
    await this.#ready();
    this.openFiles = this.countFiles();
    this.browser = this.withBrowser ? await launchBrowser(this.chromium, this.chromiumFlags) : null;
  }

  // What the gateway shows to who connects to it over TLS; it is its own authority.
  get certificate() {
    return join(this.#folder, 'cert.pem');
  }

  // How a user of this lab registers; a user's password is its name.
  account(user, url = this.pageUrl) {
    return { url: url.replace('http', 'ws'), user, password: user, domain: 'localhost' };
  }

  // A carrier of its own on the trunk's side, e.g. with callUser, which rings at once.
  startCarrier({ port, callUser }) {
    const range = this.#ranges[1 + this.#carriers.length % (this.#ranges.length - 1)];
    const args = ['--listen', `${this.carrierHost}:${port}`,
                  '--gateway', `${this.trunkHost}:${this.sip}`,
                  '--rtp-ports', range];
    if (this.secureTrunk) args.push('--tls', this.#folder, '--account', 'acme:acme-password');
    const carrier = new ChildProcess(
        'carrier',
        program('LASTMILE_CARRIER_BIN', 'demo_carrier/lastmile-demo-carrier'),
        callUser ? [...args, '--call-user', callUser] : args);
    this.#carriers.push(carrier);
    return carrier;
  }

  async startCaller(callUser) {
    const [port] = await freePorts(1);
    return this.startCarrier({ port, callUser });
  }

  // Waits until a carrier's report of a second, after its line number `from`, says hz +- 10.
  async carrierHears(hz, from, carrier = this.carrier) {
    const heard = () => carrier.lines.slice(from)
        .map((line) => Number(/heard .*hz=([\d.]+)/.exec(line)?.[1] ?? NaN));
    await until(() => heard().some((found) => Math.abs(found - hz) <= 10),
                `the carrier hears ${hz} Hz`, 10000)
        .catch((error) => {
          throw carrier.explained(error);
        });
  }

  async openPage(options = {}) {
    const phone = await PhonePage.open(this.browser, options.url ?? this.pageUrl, options.context);
    this.#pages.push(phone);
    return phone;
  }

  async closePages() {
    await Promise.all(this.#pages.splice(0).map((phone) => phone.close().catch(() => {})));
  }

  // The gateway's own counters.
  async gauges() {
    const from = this.gateway.lines.length;
    this.gateway.signal('SIGUSR1');
    const [, text] = await this.gateway.printed(/gauges (.*)$/, 3000, from);
    return Object.fromEntries(
        [...text.matchAll(/(\w+)=(\d+)/g)].map(([, name, value]) => [name, Number(value)]));
  }

  // What a Prometheus server would read: series with their labels, and values.
  async metrics() {
    const response = await fetch(`http://127.0.0.1:${this.admin}/metrics`);
    assert.equal(response.status, 200);
    return Object.fromEntries((await response.text()).split('\n')
        .filter((line) => line && !line.startsWith('#'))
        .map((line) => line.split(/ (?=[^ ]*$)/))
        .map(([series, value]) => [series, Number(value)]));
  }

  // The records of the calls that are over, in order.
  callRecords() {
    const path = join(this.#folder, 'cdr.jsonl');
    return !existsSync(path) ? [] : readFileSync(path, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  }

  countFiles() {
    return readdirSync(`/proc/${this.gateway.pid}/fd`).length;
  }

  // Waits until these gauges are 0.
  async assertNo(names, timeoutMs = 5000) {
    let gauges = {};
    await until(async () => {
      gauges = await this.gauges();
      return names.every((name) => gauges[name] === 0);
    }, `${names.join(', ')} are 0`, timeoutMs, 200).catch((error) => {
      error.message += ` ${JSON.stringify(gauges)}`;
      throw this.gateway.explained(error);
    });
  }

  // Closes pages and carriers and holds the gateway to its word: nothing is left, and it ends well.
  async assertNothingLeft() {
    await this.closePages();
    await this.assertNo(['calls', 'subscriptions', 'dialogs', 'transactions', 'sessions', 'ports',
                         'ws'], SETTLE_MS);
    await Promise.all(this.#carriers.map((carrier) => carrier.stop()));
    // A secure trunk is connected from the start, and its carrier has just gone.
    const expected = this.openFiles - (this.secureTrunk ? 1 : 0);
    await until(() => this.countFiles() === expected, 'as many open files as before', 10000)
        .catch((error) => {
          error.message += `: ${expected} before, ${this.countFiles()} now`;
          throw error;
        });
    assert.deepEqual(await this.gateway.stop(), { code: 0, signal: null });
  }

  async stop() {
    await this.browser?.close().catch(() => {});
    for (const child of [this.gateway, ...this.#carriers]) {
      await child?.stop().catch(() => {});
    }
    this.#leaveRecord();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  // For the test that looks at what the whole suite sent to trunks (tests/component/capture), if a
  // capture runs.
  #leaveRecord() {
    const folder = join(process.env.LASTMILE_TRUNK_CAPTURE ?? '', 'gateways');
    if (!this.gateway || !process.env.LASTMILE_TRUNK_CAPTURE || !existsSync(folder)) return;
    writeFileSync(join(folder, `${this.sip}-${this.started}.json`), JSON.stringify({
      test: basename(process.argv[1]), sip: this.sip, from: this.started, to: Date.now(),
      config: readFileSync(this.config, 'utf8'), lines: this.gateway.lines }));
  }

  #makeCertificate() {
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(this.#folder, name));
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
      '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ], { stdio: 'ignore' });
    writeFileSync(join(this.#folder, 'agent.pem'), readFileSync(cert) + readFileSync(key));
  }

  #writeConfig() {
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(this.#folder, name));
    const transport = this.secureTrunk ? 'tls' : 'tcp';
    const secure = !this.secureTrunk ? '' : `tls: { ca: ${cert} }
    auth: { username: acme, password: acme-password }
    register: { expires: 600s }`;
    const path = join(this.#folder, 'lastmile.yaml');
    writeFileSync(path, `version: 1
domain: localhost
page: ${this.pageFolder}
listen:
  ws: { addr: "${this.browserHost}:${this.http}" }
  wss: { addr: "${this.browserHost}:${this.https}" }
  sip: [ "${transport}:${this.trunkHost}:${this.sip}"${this.#sipOverTls()} ]
  origins: [ "${this.pageUrl.slice(0, -1)}", "${this.securePageUrl.slice(0, -1)}" ]   # of the page, whatever proxy its WebSocket takes
  admin: { addr: "127.0.0.1:${this.admin}" }
tls: { cert: ${cert}, key: ${key} }
media:
  ${this.#browserMediaEntry()}
  trunk: { bind: "${this.trunkHost}", advertise: "${this.trunkHost}", ports: ${this.#ranges[0]} }
  ${this.mediaEntry}
users:
  inline:
${this.users.map((name) => `    - { name: ${name}, password: ${name} }`).join('\n')}
  ${this.usersEntry}
trunks:
${this.otherTrunks}  carrier:
    transport: ${transport}
    ${secure}
    servers: [ "${this.carrierHost}:${this.carrierSip}" ]
    accept_from: ${this.acceptFrom}
    ${this.trunkEntry}
routes:
${this.otherRoutes}  - { to: "^[0-9*#+]+$", trunk: carrier }
cdr: { jsonl: ${join(this.#folder, 'cdr.jsonl')} }
`);
    return path;
  }

  #browserMediaEntry() {
    const bind = `bind: "${this.browserHost}"`;
    if (this.ice) return `browser: { ${bind} }\n  ice: ${this.ice}`;
    const tcp = this.tcpMedia ? `, tcp_port: ${this.browserTcp}` : '';
    return `browser: { ${bind}, advertise: "${this.advertise}", port: ${this.browserMedia}${tcp} }`;
  }

  #sipOverTls() {
    return this.sipTls ? `, "tls:${this.trunkHost}:${this.sipTls}"` : '';
  }

  async #ready() {
    await until(async () => {
      if (this.gateway.exit) {
        throw this.gateway.explained(new Error('the gateway did not start'));
      }
      if (this.carrier?.exit) {
        throw this.carrier.explained(new Error('the carrier did not start'));
      }
      const response = await fetch(this.pageUrl, { headers: { connection: 'close' } })
          .catch(() => null);
      await response?.arrayBuffer();
      return response?.ok;
    }, 'the gateway serves its page', 10000).catch((error) => {
      throw this.gateway.explained(error);
    });
    if (this.secureTrunk) await this.carrier.printed(/register state=bound/, 10000);
    let files = -1;
    await until(() => files === (files = this.countFiles()), 'a steady number of open files', 5000, 300);
  }
}

// A suite with a lab of its own. `define` adds tests; one more at the end proves that the gateway
// has nothing left: no call, no port, no transaction, no file descriptor. That takes as long as a
// transaction lives; withBriefLab() only looks for calls and what they hold.
export function withLab(title, define, options = {}) {
  describe(title, () => {
    const lab = new Lab(options);
    before(() => lab.start());
    after(() => lab.stop());
    define(lab);
    test('afterwards nothing is left in the gateway', { timeout: 70000 },
         () => lab.assertNothingLeft());
  });
}

export function withBriefLab(title, define, options = {}) {
  describe(title, () => {
    const lab = new Lab(options);
    before(() => lab.start());
    after(() => lab.stop());
    define(lab);
    test('afterwards no call is left in the gateway', { timeout: 20000 }, async () => {
      await lab.assertNo(['calls', 'sessions', 'ports']);
      assert.deepEqual(await lab.gateway.stop(), { code: 0, signal: null });
    });
  });
}
