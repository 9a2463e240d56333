import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

import { until } from '../../../e2e/support/wait.js';

const LISTEN = '0A';

// Waits until somebody listens on a TCP port, without connecting to it: a peer that serves one
// connection would take that for its caller.
export async function untilListening(port, timeoutMs = 10000) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  await until(() => readFileSync('/proc/net/tcp', 'ascii').split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return state === LISTEN && local.endsWith(suffix);
  }), `somebody listens on port ${port}`, timeoutMs);
}

// An even UDP port that was free a moment ago, for RTP.
export async function freeMediaPort(host) {
  for (;;) {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, host, resolve));
    const { port } = socket.address();
    await new Promise((resolve) => socket.close(resolve));
    if (port % 2 === 0 && port < 65530) {
      return port;
    }
  }
}
