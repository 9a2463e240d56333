import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';

import { ROOT } from '../../e2e/support/lab.js';
import { seeded } from '../carriers/support/mutation.js';
import { mutant } from './mutants.js';

const sdpTransform = createRequire(join(ROOT, 'tests/e2e/package.json'))('sdp-transform');

const CORPUS = join(ROOT, 'tests/corpora/sdp');
const SEED = 20261122;
const MUTANTS = 300;
// Far fewer would mean that the mutants are too broken to show anything.
const MIN_OUTPUTS = 300;

// sdp-transform's names for what only WebRTC says.
const WEBRTC_SESSION = ['groups', 'icelite', 'iceUfrag', 'icePwd', 'iceOptions', 'fingerprint',
  'setup', 'msidSemantic', 'extmapAllowMixed'];
const WEBRTC_MEDIA = ['mid', 'msid', 'iceUfrag', 'icePwd', 'iceOptions', 'fingerprint', 'setup',
  'candidates', 'endOfCandidates', 'remoteCandidates', 'ssrcs', 'ssrcGroups', 'ext', 'rids',
  'simulcast', 'bundleOnly', 'rtcpRsize'];

class Legs {
  #child = spawn(process.env.LASTMILE_SDP_THROUGH_LEGS, { stdio: ['pipe', 'pipe', 'inherit'] });
  #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  #exit = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));

  async through(bytes) {
    this.#child.stdin.write(`${bytes.length}\n`);
    this.#child.stdin.write(bytes);
    const { value, done } = await this.#lines.next();
    assert.ok(!done, 'the tool ended');
    return JSON.parse(value);
  }

  async close() {
    this.#child.stdin.end();
    assert.equal(await this.#exit, 0);
  }
}

const linesOf = (text) => text.split('\r\n').slice(0, -1);

// Parsed; and what sdp-transform writes of it, in an order of its own, says the same.
function understood(text) {
  assert.match(text, /\r\n$/);
  const tree = sdpTransform.parse(text);
  assert.deepEqual(linesOf(sdpTransform.write(tree)).sort(), linesOf(text).sort());
  return tree;
}

function isPlain(tree) {
  for (const key of WEBRTC_SESSION) {
    assert.ok(!(key in tree), `${key} is told to the trunk`);
  }
  for (const media of tree.media) {
    for (const key of WEBRTC_MEDIA) {
      assert.ok(!(key in media), `${key} is told to the trunk`);
    }
  }
}

function isForBrowsers(tree) {
  assert.equal(tree.icelite, 'ice-lite');
  const open = tree.media.filter(({ port }) => port !== 0);
  assert.ok(open.length > 0);
  for (const media of open) {
    assert.equal(media.rtcpMux, 'rtcp-mux');
    assert.equal(media.fingerprint.type, 'sha-256');
    assert.ok(media.iceUfrag && media.icePwd && media.setup && media.candidates.length > 0);
  }
  const mids = open.map(({ mid }) => mid).filter((mid) => mid !== undefined);
  const bundled = tree.groups?.flatMap((group) => String(group.mids).split(' ')) ?? [];
  bundled.forEach((mid) => assert.ok(mids.map(String).includes(mid), `no section ${mid}`));
}

// RFC 3264 section 6: an m-line for each, of its kind, with its mid.
function answers(tree, offerText) {
  const sections = offerText.split(/^m=/m).slice(1);
  assert.equal(tree.media.length, sections.length, 'as many m-lines as the offer has');
  sections.forEach((section, i) => {
    assert.equal(tree.media[i].type, section.split(' ')[0]);
    const offered = /^a=mid:(.*?)\r?$/m.exec(section)?.[1];
    if (offered !== undefined && 'mid' in tree.media[i]) {
      assert.equal(String(tree.media[i].mid), offered);
    }
  });
}

const hasMids = (tree, offerText) => offerText.split(/^m=/m).slice(1).forEach((section, i) => {
  assert.equal('mid' in tree.media[i], /^a=mid:./m.test(section), `mid of m-line ${i}`);
});

// Checks everything that was said because of `input`; returns how much that was.
function check(input, said) {
  const inputText = input.toString('latin1');
  let outputs = 0;
  for (const [situation, { refused, ...texts }] of Object.entries(said)) {
    if (refused !== undefined) {
      assert.ok(refused.length > 10, `a sentence: ${refused}`);
    }
    for (const [name, text] of Object.entries(texts)) {
      ++outputs;
      try {
        const tree = understood(text);
        (name.startsWith('trunk') ? isPlain : isForBrowsers)(tree);
        if (name === 'browser_answer' && situation === 'browser_offers') {
          answers(tree, inputText);
          hasMids(tree, inputText);
        } else if (name === 'trunk_answer' && situation === 'carrier_offers') {
          answers(tree, inputText);
        } else {
          assert.equal(tree.media.length, 1);
        }
      } catch (error) {
        error.message += `\n${situation}, ${name}:\n${text}\nof:\n${inputText}`;
        throw error;
      }
    }
  }
  return outputs;
}

describe('what the gateway says is valid', () => {
  const legs = new Legs();
  after(() => legs.close());
  const files = readdirSync(CORPUS).filter((name) => name.endsWith('.sdp')).sort();
  const captures = files.map((name) => readFileSync(join(CORPUS, name)));

  files.forEach((name, i) => test(`of ${name}`, { timeout: 5000 }, async () => {
    const said = await legs.through(captures[i]);
    assert.ok(check(captures[i], said) > 0, `nothing was made of it: ${JSON.stringify(said)}`);
  }));

  test(`of ${MUTANTS} mutants`, { timeout: 40000 }, async (t) => {
    const random = seeded(SEED);
    const others = [...new Set(captures.flatMap((bytes) => linesOf(bytes.toString('latin1'))))];
    let outputs = 0;
    for (let i = 0; i < MUTANTS; ++i) {
      const input = mutant(captures[i % captures.length], others, random);
      outputs += check(input, await legs.through(input));
    }
    t.diagnostic(`${outputs} descriptions were said`);
    assert.ok(outputs >= MIN_OUTPUTS, `${outputs} descriptions only`);
  });
});
