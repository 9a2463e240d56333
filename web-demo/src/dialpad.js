const KEYS = [
  ['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
  ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', ''],
];
const SPOKEN = { '*': 'star', '#': 'hash' };
const FLASH_MS = 140;

// Fills `root` with twelve keys and calls `onDigit` for each press, by pointer or by keyboard.
// Typed digits count anywhere on the page except in text fields; `ownField` is the number field,
// in which they count too while `capture()` says so (in a call).
export function buildDialpad(root, { ownField, capture, onDigit }) {
  const keys = new Map();
  for (const [digit, letters] of KEYS) {
    const key = document.createElement('button');
    key.type = 'button';
    key.className = 'key';
    key.dataset.digit = digit;
    key.setAttribute('aria-label', SPOKEN[digit] ?? digit);
    const glyph = document.createElement('span');
    glyph.textContent = digit;
    const small = document.createElement('small');
    small.textContent = letters;
    key.append(glyph, small);
    key.addEventListener('click', () => onDigit(digit));
    keys.set(digit, key);
    root.append(key);
  }
  document.addEventListener('keydown', (event) => {
    const key = keys.get(event.key);
    if (!key || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) {
      return;
    }
    event.preventDefault();
    key.classList.add('pressed');
    setTimeout(() => key.classList.remove('pressed'), FLASH_MS);
    onDigit(event.key);
  });

  function isTyping(target) {
    if (target === ownField) {
      return !capture();
    }
    return target.matches('input:not([type=checkbox]), textarea, select');
  }
}
