import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runKamailio } from './kamailio.js';

const GATEWAYS = 1;  // group of addresses

// A Kamailio as a carrier that asks nobody for a password, at host:port on TCP for its phones, which
// are at the same address. Their calls go to `gateway`, "HOST:PORT;transport=...", and the gateway's
// to host:target. Options:
//   tls     as runKamailio() takes it; then it takes calls over TLS, whoever got through that
//   admits  instead: the addresses that it takes calls from, over TCP
//   from    an address other than `host` that its own connections come from
export class KamailioCarrier {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-kamailio-'));
  #kamailio;

  static async start({ host, port, tls, from, ...options }) {
    const carrier = new KamailioCarrier();
    try {
      carrier.#kamailio = await runKamailio(carrier.#folder, port,
                                            carrier.#routes({ host, ...options }),
                                            { host, tls, from });
    } catch (error) {
      await carrier.stop();
      throw error;
    }
    return carrier;
  }

  get lines() {
    return this.#kamailio.lines;
  }

  // Waits for a line of its log after line number `from`.
  async says(pattern, timeoutMs = 10000, from = 0) {
    return this.#kamailio.printed(pattern, timeoutMs, from);
  }

  async stop() {
    await this.#kamailio?.stop().catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #routes({ host, target, gateway, admits }) {
    return `loadmodule "xlog.so"
${admits ? this.#addresses(admits) : ''}
request_route {
  if (src_ip != ${host} && !${admits ? `allow_source_address("${GATEWAYS}")` : '(proto == TLS)'}) {
    xlog("L_ERR", "the carrier refuses $rm from $si\\n");
    sl_send_reply("403", "Not From There");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (has_totag()) {
    t_relay();
    exit;
  }
  if (is_method("OPTIONS")) {
    sl_send_reply("200", "OK");
    exit;
  }
  if (src_ip == ${host}) {
    $du = "sip:${gateway}";
  } else {
    xlog("L_ERR", "the carrier takes $rm over $proto from $si\\n");
    $du = "sip:${host}:${target};transport=tcp";
  }
  t_relay();
}
`;
  }

  #addresses(admits) {
    const file = join(this.#folder, 'address.cfg');
    writeFileSync(file, admits.map((address) => `${GATEWAYS} ${address} 32\n`).join(''));
    return `loadmodule "permissions.so"
modparam("permissions", "address_file", "${file}")`;
  }
}
