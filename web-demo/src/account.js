// What the sign-in form starts with, from the address of the page. Pure.

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export function defaultAccount({ protocol, host, hostname }) {
  const local = LOOPBACK.has(hostname);
  return {
    url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/`,
    domain: local ? 'localhost' : hostname,
    user: local ? 'alice' : '',
    password: local ? 'alice' : '',  // the demo's users have their name as password
  };
}
