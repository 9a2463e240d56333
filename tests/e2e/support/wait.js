import { setTimeout as sleep } from 'node:timers/promises';

// Polls `probe` until it returns something truthy and returns that. The error names `what` and the
// last value seen.
export async function until(probe, what, timeoutMs = 10000, stepMs = 50) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms (last: ${JSON.stringify(value)})`);
    }
    await sleep(stepMs);
  }
}
