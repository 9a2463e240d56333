import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { until } from './wait.js';

const run = (command, ...args) => execFileSync(command, args, { stdio: 'pipe' });

// A network of its own for a client: a network namespace with one interface, whose address can
// change while programs run in it. This side is `host`. Needs the rights of root; stop() leaves
// nothing behind, and neither does the end of this process.
export class ClientNetwork {
  #holder;
  #device = `lm${process.pid}`;
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-network-'));
  #subnet;
  #address = null;

  static async start() {
    const network = new ClientNetwork();
    try {
      await network.#start();
    } catch (error) {
      await network.stop();
      throw error;
    }
    return network;
  }

  get host() {
    return `${this.#subnet}.1`;
  }

  // From now on the client has this address of its subnet, and no other.
  setAddress(last) {
    if (this.#address) {
      this.#inside('ip', 'addr', 'del', `${this.#address}/24`, 'dev', 'client');
    }
    this.#address = `${this.#subnet}.${last}`;
    this.#inside('ip', 'addr', 'add', `${this.#address}/24`, 'dev', 'client');
    this.#inside('ip', 'route', 'replace', 'default', 'via', this.host);
  }

  // The path of a program that runs `program` in here.
  wrap(program) {
    const path = join(this.#folder, 'wrapped');
    writeFileSync(path, `#!/bin/sh\nexec nsenter --net=/proc/${this.#holder.pid}/ns/net ${program} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  async stop() {
    if (this.#holder?.exitCode === null) {
      const ended = new Promise((resolve) => this.#holder.once('exit', resolve));
      this.#holder.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start() {
    // The namespace lives as long as this process, which ends with us: its standard input closes.
    this.#holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#holder.on('error', () => {});
    const own = readlinkSync('/proc/self/ns/net');
    await until(() => readlinkSync(`/proc/${this.#holder.pid}/ns/net`) !== own, 'a namespace', 3000, 10);
    this.#subnet = `10.213.${process.pid % 250}`;
    run('ip', 'link', 'add', this.#device, 'type', 'veth', 'peer', 'name', 'client', 'netns',
        String(this.#holder.pid));
    run('ip', 'addr', 'add', `${this.host}/24`, 'dev', this.#device);
    // A link-local address of IPv6 comes a second or two after the link and is a change of network,
    // at which Chromium drops what it is loading (ERR_NETWORK_CHANGED).
    run('ip', 'link', 'set', this.#device, 'addrgenmode', 'none');
    this.#inside('ip', 'link', 'set', 'client', 'addrgenmode', 'none');
    run('ip', 'link', 'set', this.#device, 'up');
    this.#inside('ip', 'link', 'set', 'lo', 'up');
    this.#inside('ip', 'link', 'set', 'client', 'up');
  }

  #inside(...command) {
    run('nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, ...command);
  }
}
