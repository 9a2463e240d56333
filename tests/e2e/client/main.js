import { Ear } from './ear.js';
import { JsSipPhone } from './jssip_phone.js';
import { SipJsPhone } from './sipjs_phone.js';

const PHONES = { jssip: JsSipPhone, sipjs: SipJsPhone };

// Called by the tests: the page has one phone and one ear.
window.openPhone = async (kind) => {
  const microphone = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  window.ear = new Ear();
  window.phone = new PHONES[kind](window.ear, microphone);
};
