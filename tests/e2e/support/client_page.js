import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { ROOT } from './root.js';
import { until } from './wait.js';
import { Wire } from './wire.js';

const FOLDER = join(ROOT, 'tests/e2e/client');
const webDemo = createRequire(join(ROOT, 'web-demo/package.json'));

// Puts the page of the test clients (tests/e2e/client) into a folder, as its server serves it.
export async function buildClientPage(folder) {
  mkdirSync(folder, { recursive: true });
  await webDemo('esbuild').build({
    entryPoints: [join(FOLDER, 'main.js')], outfile: join(folder, 'client.js'), bundle: true,
    nodePaths: [join(ROOT, 'web-demo/node_modules')], format: 'iife', logLevel: 'warning',
  });
  copyFileSync(join(FOLDER, 'index.html'), join(folder, 'index.html'));
}

// A page of the test clients. `evaluate` runs an expression in it and resolves to its value.
export class ClientPage {
  #evaluate;
  #from = 0;

  constructor(evaluate) {
    this.#evaluate = evaluate;
  }

  // kind: 'jssip' or 'sipjs'.
  static async open(evaluate, kind) {
    const client = new ClientPage(evaluate);
    await until(() => evaluate("typeof window.openPhone === 'function'"), 'the page is loaded');
    await evaluate(`window.openPhone('${kind}')`);
    return client;
  }

  // Calls a method of the page's phone.
  run(method, ...args) {
    return this.#evaluate(`window.phone.${method}(...${JSON.stringify(args)})`);
  }

  async registers(account, ...options) {
    await this.run('register', account, ...options);
    await this.sees('registered');
  }

  // What has happened since forget().
  async events() {
    const all = JSON.parse(await this.#evaluate('JSON.stringify(window.phone.events)'));
    return all.slice(this.#from);
  }

  async names() {
    return (await this.events()).map(({ name }) => name);
  }

  async forget() {
    this.#from += (await this.events()).length;
  }

  // Waits for the first event of that name and returns it.
  async sees(name, timeoutMs = 10000) {
    let seen = [];
    return until(async () => {
      seen = await this.events();
      return seen.find((event) => event.name === name);
    }, `the client sees ${name}`, timeoutMs).catch((error) => {
      error.message += `\nit saw ${JSON.stringify(seen)}`;
      throw error;
    });
  }

  // Waits for a tone of `hz` +- 10 in three readings in a row.
  async hears(hz, timeoutMs = 10000) {
    await this.#listens(({ hz: heard, db }) => Math.abs(heard - hz) <= 10 && db > -45, 3,
                        `${hz} Hz`, timeoutMs);
  }

  async isSilent(timeoutMs = 5000) {
    await this.#listens(({ db }) => db <= -55, 5, 'silence', timeoutMs);
  }

  async #listens(fits, times, what, timeoutMs) {
    let row = 0;
    let reading = null;
    await until(async () => {
      reading = JSON.parse(await this.#evaluate('window.ear.reading().then(JSON.stringify)'));
      row = fits(reading) ? row + 1 : 0;
      return row >= times;
    }, `the client hears ${what}`, timeoutMs, 120).catch((error) => {
      error.message += `: it hears ${JSON.stringify(reading)}`;
      throw error;
    });
  }
}

// A page of the lab's browser, with what went over its WebSockets.
export async function openClient(lab, kind, { url = lab.pageUrl } = {}) {
  const context = await lab.browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const wire = new Wire(page);
  await page.goto(url);
  const client = await ClientPage.open((expression) => page.evaluate(expression), kind);
  return Object.assign(client, { page, wire, close: () => context.close() });
}
