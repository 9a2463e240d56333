import { TalkingKamailio } from './kamailio.js';

const HOST = '127.0.0.1';

// A Kamailio as a PBX on TCP at host:port, with one extension: whoever registers it proves with
// digest (RFC 7616) that it knows `password`, and so does every call and every BYE from it. A nonce
// is good once for each nc. Calls to the extension ring its Contacts, all others go to host:target.
// `algorithm`: MD5 or SHA-256. `tls`: as runKamailio() takes it; what comes over TLS is challenged
// whatever it says in From.
export class KamailioPbx extends TalkingKamailio {
  static start({ host = HOST, port, algorithm = 'MD5', tls, ...options }) {
    return new KamailioPbx().run(port, () => routesOf({ host, algorithm, ...options }),
                                 { host, tls });
  }
}

function routesOf({ host, target, extension, username, password, algorithm }) {
  return `loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("auth", "algorithm", "${algorithm}")
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("registrar", "max_expires", 20)

request_route {
  if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (is_method("REGISTER")) {
    if ($au != "${username}" || !pv_www_authenticate("pbx.example", "${password}", "0")) {
      xlog("L_ERR", "PBX challenges REGISTER of $tU\\n");
      www_challenge("pbx.example", "1");
      exit;
    }
    save("location");
    xlog("L_ERR", "PBX registered $tU with nc $adn, expires $hdr(Expires)\\n");
    exit;
  }
  if (($fU == "${extension}" || proto == TLS) && is_method("INVITE|BYE")) {
    if ($au != "${username}" || !pv_proxy_authenticate("pbx.example", "${password}", "0")) {
      xlog("L_ERR", "PBX challenges $rm of $fU\\n");
      proxy_challenge("pbx.example", "1");
      exit;
    }
    consume_credentials();
    xlog("L_ERR", "PBX lets through $rm of $fU\\n");
  }
  if (has_totag()) {
    t_relay();
    exit;
  }
  if ($rU == "${extension}") {
    if (!lookup("location")) {
      sl_send_reply("480", "Not Registered");
      exit;
    }
  } else {
    $du = "sip:${host}:${target};transport=tcp";
  }
  t_relay();
}
`;
}
