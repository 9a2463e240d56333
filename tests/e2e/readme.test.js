import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { injectScript } from './support/bundle.js';
import { gatewayProgram, ROOT, withLab } from './support/lab.js';
import { freePorts } from './support/ports.js';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

// The code block of the README in `language`, with each of `changes` made; each must fit.
function readmeBlock(language, changes) {
  const [, block] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(README);
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the README's ${language} block has no ${from}`);
    return text.replace(from, to);
  }, block);
}

withLab("the README's examples", (lab) => {
  test('the first trunk is a configuration that check accepts', { timeout: 20000 }, async () => {
    const [wss, sip] = await freePorts(2);
    const folder = mkdtempSync(join(tmpdir(), 'lastmile-readme-'));
    const path = join(folder, 'lastmile.yaml');
    const [, cert, key] = /cert: (\S+), key: (\S+) }/.exec(readFileSync(lab.config, 'utf8'));
    writeFileSync(path, readmeBlock('yaml', [
      ['0.0.0.0:8443', `127.0.0.1:${wss}`], ['0.0.0.0:5060', `127.0.0.1:${sip}`],
      ['/etc/lastmile/tls/fullchain.pem', cert], ['/etc/lastmile/tls/key.pem', key],
    ]));
    const said = execFileSync(gatewayProgram(), ['check', '-c', path],
                              { env: { ...process.env, ALICE_PASSWORD: 'secret' }, encoding: 'utf8' });
    assert.match(said, /: ok; users: 1, trunks: 1/);
    rmSync(folder, { recursive: true });
  });

  test('the JsSIP lines register and call', { timeout: 30000 }, async () => {
    const { page } = await lab.openPage({ context: { bypassCSP: true } });
    const example = readmeBlock('js', [
      ['wss://voice.example.com:8443/', lab.pageUrl.replace('http', 'ws')],
      ['alice@voice.example.com', 'alice@localhost'], ['+442071234567', '601'],
    ]);
    await injectScript(
        page, `import JsSIP from 'jssip';\nconst password = 'alice';\n${example}\nwindow.ua = ua;`);
    await lab.carrier.printed(/call state=answered .*number=601/, 10000);
    await lab.carrier.printed(/heard /, 5000);
    await page.evaluate(() => window.ua.stop());
    await lab.carrier.printed(/call state=ended .*number=601 .*cause=bye-received/, 5000);
  });
});
