import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launchBrowser, MICROPHONE_HZ } from './support/browser.js';
import { PAGE_FOLDER } from './support/lab.js';
import { PhonePage } from './support/phone_page.js';
import { ScriptedGateway } from './support/scripted_gateway.js';
import { until } from './support/wait.js';

const CONTACT = 'Contact: <sip:gateway@127.0.0.1;transport=ws>';
const RINGING = [180, 'Ringing', [CONTACT]];
const INVITES = {
  602: [[100, 'Trying'], [486, 'Busy Here', ['Reason: Q.850;cause=17;text="User busy"']]],
  608: [[100, 'Trying'], RINGING, [603, 'Decline']],
  610: [[100, 'Trying'], RINGING],
};

describe('the page against a scripted gateway', () => {
  const gateway = new ScriptedGateway(PAGE_FOLDER, { users: { alice: 'alice' }, invites: INVITES });
  let browser;
  let phone;

  before(async () => {
    await gateway.start();
    browser = await launchBrowser();
    phone = await PhonePage.open(browser, gateway.url);
  });
  after(async () => {
    await browser?.close();
    await gateway.stop();
  });

  test('a wrong password is told, and the form stays', { timeout: 20000 }, async () => {
    await phone.submitAccount({ user: 'alice', password: 'wrong' });
    assert.equal(await phone.registrationBecomes('failed'),
                 'Wrong user name or password (403 from the gateway).');
    assert.ok(await phone.page.locator('#account-form').isVisible());
    assert.ok(await phone.page.locator('#dial').isDisabled());
  });

  test('signing in unlocks the dialer', { timeout: 20000 }, async () => {
    await phone.signIn();
    assert.ok(await phone.page.locator('#dial').isEnabled());
    assert.match(await phone.log(), /Registered as alice@localhost/);
  });

  test('refusals are told in words', { timeout: 20000 }, async () => {
    await phone.dial('602');
    await phone.callEnds('602');
    assert.equal(await phone.words(), '602 is busy (486 from the carrier; User busy).');
    await phone.dial('608');
    await phone.callEnds('608');
    assert.equal(await phone.words(), '608 declined the call (603 from the carrier).');
  });

  test('the keyboard is enough: dial, see the own level, cancel', { timeout: 20000 }, async () => {
    const { page } = phone;
    await page.locator('#number').fill('');
    await page.locator('#dial-title').click();
    await page.keyboard.type('610');
    assert.equal(await page.locator('#number').inputValue(), '610');
    await page.locator('#number').focus();
    await page.keyboard.press('Enter');
    assert.equal(await phone.callBecomes('ringing'), '610 is ringing.');
    await phone.hears(MICROPHONE_HZ, 'microphone');
    await page.keyboard.press('Escape');
    assert.equal(await phone.callBecomes('ended'), 'You cancelled the call.');
    await until(() => gateway.requests.includes('CANCEL'), 'a CANCEL is sent');
  });

  test('an incoming call can be declined', { timeout: 20000 }, async () => {
    gateway.call('605');
    assert.equal(await phone.callBecomes('incoming'), '605 is calling.');
    assert.ok(await phone.page.locator('#answer').isVisible());
    await phone.hangUp();
    assert.equal(await phone.callBecomes('ended'), 'You declined the call.');
  });

  test('every control is reached by Tab and shows that it has the focus', { timeout: 20000 }, async () => {
    const { page } = phone;
    await page.locator('body').click({ position: { x: 1, y: 1 } });
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      const seen = await page.evaluate(() => {
        const element = document.activeElement;
        return [element.id || element.dataset.digit || element.dataset.number,
                getComputedStyle(element).outlineStyle];
      });
      if (seen[0]) {
        reached.add(seen[0]);
        assert.equal(seen[1], 'solid', `${seen[0]} shows its focus`);
      }
    }
    const wanted = ['sign-out', 'number', 'dial', '1', '#', '600', '606', 'plain-microphone', 'log'];
    assert.deepEqual(wanted.filter((id) => !reached.has(id)), []);
  });

  for (const scheme of ['light', 'dark']) {
    test(`text stands out from its ground: ${scheme}`, { timeout: 20000 }, async () => {
      const { page } = phone;
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      assert.deepEqual(await page.evaluate(lowContrast, 4.5), []);
    });
  }

  test('sound begins with a press of the user and plays in the page, as iOS wants it',
       { timeout: 20000 }, async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      window.soundBegan = [];  // with a press?
      const { AudioContext } = window;
      window.AudioContext = class extends AudioContext {
        constructor(...options) {
          super(...options);
          window.soundBegan.push(navigator.userActivation.isActive);
        }
      };
    });
    const own = new PhonePage(await context.newPage());
    await own.page.goto(gateway.url);
    await own.signIn();
    assert.deepEqual(await own.page.evaluate(() => window.soundBegan), []);
    await own.dial('610');
    await own.callBecomes('ringing');
    assert.deepEqual(await own.page.evaluate(() => window.soundBegan), [true]);
    for (const name of ['autoplay', 'playsinline']) {
      assert.equal(await own.page.locator('#far-audio').getAttribute(name), '');
    }
    await own.hangUp();
    await own.close();
  });

  test('a gateway that goes away, or is not there, is told', { timeout: 20000 }, async () => {
    const says = (words) => until(
        async () => words.test(await phone.page.locator('#registration').textContent()),
        `the page says ${words}`);
    assert.deepEqual(phone.errors, []);
    await gateway.stop();
    await says(/^The connection to the gateway is lost/);
    await phone.page.locator('#sign-out').click();
    await phone.registrationBecomes('offline');
    await phone.submitAccount();
    await says(/^Cannot reach ws:/);
  });
});

// Runs in the page: what has text with less contrast than `least` (WCAG 2.2, 1.4.3).
function lowContrast(least) {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) +
      0.0722 * channel(b / 255);
  const rgba = (color) => {
    const numbers = color.match(/[\d.]+/g).map(Number);
    return numbers.length === 3 ? [...numbers, 1] : numbers;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 1) {
        return color;
      }
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(':disabled')) {
      continue;
    }
    const [light, dark] = [rgba(getComputedStyle(element).color), ground(element)]
        .map(luminance).sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < least) {
      poor.push(`${element.tagName} "${element.textContent.trim()}": ${contrast.toFixed(2)}`);
    }
  }
  return poor;
}
