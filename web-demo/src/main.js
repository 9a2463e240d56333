import { defaultAccount } from './account.js';
import { buildDialpad } from './dialpad.js';
import { LevelMeter } from './levels.js';
import { createLog } from './log.js';
import { closeMicrophone, openMicrophone } from './microphone.js';
import { Phone } from './phone.js';

const $ = (id) => document.getElementById(id);
const ui = Object.fromEntries(
    ['account', 'account-form', 'signed-in', 'sign-out', 'whoami', 'registration', 'dialer',
     'number', 'dial', 'presets', 'pad', 'plain-microphone', 'call', 'peer', 'state', 'timer',
     'answer', 'hang-up', 'mute', 'hold', 'transfer', 'transfer-to', 'transfer-send', 'far-audio']
        .map((id) => [id.replace(/-(.)/g, (_, letter) => letter.toUpperCase()), $(id)]));
const meters = { microphone: new LevelMeter($('meter-microphone')),
                 far: new LevelMeter($('meter-far')) };
const log = createLog($('log'));
const phone = new Phone();
let audio = null;       // AudioContext, made by the first press: browsers want a gesture
let microphone = null;  // MediaStream of the call
let busy = false;       // the microphone is being opened

function showState(words, state) {
  ui.state.textContent = words;
  if (state) {
    ui.call.dataset.state = state;
  }
  showControls();
}

function showControls() {
  const registered = ui.account.dataset.state === 'registered';
  const state = ui.call.dataset.state;
  const idle = state === 'idle' || state === 'ended';
  ui.dial.disabled = !registered || !idle || busy;
  ui.presets.querySelectorAll('button').forEach((button) => {
    button.disabled = ui.dial.disabled;
  });
  ui.answer.hidden = state !== 'incoming';
  ui.answer.disabled = busy;
  ui.hangUp.disabled = idle;
  ui.hangUp.textContent = state === 'incoming' ? 'Decline' : 'Hang up';
  ui.mute.disabled = state !== 'active';
  ui.hold.disabled = state !== 'active';
  ui.transfer.hidden = state !== 'active';
  ui.transferSend.disabled = phone.call?.transferring ?? true;
  const held = phone.call?.held ?? false;
  ui.hold.setAttribute('aria-pressed', String(held));
  ui.hold.textContent = held ? 'Resume' : 'Hold';
}

function showMuted(muted) {
  ui.mute.setAttribute('aria-pressed', String(muted));
  ui.mute.textContent = muted ? 'Unmute' : 'Mute';
}

async function withMicrophone(use) {
  busy = true;
  showControls();
  try {
    audio ??= new AudioContext();
    await audio.resume();
    const stream = await openMicrophone(ui.plainMicrophone.checked);
    microphone = stream;
    meters.microphone.attach(audio, stream);
    use(stream);
  } catch (error) {
    releaseAudio();
    log(error.message);
    showState(error.message, phone.call ? undefined : 'ended');
  } finally {
    busy = false;
    showControls();
  }
}

function releaseAudio() {
  meters.microphone.detach();
  meters.far.detach();
  ui.farAudio.srcObject = null;
  closeMicrophone(microphone);
  microphone = null;
}

function dial(number) {
  const target = number.trim();
  if (!target) {
    showState('Enter a number first.');
    ui.number.focus();
    return;
  }
  if (ui.dial.disabled) {
    return;
  }
  ui.peer.textContent = target;
  showState(`Calling ${target} …`, 'dialing');
  withMicrophone((stream) => {
    if (ui.call.dataset.state === 'dialing') {
      phone.dial(target, stream);
    } else {
      releaseAudio();  // hung up while the browser asked for the microphone
    }
  });
}

function hangUp() {
  if (phone.call) {
    phone.call.hangUp();
  } else if (ui.call.dataset.state === 'dialing') {
    showState('You cancelled the call.', 'ended');
  }
}

function onCall(call) {
  ui.peer.textContent = call.who;
  showMuted(false);
  if (call.incoming) {
    showState(`${call.who} is calling.`, 'incoming');
    log(`Incoming call from ${call.who}`);
  }
  call.addEventListener('log', ({ detail }) => log(detail));
  call.addEventListener('heard', ({ detail: stream }) => {
    ui.farAudio.srcObject = stream;  // Chromium feeds an AnalyserNode only from a playing stream
    meters.far.attach(audio, stream);
  });
  call.addEventListener('state', ({ detail: { state, words } }) => {
    if (state === 'ended') {
      ui.call.dataset.cause = call.cause;
      ui.call.dataset.originator = call.originator;
      releaseAudio();
    }
    showState(words, state);
  });
}

function onRegistration({ state, words }) {
  ui.account.dataset.state = state;
  ui.registration.dataset.state = state;
  ui.registration.textContent = words;
  const signedIn = state === 'registered' || state === 'connecting';
  ui.accountForm.hidden = signedIn;
  ui.signedIn.hidden = !signedIn;
  log(words);
  showControls();
}

function onDigit(digit) {
  const state = ui.call.dataset.state;
  if (state === 'idle' || state === 'ended') {
    ui.number.value += digit;
  } else {
    phone.call?.sendDigit(digit);
  }
}

function start() {
  const form = ui.accountForm;
  const account = defaultAccount(location);
  for (const [name, value] of Object.entries(account)) {
    form.elements[name].value = value;
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    ui.whoami.textContent = `${values.user}@${values.domain}`;
    try {
      phone.register(values);
    } catch (error) {
      onRegistration({ state: 'failed', words: `These settings cannot work: ${error.message}.` });
    }
  });
  ui.signOut.addEventListener('click', () => phone.signOut());
  ui.dialer.addEventListener('submit', (event) => {
    event.preventDefault();
    dial(ui.number.value);
  });
  ui.presets.addEventListener('click', (event) => {
    const preset = event.target.closest('button');
    if (preset) {
      ui.number.value = preset.dataset.number;
      dial(preset.dataset.number);
    }
  });
  ui.answer.addEventListener('click', () => {
    const call = phone.call;
    withMicrophone((stream) => {
      if (call.state === 'incoming') {
        call.answer(stream);
      } else {
        releaseAudio();  // the caller gave up while the browser asked for the microphone
      }
    });
  });
  ui.hangUp.addEventListener('click', hangUp);
  ui.mute.addEventListener('click', () => {
    phone.call.setMuted(!phone.call.muted);
    showMuted(phone.call.muted);
  });
  ui.transfer.addEventListener('submit', (event) => {
    event.preventDefault();
    const to = ui.transferTo.value.trim();
    if (to && !ui.transferSend.disabled) {
      phone.call?.transfer(to);
    } else if (!to) {
      showState('Enter a number to transfer the call to.');
      ui.transferTo.focus();
    }
  });
  ui.hold.addEventListener('click', () => phone.call.setHeld(!phone.call.held));
  buildDialpad(ui.pad, { ownField: ui.number, capture: () => phone.call !== null, onDigit });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      hangUp();
    }
  });
  phone.addEventListener('registration', ({ detail }) => onRegistration(detail));
  phone.addEventListener('call', ({ detail }) => onCall(detail));
  phone.addEventListener('log', ({ detail }) => log(detail));
  setInterval(() => {
    const call = phone.call;
    const seconds = call?.state === 'active' ? call.seconds : 0;
    ui.timer.textContent = call?.state === 'active' ?
        `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : '';
  }, 500);
  showControls();
}

start();
