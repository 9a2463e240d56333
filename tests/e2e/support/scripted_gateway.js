import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { WebSocketServer } from 'ws';

const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript',
                '.svg': 'image/svg+xml' };
const REALM = 'localhost';
const md5 = (text) => createHash('md5').update(text).digest('hex');
const tag = () => randomBytes(6).toString('hex');

// Serves the built page and answers its SIP with a script, so that what the page says of each answer
// can be tested without media. `invites` maps a number to responses: [code, phrase, headers].
export class ScriptedGateway {
  #http = createServer((request, response) => this.#serve(request, response));
  #sockets = new WebSocketServer({ server: this.#http, handleProtocols: () => 'sip' });
  requests = [];

  constructor(pageFolder, { users, invites }) {
    this.pageFolder = pageFolder;
    this.users = users;
    this.invites = invites;
    this.#sockets.on('connection', (socket) => {
      socket.on('message', (data) => this.#onMessage(socket, data.toString()));
    });
  }

  async start() {
    await new Promise((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    this.url = `http://localhost:${this.#http.address().port}/`;
  }

  // Idempotent.
  async stop() {
    this.#sockets.clients.forEach((socket) => socket.terminate());
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  // Rings every connected page.
  call(from) {
    for (const socket of this.#sockets.clients) {
      socket.send([
        `INVITE sip:${socket.contactUser}@${socket.contactHost};transport=ws SIP/2.0`,
        `Via: SIP/2.0/WS 127.0.0.1;branch=z9hG4bK${tag()}`,
        `From: <sip:${from}@${REALM}>;tag=${tag()}`, `To: <sip:alice@${REALM}>`,
        `Call-ID: ${tag()}`, 'CSeq: 1 INVITE', 'Max-Forwards: 70',
        'Contact: <sip:gateway@127.0.0.1;transport=ws>', 'Content-Length: 0', '', '',
      ].join('\r\n'));
    }
  }

  #serve(request, response) {
    const path = normalize(new URL(request.url, 'http://x').pathname);
    const file = join(this.pageFolder, path === '/' ? 'index.html' : path);
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)],
      'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; " +
          "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'",
    });
    createReadStream(file).pipe(response);
  }

  #onMessage(socket, text) {
    const [head] = text.split('\r\n\r\n');
    const [line, ...fields] = head.split('\r\n');
    const method = line.split(' ')[0];
    if (method === 'SIP/2.0' || method === 'ACK') {
      return;
    }
    const field = (name) => fields.find((f) => f.toLowerCase().startsWith(`${name}:`))
        ?.slice(name.length + 1).trim();
    this.requests.push(method);
    const reply = (code, phrase, headers = [], toTag = socket.tag) => socket.send([
      `SIP/2.0 ${code} ${phrase}`, `Via: ${field('via')}`, `From: ${field('from')}`,
      `To: ${field('to')}${field('to').includes('tag=') ? '' : `;tag=${toTag}`}`,
      `Call-ID: ${field('call-id')}`, `CSeq: ${field('cseq')}`, ...headers,
      'Content-Length: 0', '', '',
    ].join('\r\n'));
    this[`on${method}`]?.({ socket, line, field, reply });
  }

  onREGISTER({ socket, field, reply }) {
    const given = field('authorization');
    if (!given) {
      socket.tag = tag();
      socket.nonce = tag();
      reply(401, 'Unauthorized', [
        `WWW-Authenticate: Digest realm="${REALM}",nonce="${socket.nonce}",algorithm=MD5,qop="auth"`,
      ]);
      return;
    }
    const value = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(given)?.[1];
    const ha1 = md5(`${value('username')}:${REALM}:${this.users[value('username')]}`);
    const expected = md5([ha1, socket.nonce, value('nc'), value('cnonce'), value('qop'),
                          md5(`REGISTER:${value('uri')}`)].join(':'));
    if (value('response') !== expected) {
      reply(403, 'Forbidden');
      return;
    }
    const contact = field('contact');
    [, socket.contactUser, socket.contactHost] = /<sip:([^@]+)@([^;>]+)/.exec(contact);
    reply(200, 'OK', [`Contact: ${contact}`]);
  }

  onINVITE({ socket, line, reply }) {
    socket.cancel = () => reply(487, 'Request Terminated');
    const number = /sip:([^@]+)@/.exec(line)[1];
    for (const [code, phrase, headers] of this.invites[number]) {
      reply(code, phrase, headers);
    }
  }

  onCANCEL({ socket, reply }) {
    reply(200, 'OK');
    socket.cancel();
  }
}
