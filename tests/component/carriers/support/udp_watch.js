import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ChildProcess } from '../../../e2e/support/process.js';
import { until } from '../../../e2e/support/wait.js';

// Looks for SIP in UDP: with a socket on host:port and, for root, a capture of all the UDP of this
// machine, or of what another filter of tcpdump says. Both have to see a datagram of its own before it says what they saw.
export class UdpWatch {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-capture-'));
  #file = join(this.#folder, 'capture.pcap');
  #socket = createSocket('udp4');
  #capture = null;
  #datagrams = [];

  static async start(host, port, filter = 'udp') {
    const watch = new UdpWatch();
    watch.host = host;
    watch.port = port;
    watch.#socket.on('message', (data) => watch.#datagrams.push(String(data)));
    await new Promise((resolve, reject) => {
      watch.#socket.once('error', reject);
      watch.#socket.bind(port, host, resolve);
    });
    if (process.getuid() === 0) {
      watch.#capture = new ChildProcess('tcpdump', 'tcpdump', [
        '-i', 'any', '-n', '-U', '-B', '8192', '-Z', 'root', '-w', watch.#file, filter]);
      await watch.#capture.printed(/listening on/, 10000);
    }
    return watch;
  }

  // What was seen until now: the datagrams that came to the socket, and everything that the capture
  // has, or null where there is none.
  async seen() {
    const probe = `probe ${randomUUID()}`;
    const sender = createSocket('udp4');
    sender.send(probe, this.port, this.host);
    await until(() => this.#datagrams.includes(probe) &&
                    this.#captured()?.includes(probe) !== false,
                'socket and capture see a datagram of the test', 5000);
    sender.close();
    const datagrams = this.#datagrams.filter((text) => text !== probe);
    return { datagrams, capture: this.#captured() };
  }

  async stop() {
    await this.#capture?.stop().catch(() => {});
    await new Promise((resolve) => this.#socket.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #captured() {
    return this.#capture && readFileSync(this.#file, 'latin1');
  }
}
