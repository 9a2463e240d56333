import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePorts } from '../../../e2e/support/ports.js';
import { ChildProcess } from '../../../e2e/support/process.js';
import { until } from '../../../e2e/support/wait.js';
import { untilListening } from './listening.js';

const HOST = '127.0.0.1';
const KAMAILIO = '/usr/sbin/kamailio';
const LIBRARIES = '/usr/lib';  // Debian's: a folder for each architecture
const RTPENGINE = '/usr/bin/rtpengine';
const RELAYED_PORTS = 200;
const MIN_PACKETS = 25;  // half a second

export const kamailioIsInstalled = () => existsSync(KAMAILIO);
export const kamailioTlsIsInstalled = () => kamailioIsInstalled() && readdirSync(LIBRARIES)
    .some((folder) => existsSync(join(LIBRARIES, folder, 'kamailio/modules/tls.so')));
export const relayIsInstalled = () => existsSync(RTPENGINE);

// A kamailio with the program `routes` behind what every configuration here begins with, on TCP at
// host:port. Its files are in `folder`. Options:
//   host   its address, which its connections come from as well
//   from   another address that they come from
//   tls    {port, domains}: TLS at host:port too, and the tls module's own file, of tlsDomain()
async function runKamailio(folder, port, routes, { host = HOST, from = host, tls } = {}) {
  const config = join(folder, 'kamailio.cfg');
  writeFileSync(config, `#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
tcp_source_ipv4=${from}
listen=tcp:${host}:${port}
${tls ? listenTls(folder, host, tls) : ''}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
${routes}`);
  const kamailio = new ChildProcess('kamailio', KAMAILIO, [
    '-DD', '-E', '-f', config, '-Y', folder, '-m', '32', '-M', '4']);
  try {
    await untilListening(port);
    if (tls) await untilListening(tls.port);
  } catch (error) {
    throw kamailio.explained(error);
  }
  return kamailio;
}

// A Kamailio of a folder of its own that says in its log what it does. `routes` makes
// its program, of the folder.
export class TalkingKamailio {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-kamailio-'));
  #kamailio;

  async run(port, routes, options) {
    try {
      this.#kamailio = await runKamailio(this.#folder, port, routes(this.#folder), options);
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this;
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
}

// A section of the tls module's file: "server:..." for who connects, "client:..." for whom it connects
// to. Options:
//   certificate, key   what it shows
//   serverName         only for those who ask for that name (SNI)
//   ca                 the peer has to show a certificate of that authority; without: none is wanted
export function tlsDomain(section, { certificate, key, serverName, ca } = {}) {
  return [
    `[${section}]`, 'method = TLSv1.2+',
    ...(certificate ? [`certificate = ${certificate}`, `private_key = ${key}`] : []),
    ...(serverName ? [`server_name = ${serverName}`] : []),
    ...(ca ? [`ca_list = ${ca}`, 'verify_certificate = yes', 'require_certificate = yes'] :
        ['verify_certificate = no', 'require_certificate = no']),
    '',
  ].join('\n');
}

function listenTls(folder, host, { port, domains }) {
  const config = join(folder, 'tls.cfg');
  writeFileSync(config, domains.join('\n'));
  return `enable_tls=yes
listen=tls:${host}:${port}
loadmodule "tls.so"
modparam("tls", "config", "${config}")`;
}

// "kamailio-5.6.3-rtpengine-10.5.3.5".
export function versions() {
  const of = (...command) => {
    const { stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
    return /\d+(\.\d+)+/.exec(stdout + stderr)[0];
  };
  return `kamailio-${of(KAMAILIO, '-v')}-rtpengine-${of(RTPENGINE, '--version')}`;
}

// A Kamailio on TCP at HOST:port that sends every call on to HOST:target, with rtpengine in the path
// of its media. `offer` and `answer` are the flags of rtpengine for what it passes on and back.
export class Kamailio {
  #folder = mkdtempSync(join(tmpdir(), 'lastmile-kamailio-'));
  #rtpengine;
  #kamailio;

  static async start({ port, target, offer, answer }) {
    const kamailio = new Kamailio();
    try {
      await kamailio.#start(port, target, offer, answer);
    } catch (error) {
      await kamailio.stop();
      throw error;
    }
    return kamailio;
  }

  async stop() {
    await this.#kamailio?.stop().catch(() => {});
    await this.#rtpengine?.stop().catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  // Waits until the one call is over and rtpengine has told of packets on both of its RTP ports.
  async relayedBothWays() {
    let packets = [];
    await until(() => {
      packets = this.#rtpengine.lines
          .map((line) => / Port .* <> +[\d.]+:\d+, SSRC \w+, (\d+) p,/.exec(line))
          .filter(Boolean).map(([, count]) => Number(count));
      return packets.length === 2 && packets.every((count) => count >= MIN_PACKETS);
    }, 'rtpengine tells of packets both ways').catch((error) => {
      error.message += `: ${packets}`;
      throw this.#rtpengine.explained(error);
    });
  }

  async #start(port, target, offer, answer) {
    const [control, firstMedia] = await freePorts(2);
    // Without its kernel module: no table, packets go through the program.
    this.#rtpengine = new ChildProcess('rtpengine', RTPENGINE, [
      '--config-file=none', '--foreground', '--log-stderr', '--log-level=6', '--table=-1',
      '--delete-delay=0', `--interface=${HOST}`, `--listen-ng=${HOST}:${control}`,
      `--port-min=${firstMedia}`, `--port-max=${firstMedia + RELAYED_PORTS}`]);
    await until(() => {
      if (this.#rtpengine.exit) {
        throw this.#rtpengine.explained(new Error('rtpengine did not start'));
      }
      return this.#rtpengine.lines.some((line) => /Startup complete/.test(line));
    }, 'rtpengine starts').catch((error) => {
      throw this.#rtpengine.explained(error);
    });
    this.#kamailio = await runKamailio(this.#folder, port,
                                       this.#routes(target, control, offer, answer));
  }

  #routes(target, control, offer, answer) {
    return `loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:${HOST}:${control}")

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (has_totag()) {
    if (loose_route()) {
      if (is_method("BYE")) rtpengine_manage();
      t_relay();
    } else if (is_method("ACK")) {
      if (t_check_trans()) t_relay();
    } else {
      sl_send_reply("404", "Not Here");
    }
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (is_method("ACK")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (!is_method("INVITE")) {
    sl_send_reply("200", "OK");
    exit;
  }
  record_route();
  $du = "sip:${HOST}:${target};transport=tcp";
  rtpengine_manage("${offer}");
  t_on_reply("media");
  t_relay();
}

onreply_route[media] {
  if (has_body("application/sdp")) rtpengine_manage("${answer}");
}
`;
  }
}
