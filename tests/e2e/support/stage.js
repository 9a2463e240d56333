import { after, afterEach, before } from 'node:test';

import { openClient } from './client_page.js';
import { withBriefLab } from './lab.js';
import { RtpPeer } from './rtp_peer.js';
import { ScriptedCarrier } from './scripted_carrier.js';

export const NUMBER = '4930123456';

// A gateway between pages of the test clients and a carrier whose part a test writes.
class Stage {
  #clients = [];
  #peers = [];

  constructor(lab) {
    this.lab = lab;
  }

  get trunk() {
    return `${this.lab.trunkHost}:${this.lab.sip}`;
  }

  // A page with a client that is not registered yet.
  async open(kind = 'jssip', options = {}) {
    return this.keep(await openClient(this.lab, kind, options));
  }

  // Closes that client too when the test is over.
  keep(client) {
    this.#clients.push(client);
    return client;
  }

  // The same, registered. `url`: of the WebSocket, if it is not the page's own.
  async registered(kind = 'jssip', { user = 'alice', url, options } = {}) {
    const client = await this.open(kind);
    await client.registers(this.lab.account(user, url), ...(options ? [options] : []));
    return client;
  }

  // Something of the carrier that sends a tone and listens.
  async peer(hz) {
    const peer = await RtpPeer.open(this.lab.carrierHost, hz);
    this.#peers.push(peer);
    return peer;
  }

  // From now on the carrier answers every call with that peer.
  answersWith(peer) {
    this.carrier.onInvite = (call) => {
      this.call = call;
      call.mediaPort = peer.port;
      call.reply(200, 'OK', { sdp: this.carrier.sdp(peer.port) });
      peer.send(call.offer);
    };
  }

  // A call of that client to the carrier, which is answered and up.
  async connects(client, peer) {
    this.answersWith(peer);
    await client.run('call', NUMBER);
    await client.sees('confirmed');
    await this.carrier.got('ACK', { call: this.call });
  }

  // The client ends its call.
  async hangsUp(client) {
    await client.run('hangUp');
    await client.sees('ended');
    await this.carrier.got('BYE', { call: this.call });
  }

  async clear() {
    await Promise.all(this.#clients.splice(0).map((client) => client.close().catch(() => {})));
    await Promise.all(this.#peers.splice(0).map((peer) => peer.close()));
  }
}

// `options`: of Lab.
export function withStage(title, define, options = {}) {
  withBriefLab(title, (lab) => {
    const stage = new Stage(lab);
    before(async () => {
      stage.carrier = await ScriptedCarrier.listen(lab.carrierHost, lab.carrierSip);
    });
    afterEach(() => stage.clear());
    after(() => stage.carrier?.stop());
    define(stage);
  }, { carrier: false, clients: true, ...options });
}
