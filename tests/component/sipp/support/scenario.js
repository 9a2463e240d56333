// SIPp scenarios put together from small pieces. One scenario is one call; SIPp keeps to it or fails.

export const GATEWAY = '127.0.0.2';  // SIPp has no word for it when it is the one that is called

const REQUEST_LINES = ['Max-Forwards: 70'];
const CONTACT = 'Contact: <sip:carrier@[local_ip]:[local_port];transport=[transport]>';

export function sdp({ version = 1, direction = 'sendrecv', codec = '8 PCMA' } = {}) {
  const [number, name] = codec.split(' ');
  return [
    'v=0', `o=sipp 1 ${version} IN IP[local_ip_type] [local_ip]`, 's=-',
    'c=IN IP[media_ip_type] [media_ip]', 't=0 0', `m=audio [media_port] RTP/AVP ${number} 101`,
    `a=rtpmap:${number} ${name}/8000`, 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15',
    `a=${direction}`,
  ];
}

function send(lines, body) {
  const end = body ? ['Content-Type: application/sdp', 'Content-Length: [len]', '', ...body] :
      ['Content-Length: 0', ''];
  return `  <send><![CDATA[\n${[...lines, ...end].join('\n')}\n\n  ]]></send>`;
}

let names = 0;

// What a message has to hold, and must not hold: regular expressions of POSIX.
function check({ has = [], hasNot = [], keep = {} }) {
  const variables = [];
  const action = (attributes) => {
    const name = `v${++names}`;
    variables.push(name);
    return `<ereg ${attributes} assign_to="${name}" />`;
  };
  const actions = [
    ...has.map((text) => action(`regexp="${text}" search_in="msg" check_it="true"`)),
    ...hasNot.map((text) => action(`regexp="${text}" search_in="msg" check_it_inverse="true"`)),
    ...Object.entries(keep).map(([name, header]) => {
      variables.push(name);
      return `<ereg regexp="[^ ].*" search_in="hdr" header="${header}:" check_it="true" ` +
          `assign_to="${name}" />`;
    }),
  ];
  return { actions: actions.length > 0 ? `<action>${actions.join('')}</action>` : '',
           reference: variables.length > 0 ? `  <Reference variables="${variables}" />\n` : '' };
}

function receive(what, expected) {
  const { actions, reference } = check(expected);
  return `  <recv ${what}>${actions}</recv>\n${reference}`;
}

export const pause = (ms) => `  <pause milliseconds="${ms}" />`;
export const optional = (status) => `  <recv response="${status}" optional="true" />`;

export function scenario(name, steps) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="${name}">\n` +
      `${steps.flat().join('\n')}\n</scenario>\n`;
}

// --- SIPp answers: its INVITE is kept, for later messages take the place of the last one ---

const INVITE = { via: 'Via', from: 'From', to: 'To', cseq: 'CSeq' };

export const invited = (expected = {}) =>
    receive('request="INVITE"', { ...expected, keep: INVITE });

// `tag` is '' once a re-INVITE was kept, which has it already.
const tagged = (tag) => (tag ? `;tag=${tag}` : '');

export function answer(status, phrase, { tag = 'one', fields = [], body } = {}) {
  return send([
    `SIP/2.0 ${status} ${phrase}`, 'Via: [$via]', 'From: [$from]', `To: [$to]${tagged(tag)}`,
    'Call-ID: [call_id]', 'CSeq: [$cseq]', CONTACT, ...fields,
  ], body);
}

// A request from inside the call that SIPp answered.
export function requestOfCallee(method, cseq, { tag = 'one', fields = [], body } = {}) {
  return send([
    `${method} sip:lastmile@${GATEWAY};transport=[transport] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    `From: [$to]${tagged(tag)}`, 'To: [$from]', 'Call-ID: [call_id]', `CSeq: ${cseq} ${method}`,
    ...REQUEST_LINES, ...(method === 'ACK' || method === 'BYE' ? [] : [CONTACT]), ...fields,
  ], body);
}

// --- SIPp calls ---

const CALLER = 'From: <sip:[caller]@[local_ip]>;tag=[pid]sipp[call_number]';

export function request(method, cseq, { fields = [], body, inDialog = method !== 'INVITE',
                                        number = '[caller]' } = {}) {
  const uri = inDialog ? '[next_url]' : 'sip:[service]@[remote_ip]:[remote_port];transport=[transport]';
  return send([
    `${method} ${uri} SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    CALLER.replace('[caller]', number),
    `To: <sip:[service]@[remote_ip]>${inDialog ? '[peer_tag_param]' : ''}`,
    'Call-ID: [call_id]', `CSeq: ${cseq} ${method}`, ...REQUEST_LINES,
    ...(method === 'ACK' || method === 'BYE' ? [] : [CONTACT]), ...fields,
  ], body);
}

// --- both ---

// `route` is '' for a response without a Contact.
export const response = (status, expected = {}, route = ' rrs="true"') =>
    receive(`response="${status}"${route}`, expected);
export const requested = (method, expected = {}) => receive(`request="${method}"`, expected);

// To the last request.
export function ok({ status = 200, phrase = 'OK', fields = [], body } = {}) {
  return send([
    `SIP/2.0 ${status} ${phrase}`, '[last_Via:]', '[last_From:]', '[last_To:]', '[last_Call-ID:]',
    '[last_CSeq:]', CONTACT, ...fields,
  ], body);
}
export const hungUp = (expected = {}) => [requested('BYE', expected), ok()];
