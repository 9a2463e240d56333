// Turns what JsSIP and SIP say about the end of a call or a registration into sentences.
// Pure: no DOM, no JsSIP. `cause` is JsSIP's word, `code` the SIP status (RFC 3261 section 21).

const CALL_CODES = new Map([
  [400, (who) => `The call to ${who} was not understood`],
  [401, () => 'Wrong user name or password'],
  [403, (who) => `The call to ${who} is not allowed`],
  [404, (who) => `${who} does not exist`],
  [407, () => 'Wrong user name or password'],
  [408, (who) => `${who} did not answer in time`],
  [410, (who) => `${who} does not exist any more`],
  [480, (who) => `${who} is not available right now`],
  [484, (who) => `The number ${who} is not complete`],
  [486, (who) => `${who} is busy`],
  [487, (who) => `The call to ${who} was cancelled`],
  [488, (who) => `${who} and this browser share no audio format`],
  [500, (who) => `The call to ${who} failed inside the network`],
  [502, () => 'The carrier could not be understood'],
  [503, () => 'The service cannot take the call right now'],
  [504, () => 'The carrier did not answer in time'],
  [600, (who) => `${who} is busy`],
  [603, (who) => `${who} declined the call`],
  [604, (who) => `${who} does not exist anywhere`],
  [606, (who) => `${who} and this browser share no audio format`],
  [607, (who) => `${who} does not want this call`],
]);

const CALL_CAUSES = {
  'Connection Error': () => 'The connection to the gateway is lost',
  'Request Timeout': () => 'The gateway did not answer in time',
  'Internal Error': () => 'This page failed while it set up the call',
  'Missing SDP': () => 'The answer carried no description of the audio',
  'WebRTC Error': () => 'The browser refused the audio settings of the call',
  'Bad Media Description': () => 'The browser refused the audio settings of the answer',
  'No Answer': () => 'The call was not answered in time',
  Expires: () => 'The caller gave up waiting',
  'No ACK': () => 'The other side did not confirm the call',
  'Dialog Error': () => 'The gateway does not know this call any more',
  'User Denied Media Access': () => 'The browser may not use the microphone',
  'RTP Timeout': () => 'No audio arrived any more',
};

// Only the called side can know these; the others may also come from the gateway itself.
const CARRIER_CODES = new Set([410, 484, 486, 600, 603, 604, 606, 607]);

// Reason: Q.850;cause=16;text="Normal call clearing" (RFC 3326): the text, '' if there is none.
export function reasonText(header) {
  const match = /;\s*text\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+))/i.exec(header ?? '');
  return match ? (match[1] ?? match[2]).replace(/\\(.)/g, '$1').trim() : '';
}

function sentence(words, details) {
  const shown = details.filter(Boolean);
  return `${words}${shown.length ? ` (${shown.join('; ')})` : ''}.`;
}

// The end of a call. `originator` is 'local', 'remote' or 'system'; `answered` says whether the
// call had been answered; `incoming` whether it was the other side that called.
export function describeEnd({ who, originator, cause, code, reason, answered, incoming }) {
  const said = reasonText(reason);
  if (cause === 'Terminated') {
    return sentence(originator === 'local' ? 'You hung up' : `${who} hung up`, [said]);
  }
  if (cause === 'Canceled') {
    return sentence(
        incoming && originator === 'remote' ? `${who} stopped calling` : 'You cancelled the call',
        [said]);
  }
  if (cause === 'Rejected' && originator === 'local') {
    return sentence('You declined the call', []);
  }
  if (code >= 300) {
    const words = CALL_CODES.get(code)?.(who) ?? `The call to ${who} failed`;
    return sentence(words, [CARRIER_CODES.has(code) ? `${code} from the carrier` : `SIP ${code}`, said]);
  }
  const words = CALL_CAUSES[cause]?.() ?? (answered ? 'The call ended' : 'The call failed');
  return sentence(words, [CALL_CAUSES[cause] ? '' : cause, said]);
}

// How a transfer of the call with `who` to `to` goes. Stages: asked, ringing, failed, done; `code`
// is the status of the call that was asked for.
export function describeTransfer({ who, to, stage, code }) {
  switch (stage) {
    case 'asked':
      return `Transferring ${who} to ${to} …`;
    case 'ringing':
      return `Transferring ${who}: ${to} is ringing.`;
    case 'done':
      return `${who} is talking to ${to} now.`;
    default: {
      const words = CALL_CODES.get(code)?.(to) ?? 'The gateway did not do it';
      return sentence(`Not transferred. ${words}`, [code ? String(code) : '']) +
          ` You are still in a call with ${who}.`;
    }
  }
}

// A registration that failed.
export function describeRegistration({ cause, code, user }) {
  if (code === 401 || code === 407 || code === 403) {
    return sentence('Wrong user name or password', [`${code} from the gateway`]);
  }
  if (code === 404) {
    return sentence(`The gateway does not know ${user}`, [`${code} from the gateway`]);
  }
  if (code) {
    return sentence('The gateway did not register this page', [`${code} from the gateway`]);
  }
  if (cause === 'Request Timeout') {
    return sentence('The gateway did not answer the registration in time', []);
  }
  return sentence('The connection to the gateway was lost while registering', []);
}

// A WebSocket that closed or never opened (RFC 6455 section 7.4).
export function describeDisconnect({ url, opened, code, reason }) {
  if (!opened) {
    return sentence(`Cannot reach ${url}`, []);
  }
  const words = { 1001: 'The gateway is shutting down', 1009: 'A message was too long',
                  1012: 'The gateway is restarting', 1013: 'The gateway is overloaded' }[code] ??
      'The connection to the gateway is lost';
  return sentence(words, [reason]);
}

// Why getUserMedia failed, by the name of its DOMException.
export function describeMicrophone(name) {
  return {
    NotAllowedError: 'The browser may not use the microphone: allow it next to the address bar.',
    NotFoundError: 'No microphone was found.',
    NotReadableError: 'Another program holds the microphone.',
    InsecureContext: 'Microphones work only on https pages and on localhost.',
  }[name] ?? `The microphone cannot be used (${name}).`;
}

// Who is kept waiting in a call: {local: by this side, remote: by the other one}.
export function describeHold(who, { local, remote }) {
  if (local) {
    return remote ? `You and ${who} keep each other on hold.` : `${who} is on hold.`;
  }
  return remote ? `${who} has put you on hold.` : `In a call with ${who}.`;
}
