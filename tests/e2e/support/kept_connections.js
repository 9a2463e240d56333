import { MICROPHONE_HZ } from './browser.js';

const TONE_HZ = 880;  // of 601

// For page.addInitScript: the page's peer connections stay within reach, as window.keptConnections.
// `configuration`: what they get besides what the page says.
export function keepConnections(configuration = {}) {
  window.keptConnections = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(own, ...args) {
      super({ ...own, ...configuration }, ...args);
      window.keptConnections.push(this);
    }
  };
}

// A phone on the demo page that is signed in, whose connections pairInUse() looks at.
export async function openKeptPage(lab) {
  const phone = await lab.openPage();
  await phone.page.addInitScript(keepConnections);
  await phone.page.reload();
  await phone.signIn();
  return phone;
}

// Of the pair that the last connection uses: the transports, the far end's port, and its type as
// the browser was told. And the transports of all candidates that the browser has gathered.
export function pairInUse(phone) {
  return phone.page.evaluate(async () => {
    const stats = await window.keptConnections.at(-1).getStats();
    const reports = [...stats.values()];
    const transport = reports.find(({ type }) => type === 'transport');
    const pair = stats.get(transport?.selectedCandidatePairId);
    const remote = stats.get(pair?.remoteCandidateId);
    return {
      local: stats.get(pair?.localCandidateId)?.protocol,
      remote: remote?.protocol,
      port: remote?.port,
      type: remote?.candidateType,
      gathered: [...new Set(reports.filter(({ type }) => type === 'local-candidate')
          .map(({ protocol }) => protocol))],
    };
  });
}

export async function assertTonesBothWays(phone, lab, from) {
  await phone.hears(TONE_HZ);
  await lab.carrierHears(MICROPHONE_HZ, from);
}
