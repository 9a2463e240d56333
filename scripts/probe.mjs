// probe.mjs URL: exit status 0 if the gateway at URL serves the demo page and opens a SIP WebSocket
// there; otherwise 1 and one sentence.
import { get } from 'node:http';

const url = new URL(process.argv[2]);
const LIMIT_MS = 3000;

function request(headers) {
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, timeout: LIMIT_MS, agent: false });
    sent.on('error', (error) => reject(new Error(`${url} does not answer: ${error.message}`)));
    sent.on('timeout', () => sent.destroy(new Error('it takes too long')));
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ response, text: '' });
    });
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (data) => (text += data));
      response.on('end', () => resolve({ response, text }));
    });
  });
}

try {
  const page = await request({});
  if (page.response.statusCode !== 200 || !page.text.includes('<title>Lastmile')) {
    throw new Error(`${url} answers ${page.response.statusCode} and not with the demo page`);
  }
  const socket = await request({
    Connection: 'Upgrade', Upgrade: 'websocket', Origin: url.origin,
    'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'bGFzdG1pbGUtcHJvYmUuLg==',
    'Sec-WebSocket-Protocol': 'sip',
  });
  const { statusCode, headers } = socket.response;
  if (statusCode !== 101 || headers['sec-websocket-protocol'] !== 'sip') {
    throw new Error(`${url} refuses a WebSocket for SIP (${statusCode})`);
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
