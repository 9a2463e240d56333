import { describeMicrophone } from './causes.js';

// Opens the microphone for one call. `plain` switches the browser's echo cancellation, noise
// suppression and gain control off: they remove steady tones, which is what one measures with.
export async function openMicrophone(plain) {
  if (!navigator.mediaDevices) {
    throw new Error(describeMicrophone('InsecureContext'));
  }
  const processing = !plain;
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: {
        echoCancellation: processing,
        noiseSuppression: processing,
        autoGainControl: processing,
      },
      video: false,
    });
  } catch (error) {
    throw new Error(describeMicrophone(error.name));
  }
}

export function closeMicrophone(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
