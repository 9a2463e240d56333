// Runs in a page: window.lastmileTurn, which signs in as an application does and returns the
// `iceServers` that it was given.
import JsSIP from 'jssip';
import { Registerer, UserAgent } from 'sip.js/lib/api/index.js';

import { iceServersIn } from '../../../web-demo/src/ice_servers.js';
import { registeredUa } from './jssip_ua.js';

window.lastmileTurn = {
  // account: {url, user, password, domain}.
  async signIn(account) {
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(account.url)],
      uri: `sip:${account.user}@${account.domain}`, password: account.password,
    });
    const { response } = await new Promise((resolve) => {
      ua.on('registered', resolve);
      ua.start();
    });
    ua.stop();
    return iceServersIn(response);
  },

  async askAgain(account) {
    const ua = await registeredUa(account);
    const { response } = await new Promise((succeeded, failed) => ua.sendOptions(
        `sip:${account.domain}`, null, { eventHandlers: { succeeded, failed } }));
    ua.stop();
    return iceServersIn(response);
  },

  async signInWithSipJs(account) {
    const userAgent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${account.user}@${account.domain}`),
      authorizationUsername: account.user, authorizationPassword: account.password,
      transportOptions: { server: account.url }, logBuiltinEnabled: false,
    });
    await userAgent.start();
    const { message } = await new Promise((resolve, reject) => new Registerer(userAgent).register({
      requestDelegate: { onAccept: resolve, onReject: reject },
    }));
    await userAgent.stop();
    return iceServersIn(message);
  },
};
