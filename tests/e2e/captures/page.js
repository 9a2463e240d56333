// Runs in the browser: makes descriptions of its own and posts them to where the page came from.
const send = (path, body) => fetch(path, { method: 'POST', body });
const complete = (connection) => new Promise((resolve) => {
  const check = () => connection.iceGatheringState === 'complete' && resolve();
  connection.addEventListener('icegatheringstatechange', check);
  check();
});

async function local(connection, description, what) {
  await connection.setLocalDescription(description);
  await complete(connection);
  await send(`/captured/${what}`, connection.localDescription.sdp);
}

async function withTracks(kinds) {
  const stream = await navigator.mediaDevices.getUserMedia(kinds);
  const connection = new RTCPeerConnection();
  stream.getTracks().forEach((track) => connection.addTrack(track, stream));
  return connection;
}

// A call that is put on hold and then loses its path. The far end is another connection of the page.
async function reOffers() {
  const near = await withTracks({ audio: true });
  const far = await withTracks({ audio: true });
  const settle = async () => {
    await far.setRemoteDescription(near.localDescription);
    await far.setLocalDescription(await far.createAnswer());
    await complete(far);
    await near.setRemoteDescription(far.localDescription);
  };
  await near.setLocalDescription(await near.createOffer());
  await complete(near);
  await settle();
  near.getTransceivers()[0].direction = 'sendonly';
  await local(near, await near.createOffer(), 'audio-hold-offer');
  await settle();
  near.getTransceivers()[0].direction = 'sendrecv';
  // The state is "complete" until the new gathering has begun.
  const begun = new Promise((resolve) => {
    near.addEventListener('icegatheringstatechange', resolve, { once: true });
  });
  await near.setLocalDescription(await near.createOffer({ iceRestart: true }));
  await begun;
  await complete(near);
  await send('/captured/audio-ice-restart-offer', near.localDescription.sdp);
}

async function run() {
  for (const [what, kinds] of [['audio-offer', { audio: true }],
                               ['audio-video-offer', { audio: true, video: true }]]) {
    const connection = await withTracks(kinds);
    await local(connection, await connection.createOffer(), what);
  }
  const callee = await withTracks({ audio: true });
  const offer = await (await fetch('/gateway-offer')).text();
  await callee.setRemoteDescription({ type: 'offer', sdp: offer });
  await local(callee, await callee.createAnswer(), 'audio-answer');
  await reOffers();
}

run().then(() => send('/done', ''), (error) => send('/done', String(error?.stack ?? error)));
