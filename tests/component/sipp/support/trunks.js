import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { injectScript } from '../../../e2e/support/bundle.js';
import { freePorts } from '../../../e2e/support/ports.js';
import { until } from '../../../e2e/support/wait.js';
import { Sipp } from '../../carriers/support/sipp.js';

export const MODES = ['required', 'supported', 'none'];

// One trunk for each pair of modes. Its carrier has an address and a port of its own; numbers that
// start with its prefix lead to it.
export async function makeTrunks() {
  const pairs = MODES.flatMap((prack) => MODES.map((timer) => ({ prack, timer })));
  const ports = await freePorts(pairs.length);
  return pairs.map((pair, i) => ({ ...pair, name: `t${i}`, prefix: `8${i}`, host: `127.0.1.${10 + i}`,
                                   port: ports[i] }));
}

export const trunkEntries = (trunks) => trunks.map((trunk) => `  ${trunk.name}:
    servers: [ "${trunk.host}:${trunk.port}" ]
    prack: ${trunk.prack}
    session_timer: ${trunk.timer}
`).join('');

export const routeEntries = (trunks) => trunks.map(
    (trunk) => `  - { to: "^${trunk.prefix}", trunk: ${trunk.name} }\n`).join('');

// One JsSIP for many calls, and the SIPps it talks to.
export class Exchange {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-scenarios-'));
  #lab;
  #page;
  #calls = 0;

  constructor(lab) {
    this.#lab = lab;
  }

  async open() {
    const phone = await this.#lab.openPage({ context: { bypassCSP: true } });
    this.#page = phone.page;
    await injectScript(this.#page, "import '../../component/sipp/support/page_client.js';");
    await this.#page.evaluate((url) => window.lastmileCalls.register(
        { url, user: 'alice', password: 'alice', domain: 'localhost' }),
                              this.#lab.pageUrl.replace('http', 'ws'));
  }

  // The page may be gone already, and its registration with it.
  async close() {
    await this.#page?.evaluate(() => window.lastmileCalls.stop()).catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(xml) {
    const path = join(this.#folder, `${++this.#calls}`);
    writeFileSync(`${path}.xml`, xml);
    return path;
  }

  number(trunk) {
    return `${trunk.prefix}${++this.#calls}`;
  }

  // SIPp waits for a call that is not alice's.
  async awaits(trunk, xml) {
    return Sipp.answering(this.#write(xml), trunk.host, trunk.port);
  }

  // SIPp calls into a call of alice's that there is already.
  async joins(trunk, xml) {
    const [port] = await freePorts(1);
    return Sipp.calling(this.#write(xml), trunk.host, port, 'lastmile',
                        `${this.#lab.trunkHost}:${this.#lab.sip}`);
  }

  // SIPp answers alice's call.
  async answered(trunk, xml, limitS) {
    const sipp = await Sipp.answering(this.#write(xml), trunk.host, trunk.port, limitS);
    const number = this.number(trunk);
    await this.#page.evaluate((n) => window.lastmileCalls.dial(n), number);
    return { sipp, id: number };
  }

  // SIPp calls alice; its scenario says that `number` calls.
  async calls(trunk, xml, number) {
    const [port] = await freePorts(1);
    const sipp = await Sipp.calling(this.#write(xml), trunk.host, port, 'alice',
                                    `${this.#lab.trunkHost}:${this.#lab.sip}`);
    return { sipp, id: number };
  }

  state(id) {
    return this.#page.evaluate((n) => window.lastmileCalls.state(n), id);
  }

  async becomes(call, what, probe = (state) => state?.[what], limitMs = 20000) {
    let state = null;
    await until(async () => probe(state = await this.state(call.id)), `call ${call.id} ${what}`, limitMs)
        .catch((error) => {
          error.message += `\n${JSON.stringify(state)}`;
          call.sipp.explain(error);
          throw this.#lab.gateway.explained(error);
        });
    return state;
  }

  act(call, action) {
    return this.#page.evaluate(([n, what]) => window.lastmileCalls.act(n, what), [call.id, action]);
  }

  // The page hangs up; SIPp is then at the end of its scenario.
  async finish(call) {
    await this.act(call, 'terminate');
    await call.sipp.succeeds();
    const state = await this.becomes(call, 'ended');
    assert.equal(state.failed, null);
    return state;
  }
}
