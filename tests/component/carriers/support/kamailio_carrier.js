import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { TalkingKamailio } from './kamailio.js';

const GATEWAYS = 1;  // group of addresses

// A Kamailio as a carrier that asks nobody for a password, at host:port on TCP for its phones, which
// are at the same address. Their calls go to `gateway`, "HOST:PORT;transport=...", and the gateway's
// to host:target. Options:
//   tls     as runKamailio() takes it; then it takes calls over TLS, whoever got through that
//   admits  instead: the addresses that it takes calls from, over TCP
//   from    an address other than `host` that its own connections come from
export class KamailioCarrier extends TalkingKamailio {
  static start({ host, port, tls, from, ...options }) {
    return new KamailioCarrier().run(port, (folder) => routesOf({ folder, host, ...options }),
                                     { host, tls, from });
  }
}

function routesOf({ folder, host, target, gateway, admits }) {
  return `loadmodule "xlog.so"
${admits ? addresses(folder, admits) : ''}
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

function addresses(folder, admits) {
  const file = join(folder, 'address.cfg');
  writeFileSync(file, admits.map((address) => `${GATEWAYS} ${address} 32\n`).join(''));
  return `loadmodule "permissions.so"
modparam("permissions", "address_file", "${file}")`;
}
