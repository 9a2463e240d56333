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
