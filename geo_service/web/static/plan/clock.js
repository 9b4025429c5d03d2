// The coverage clock: a line and a heat strip of 168 hours, drawn as SVG, and the table below it that has every number.

const SVG = "http://www.w3.org/2000/svg";
const STEP = 5; // units of the picture for each hour
const HIGH = 190;
const STRIP = 26;
const LEFT = 56;

function make(name, attributes, text) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (text !== undefined) one.textContent = text;
  return one;
}

export const level = (share) => (share === null ? "none" : String(Math.min(10, Math.floor(share * 10.0001))));

function path(shares) {
  let line = "";
  let isOn = false;
  shares.forEach((share, hour) => {
    if (share === null) {
      isOn = false;
      return;
    }
    const x = hour * STEP;
    const y = (HIGH * (1 - share)).toFixed(1);
    line += `${isOn ? "L" : "M"}${x} ${y}L${x + STEP} ${y}`;
    isOn = true;
  });
  return line;
}

export function makeClock(frame, table, words, { onHour }) {
  const svg = make("svg", { viewBox: `${-LEFT} -14 ${168 * STEP + LEFT + 4} ${HIGH + STRIP + 46}`, role: "img", "aria-label": words.line });
  for (const share of [0, 0.5, 1]) {
    const y = HIGH * (1 - share);
    svg.append(make("path", { class: "grid", d: `M0 ${y}H${168 * STEP}` }));
    svg.append(make("text", { x: -6, y: y + 7, "text-anchor": "end" }, `${share * 100}%`));
  }
  words.weekdays.forEach((day, i) => {
    svg.append(make("path", { class: "grid", d: `M${i * 24 * STEP} 0V${HIGH + STRIP + 4}` }));
    svg.append(make("text", { x: (i * 24 + 12) * STEP, y: HIGH + STRIP + 26, "text-anchor": "middle" }, day));
  });
  const cells = Array.from({ length: 168 }, (_, hour) => make("rect", { x: hour * STEP, y: HIGH + 3, width: STEP, height: STRIP }));
  const [now, spare, then] = ["now", "spare", "then"].map((name) => make("path", { class: `line ${name}` }));
  const mark = make("rect", { class: "mark", y: -4, width: STEP, height: HIGH + STRIP + 9 });
  svg.append(...cells, now, spare, then, mark);
  svg.addEventListener("click", (event) => {
    const at = svg.createSVGPoint();
    [at.x, at.y] = [event.clientX, event.clientY];
    const hour = Math.floor(at.matrixTransform(svg.getScreenCTM().inverse()).x / STEP);
    if (hour >= 0 && hour < 168) onHour(hour);
  });
  frame.replaceChildren(svg);
  frame.hidden = false;

  const buttons = [...table.querySelectorAll("button[data-hour]")];
  table.addEventListener("click", ({ target }) => target.dataset.hour && onHour(Number(target.dataset.hour)));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -24, ArrowDown: 24 }[event.key];
    if (!step || !event.target.dataset.hour) return;
    event.preventDefault();
    const next = buttons[Number(event.target.dataset.hour) + step];
    if (!next) return;
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });

  return {
    draw(before, after, hour) {
      now.setAttribute("d", path(before.clock));
      then.setAttribute("d", path(after.clock));
      spare.setAttribute("d", path(after.backup_clock));
      mark.setAttribute("x", hour * STEP);
      after.clock.forEach((share, at) => {
        const text = share === null ? "–" : (share * 100).toFixed(0);
        const name = `h${level(share)}`;
        if (buttons[at].textContent !== text) buttons[at].textContent = text;
        if (buttons[at].className !== name) buttons[at].className = name;
        if (cells[at].getAttribute("class") !== name) cells[at].setAttribute("class", name);
      });
    },
    choose(hour) {
      for (const button of buttons) {
        const isIt = Number(button.dataset.hour) === hour;
        button.tabIndex = isIt ? 0 : -1;
        if (isIt) button.setAttribute("aria-pressed", "true");
        else button.removeAttribute("aria-pressed");
      }
    },
  };
}
