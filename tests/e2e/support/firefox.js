import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { WebSocket } from 'ws';

import { ChildProcess } from './process.js';

const PROGRAM = process.env.LASTMILE_FIREFOX ?? '/usr/bin/firefox-esr';
const ANSWER_MS = 30000;
export const MICROPHONE_HZ = 440;

const PREFS = {
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.navigator.audio.fake_frequency': MICROPHONE_HZ,
  'media.peerconnection.ice.loopback': true,
  'permissions.default.microphone': 1,  // without it there are no loopback candidates
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'remote.active-protocols': 1,  // WebDriver BiDi
};

export const firefoxIsInstalled = () => existsSync(PROGRAM);

// A stock Firefox without a window, driven by WebDriver BiDi. Its microphone is a tone of
// MICROPHONE_HZ.
export class Firefox {
  #profile = mkdtempSync(join(tmpdir(), 'lastmile-firefox-'));
  #program;
  #socket = null;
  #waiting = new Map();
  #id = 0;

  static async launch() {
    const firefox = new Firefox();
    try {
      await firefox.#launch();
    } catch (error) {
      await firefox.close();
      throw firefox.#program.explained(error);
    }
    return firefox;
  }

  // Opens a page in a tab of its own: {evaluate, close}. `evaluate` runs an expression and resolves
  // to its value: a string, a number, a truth value or null.
  async open(url) {
    const { context } = await this.#send('browsingContext.create', { type: 'tab' });
    await this.#send('browsingContext.navigate', { context, url, wait: 'complete' });
    return {
      evaluate: async (expression) => {
        const { type, result, exceptionDetails } = await this.#send('script.evaluate', {
          expression, target: { context }, awaitPromise: true, userActivation: true });
        if (type === 'exception') {
          throw new Error(`${expression}: ${exceptionDetails.text}`);
        }
        return result.value ?? null;
      },
      close: () => this.#send('browsingContext.close', { context }),
    };
  }

  async close() {
    this.#socket?.terminate();
    await this.#program.stop(10000).catch(() => {});
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async #launch() {
    writeFileSync(join(this.#profile, 'user.js'), Object.entries(PREFS)
        .map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`).join(''));
    this.#program = new ChildProcess('firefox', PROGRAM, [
      '--headless', '--no-remote', '--profile', this.#profile, '--remote-debugging-port', '0']);
    const [, url] = await this.#program.printed(/WebDriver BiDi listening on (ws:\S+)/, 60000);
    this.#socket = new WebSocket(`${url}/session`);
    this.#socket.on('message', (data) => this.#onMessage(JSON.parse(data)));
    await new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('error', reject);
    });
    await this.#send('session.new', { capabilities: {} });
  }

  #send(method, params) {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#program.explained(
          new Error(`${method} was not answered`))), ANSWER_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        if (answer.type === 'error') {
          reject(new Error(`${method}: ${answer.error}: ${answer.message}`));
        } else {
          resolve(answer.result);
        }
      });
    });
  }

  #onMessage(message) {
    this.#waiting.get(message.id)?.(message);
  }
}
