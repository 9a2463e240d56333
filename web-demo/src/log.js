const KEEP = 200;

// Appends lines with the time of day to a list and keeps the newest in view.
export function createLog(list) {
  const clock = new Intl.DateTimeFormat(
      'en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
  return (text) => {
    const time = document.createElement('time');
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = clock.format(now);
    const line = document.createElement('li');
    line.append(time, ` ${text}`);
    list.append(line);
    while (list.childElementCount > KEEP) {
      list.firstElementChild.remove();
    }
    list.scrollTop = list.scrollHeight;
  };
}
