import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ChildProcess } from '../../../e2e/support/process.js';
import { until } from '../../../e2e/support/wait.js';
import { freeMediaPort, untilListening } from './listening.js';

const SCENARIOS = join(dirname(fileURLToPath(import.meta.url)), '../sipp');
const LIMIT_S = 60;

// One SIPp for one call over TCP. It sends back every RTP packet it gets. `scenario`: one of the
// folder, or the path of another one; without .xml.
export class Sipp {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-sipp-'));
  #process;

  static async #run(scenario, host, args, limitS = LIMIT_S) {
    const sipp = new Sipp();
    const media = await freeMediaPort(host);
    sipp.#process = new ChildProcess(`sipp ${scenario}`, 'sipp', [
      '-sf', `${resolve(SCENARIOS, scenario)}.xml`, '-t', 't1', '-m', '1', '-nostdin',
      '-i', host, '-mi', host, '-mp', String(media), '-rtp_echo', '-ci', host,
      '-timeout', `${limitS}s`, '-timeout_error',
      '-trace_err', '-error_file', sipp.#file('errors'),
      '-trace_msg', '-message_file', sipp.#file('messages'), ...args]);
    return sipp;
  }

  // Waits for a call on host:port, and gives up after `limitS`.
  static async answering(scenario, host, port, limitS) {
    const sipp = await Sipp.#run(scenario, host, ['-p', String(port)], limitS);
    await untilListening(port).catch((error) => sipp.#fail(error));
    return sipp;
  }

  // Calls `user` at target "host:port".
  static async calling(scenario, host, port, user, target) {
    return Sipp.#run(scenario, host, ['-p', String(port), '-s', user, target]);
  }

  // The scenario was followed to its end and every check in it held.
  async succeeds() {
    const exit = await until(() => this.#process.exit, `${this.#process.name} ends`, LIMIT_S * 1000)
        .catch((error) => this.#fail(error));
    try {
      assert.deepEqual(exit, { code: 0, signal: null }, `${this.#process.name} failed`);
    } catch (error) {
      this.#fail(error);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  // Waits until its messages, sent and received, hold `pattern` so many times.
  async says(pattern, times) {
    const found = () => this.#read('messages').match(new RegExp(pattern, 'gm'))?.length ?? 0;
    await until(() => found() >= times || this.#process.exit,
                `${this.#process.name} says ${pattern} ${times} times`, 20000)
        .catch((error) => this.#fail(error));
  }

  // What `pattern` finds in its messages first.
  async reads(pattern) {
    await this.says(pattern, 1);
    return pattern.exec(this.#read('messages'));
  }

  async stop() {
    await this.#process.stop().catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name) {
    return join(this.#folder, name);
  }

  #read(name) {
    try {
      return readFileSync(this.#file(name), 'utf8');
    } catch {
      return '';
    }
  }

  explain(error) {
    error.message += `\n${this.#read('errors')}\n${this.#read('messages')}`;
  }

  #fail(error) {
    this.explain(error);
    throw error;
  }
}
