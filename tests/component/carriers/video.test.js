import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';

import { injectScript } from '../../e2e/support/bundle.js';
import { withLab } from '../../e2e/support/lab.js';
import { until } from '../../e2e/support/wait.js';
import { RawCarrier } from './support/raw_carrier.js';

const NUMBER = '4930123456';
const FRAMES = 30;

// Gives every datagram back to where it came from, RTCP too: the browser sees and hears itself, and
// asks itself for key frames.
async function echoSocket(host) {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address));
  await new Promise((resolve) => socket.bind(0, host, resolve));
  return socket;
}

function videoSuite(title, trunk, define) {
  withLab(title, (lab) => {
    const sockets = [];
    const context = {};
    before(async () => {
      for (let i = 0; i < 3; i++) {
        sockets.push(await echoSocket(lab.carrierHost));
      }
      const [audio, video, rtcp] = sockets.map((socket) => socket.address().port);
      const carrier = await RawCarrier.listen(lab.carrierHost, lab.carrierSip, 'ok');
      carrier.media = ({ body }) => {
        const [, protocol, format] = /^m=video \d+ (\S+) (\d+)/m.exec(body) ?? [];
        const lines = `m=audio ${audio} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`;
        return format ? `${lines}m=video ${video} ${protocol} ${format}\r\n` +
            `a=rtpmap:${format} VP8/90000\r\na=rtcp:${rtcp}\r\n` +
            `a=rtcp-fb:${format} nack pli\r\n` : lines;
      };
      const { page } = await lab.openPage({ context: { bypassCSP: true } });
      await injectScript(page, "import './video_client.js';");
      await page.evaluate((url) => window.lastmileVideo.register(
          { url, user: 'alice', password: 'alice', domain: 'localhost' }),
                          lab.pageUrl.replace('http', 'ws'));
      Object.assign(context, { carrier, page });
    });
    after(async () => {
      await context.carrier?.stop();
      sockets.forEach((socket) => socket.close());
    });
    define(lab, context);
  }, { carrier: false, trunk });
}

videoSuite('a trunk that takes video', 'video: [vp8]', (lab, context) => {
  test('gets it, and its own reaches the browser', { timeout: 60000 }, async (t) => {
    const { page, carrier } = context;
    await page.evaluate((number) => window.lastmileVideo.call(number), NUMBER);
    const { body } = await carrier.got('INVITE');
    assert.match(body, /^m=video [1-9]\d* RTP\/AVPF \d+\r$/m);
    assert.doesNotMatch(body, /ice-|fingerprint|ssrc|extmap|BUNDLE|H264|VP9/);
    t.diagnostic(`SDP ${body.length} bytes`);
    assert.equal(await page.evaluate(() => window.lastmileVideo.sections()),
                 'audio:open video:open');
    await until(() => page.evaluate(async (frames) =>
      await window.lastmileVideo.framesDecoded() >= frames, FRAMES), `${FRAMES} frames`, 20000);
    await page.evaluate(() => window.lastmileVideo.hangUp());
    await carrier.got('BYE');
    await carrier.stop();
    await until(() => lab.callRecords().length === 1, 'the record of the call', 5000);
    const { media } = lab.callRecords()[0];
    assert.ok(media.video_to_trunk.packets >= FRAMES, JSON.stringify(media));
    assert.ok(media.video_to_browser.packets >= FRAMES, JSON.stringify(media));
  });
});

videoSuite('a trunk that takes none', '', (lab, context) => {
  test('gets audio alone, and the browser an answer for both', { timeout: 60000 }, async () => {
    const { page, carrier } = context;
    await page.evaluate((number) => window.lastmileVideo.call(number), NUMBER);
    const { body } = await carrier.got('INVITE');
    assert.doesNotMatch(body, /video/);
    assert.equal(await page.evaluate(() => window.lastmileVideo.sections()),
                 'audio:open video:rejected');
    await page.evaluate(() => window.lastmileVideo.hangUp());
    await carrier.got('BYE');
    await carrier.stop();
  });
});
