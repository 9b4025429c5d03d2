// What the scripts say: the page's data block, and how gaps are filled. Numbers and times read as the server's do.

export const words = JSON.parse(document.getElementById("words").textContent);
export const english = document.documentElement.lang === "en";

const SHANGHAI_MS = 8 * 3600 * 1000;
const DAY_MS = 86_400_000;
const two = (n) => String(n).padStart(2, "0");

export function fill(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (whole, gap) => gaps[gap] ?? whole);
}

// As `length_words` of words.py: tens of metres below one kilometre, tenths of a kilometre above.
export function lengthWords(metres) {
  if (metres < 995) return fill(words.metres, { n: Math.round(metres / 10) * 10 });
  return fill(words.kilometres, { n: (metres / 1000).toFixed(1) });
}

// A length that somebody chose on a scale: no zeros that nobody set.
export const roundWords = (metres) => fill(words.kilometres, { n: metres / 1000 });

export const wholeMinutes = (seconds) => Math.max(1, Math.ceil(seconds / 60));

// As `clock_words` of words.py, in Asia/Shanghai whatever the phone thinks.
export function clockWords(iso, now) {
  const there = new Date(Date.parse(iso) + SHANGHAI_MS);
  const today = Math.floor((now + SHANGHAI_MS) / DAY_MS);
  const days = Math.floor(there.getTime() / DAY_MS) - today;
  const time = `${two(there.getUTCHours())}:${two(there.getUTCMinutes())}`;
  if (days === 0) return time;
  if (days === 1) return time === "00:00" ? "24:00" : fill(words.tomorrow, { time });
  if (days < 7) return `${words.weekdays[(there.getUTCDay() + 6) % 7]} ${time}`;
  return `${two(there.getUTCMonth() + 1)}-${two(there.getUTCDate())} ${time}`;
}

// Days since somebody looked, as people say it.
export function ageWords(checkedOn, now) {
  if (!checkedOn) return "";
  const today = Math.floor((now + SHANGHAI_MS) / DAY_MS);
  const days = Math.max(0, today - Math.floor(Date.parse(checkedOn) / DAY_MS));
  if (days === 0) return words.checked_today;
  return days < 60 ? fill(words.checked_days, { n: days }) : fill(words.checked_months, { n: Math.floor(days / 30) });
}

// "1 min 20 s": whole seconds, rounded up, zeros left out. kind: "plus" or "for".
export function spanWords(seconds, kind) {
  const whole = Math.ceil(seconds);
  const m = Math.floor(whole / 60);
  const s = whole % 60;
  if (kind === "plus") return fill(m && s ? words.plus_ms : m ? words.plus_m : words.plus_s, { m, s });
  return fill(m && s ? words.for_ms : m ? words.for_m : words.for_s, { m, s });
}
