import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { until } from '../../../e2e/support/wait.js';
import { readCapture } from './pcap.js';
import { isSip } from './sip_start.js';

// Every datagram of this machine, but of RTP and RTCP (first byte 10xxxxxx, RFC 7983, which no
// start line of SIP has) only where the sequence number is a multiple of 64; and the TCP of labs.
const FILTER = '(ip6 and udp) or (tcp and net 127.0.0.0/8) or ' +
    '(ip and udp and (udp[8] & 0xc0 != 0x80 or udp[11] & 0x3f = 0))';
const SNAP_BYTES = 16384;       // a page comes in pieces of 64 KiB, no SIP message of ours does
const LIMIT_BYTES = 1024 ** 3;  // of the file; then tcpdump ends, and the suite's test fails
const LIMIT = '3h';             // for a suite that was broken off
const BUFFER_KIB = 65536;
const PROBE = 'lastmile-capture-probe-';

const isOurs = (pid, file) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(file);
  } catch {
    return false;
  }
};

// Two datagrams that look like SIP.
async function sendProbes(id) {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const uri = `sip:${PROBE}${id}@127.0.0.1`;
  for (const text of [`OPTIONS ${uri} SIP/2.0\r\n\r\n`, `SIP/2.0 200 OK\r\nTo: <${uri}>\r\n\r\n`]) {
    await new Promise((resolve) => socket.send(text, socket.address().port, '127.0.0.1', resolve));
  }
  socket.close();
}

// A capture that begins in one process and ends in another one. `folder` is its own.
export class SuiteCapture {
  constructor(folder) {
    this.folder = folder;
    this.file = join(folder, 'capture.pcap');
    this.gateways = join(folder, 'gateways');
    this.log = join(folder, 'tcpdump.log');
    this.state = join(folder, 'state.json');
  }

  static isProbe(text) {
    return text.includes(`sip:${PROBE}`);
  }

  get isThere() {
    return existsSync(this.state);
  }

  // Ends and removes what an earlier suite left, which may still be running.
  async forget() {
    if (this.isThere) await this.#endProcess();
    this.clear();
  }

  async start() {
    await this.forget();
    mkdirSync(this.gateways, { recursive: true });
    const log = openSync(this.log, 'w');
    const child = spawn('prlimit', [
      `--fsize=${LIMIT_BYTES}`, 'timeout', LIMIT, 'tcpdump', '-i', 'any', '-y', 'LINUX_SLL',
      '-n', '-U', '-B', String(BUFFER_KIB), '-s', String(SNAP_BYTES), '-Z', 'root',
      '-w', this.file, FILTER,
    ], { detached: true, stdio: ['ignore', log, log] });
    child.unref();
    writeFileSync(this.state, JSON.stringify({ pid: child.pid ?? 0, probes: [] }));
    const failed = new Promise((_, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('tcpdump ended')));
    });
    await Promise.race([failed, until(() => /listening on/.test(this.#said()), 'tcpdump listens')])
        .catch((error) => {
          throw new Error(`${error.message}; it said: ${this.#said()}`);
        });
    await this.#probe();
  }

  // Why it did not start, for the one that ends it.
  leaveFault(error) {
    writeFileSync(this.state, JSON.stringify({ ...this.#read(), fault: error.message }));
  }

  // Ends it. What tcpdump said of itself: { packets, dropped }.
  async end() {
    const { fault } = this.#read();
    if (!fault) await this.#probe();
    await this.#endProcess();
    if (fault) throw new Error(`there was no capture: ${fault}`);
    const count = (what) =>
        Number(new RegExp(`^(\\d+) packets? ${what}`, 'm').exec(this.#said())?.[1] ?? NaN);
    return { packets: count('captured'), dropped: count('dropped by kernel') };
  }

  // Whether both datagrams of each probe are among these.
  foundAll(texts) {
    return this.#read().probes.every((id) =>
        texts.filter((text) => text.includes(`sip:${PROBE}${id}@`)).length === 2);
  }

  // What the gateways of the suite left (Lab): { sip, test, lines, config }.
  gatewayLogs() {
    return readdirSync(this.gateways).map((name) =>
        JSON.parse(readFileSync(join(this.gateways, name), 'utf8')));
  }

  clear() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  // A probe that the capture is seen to have.
  async #probe() {
    const state = this.#read();
    const id = randomUUID();
    writeFileSync(this.state, JSON.stringify({ ...state, probes: [...state.probes, id] }));
    await sendProbes(id);
    const said = () => [...readCapture(this.file)]
        .filter(({ udp, payload }) => udp && isSip(payload)).map(({ payload }) => String(payload));
    await until(() => this.foundAll(said()), 'the capture sees datagrams of the test', 20000, 250)
        .catch((error) => {
          const { size } = statSync(this.file);
          throw new Error(`${error.message}; the file has ${size} of at most ${LIMIT_BYTES} ` +
              `bytes; tcpdump said: ${this.#said()}`);
        });
  }

  async #endProcess() {
    const { pid } = this.#read();
    if (isOurs(pid, this.file)) {
      process.kill(pid, 'SIGTERM');  // timeout hands it on
      await until(() => !isOurs(pid, this.file), 'tcpdump ends', 10000);
    }
  }

  #read() {
    return JSON.parse(readFileSync(this.state, 'utf8'));
  }

  #said() {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8') : '';
  }
}
