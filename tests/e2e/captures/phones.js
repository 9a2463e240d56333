// Runs in Chromium: each library calls once and answers one call, over the WebSocket of the server
// that the page came from.
import JsSIP from 'jssip';
import { Inviter, UserAgent } from 'sip.js';

const server = `ws://${location.host}/`;
const constraints = { audio: true, video: false };

window.startJsSip = () => {
  const agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)],
                               uri: 'sip:alice@localhost', register: false });
  agent.on('connected', () => agent.call('sip:600@localhost', { mediaConstraints: constraints }));
  agent.on('newRTCSession', ({ originator, session }) => {
    if (originator === 'remote') {
      session.answer({ mediaConstraints: constraints });
    }
  });
  agent.start();
};

window.startSipJs = async () => {
  const agent = new UserAgent({
    uri: UserAgent.makeURI('sip:alice@localhost'), transportOptions: { server },
    delegate: {
      onInvite: (invitation) => invitation.accept(
          { sessionDescriptionHandlerOptions: { constraints } }),
    },
  });
  await agent.start();
  await new Inviter(agent, UserAgent.makeURI('sip:600@localhost'),
                    { sessionDescriptionHandlerOptions: { constraints } }).invite();
};
