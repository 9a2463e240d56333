import JsSIP from 'jssip';

// A JsSIP user agent that is registered. account: {url, user, password, domain}.
export async function registeredUa(account) {
  const ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(account.url)],
    uri: `sip:${account.user}@${account.domain}`,
    password: account.password,
  });
  await new Promise((resolve, reject) => {
    ua.on('registered', resolve);
    ua.on('registrationFailed', ({ cause }) => reject(new Error(`registration: ${cause}`)));
    ua.start();
  });
  return ua;
}
