import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePorts, mediaRanges } from './ports.js';
import { ChildProcess } from './process.js';
import { ROOT } from './root.js';

const PROGRAM = '/usr/bin/turnserver';

export const hasTurnServer = existsSync(PROGRAM);

// An address of this machine that is not loopback; undefined: it has none. The relay denies
// loopback, as it should.
export function outerAddress(family = 'IPv4') {
  return Object.values(networkInterfaces()).flat().find(
      (entry) => entry.family === family && !entry.internal && !entry.scopeid)?.address;
}

// coturn with the configuration that is shipped (deploy/turnserver.conf) and what its user has to
// change in it: a secret, the gateway's address as the one peer that is allowed.
export class TurnServer {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-turn-'));
  #child = null;

  static async start({ host, secret }) {
    const server = new TurnServer();
    const [port] = await freePorts(1);
    const [relayed] = mediaRanges();
    const [first, last] = relayed.split('-');
    server.url = `turn:${host}:${port}?transport=udp`;
    server.address = { host, port };
    const outerV6 = outerAddress('IPv6');
    server.hasIpv6 = outerV6 !== undefined;
    server.#child = new ChildProcess('coturn', PROGRAM, [
      '-c', join(ROOT, 'deploy/turnserver.conf'), `--listening-port=${port}`,
      `--listening-ip=${host}`, `--relay-ip=${host}`, ...(outerV6 ? [`--relay-ip=${outerV6}`] : []),
      `--min-port=${first}`, `--max-port=${last}`, '--no-tls', '--no-dtls',
      `--static-auth-secret=${secret}`, `--allowed-peer-ip=${host}`, '--simple-log',
      '--log-file=stdout', '--verbose', `--pidfile=${join(server.#folder, 'pid')}`,
      `--userdb=${join(server.#folder, 'db')}`,
    ]);
    await server.#child.printed(/IPv4. UDP listener opened on/, 10000);
    return server;
  }

  get lines() {
    return this.#child.lines;
  }

  printed(...args) {
    return this.#child.printed(...args);
  }

  async stop() {
    await this.#child?.stop().catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
