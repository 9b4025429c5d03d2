// The list over the map: three heights, by finger, by key, by tap. On a wide screen it is a panel and stays.

// as in app.css: `--sheet` before this file has run
const HALF = 0.64;
const HALF_REM = 29.5;
const FULL = 0.88;

const wide = matchMedia("(min-width: 900px)");
const root = document.documentElement;

// Low: the sentence. Middle: three cards, as tall as the style sheet says (it grows with the text). High: the list.
function snaps() {
  const rem = parseFloat(getComputedStyle(root).fontSize);
  const middle = Math.round(Math.min(innerHeight * HALF, rem * HALF_REM));
  const low = (document.querySelector(".journey").offsetTop || 80) + 2;
  return [Math.min(low, middle), middle, Math.max(middle, Math.round(innerHeight * FULL))];
}

export function makeSheet(onRest) {
  const sheet = document.querySelector(".sheet");
  const handle = sheet.querySelector(".handle");
  let at = 1;
  let grip = null;

  function rest(index) {
    at = Math.max(0, Math.min(2, index));
    if (wide.matches) root.style.removeProperty("--sheet");
    else root.style.setProperty("--sheet", `${snaps()[at]}px`);
    handle.setAttribute("aria-expanded", String(at === 2));
    onRest();
  }

  handle.addEventListener("pointerdown", (event) => {
    grip = { y: event.clientY, height: sheet.offsetHeight, moved: false };
    handle.setPointerCapture(event.pointerId);
    root.classList.add("dragging");
  });
  handle.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const height = grip.height + grip.y - event.clientY;
    grip.moved ||= Math.abs(grip.y - event.clientY) > 6;
    root.style.setProperty("--sheet", `${Math.max(90, Math.min(innerHeight - 60, height))}px`);
  });
  const release = () => {
    if (!grip) return;
    root.classList.remove("dragging");
    const heights = snaps();
    const nearest = heights.map((h) => Math.abs(h - sheet.offsetHeight));
    if (grip.moved) rest(nearest.indexOf(Math.min(...nearest)));
    else rest(at === 2 ? 1 : at + 1);
    grip = null;
  };
  handle.addEventListener("pointerup", release);
  handle.addEventListener("pointercancel", release);
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowUp: at + 1, ArrowDown: at - 1, Home: 2, End: 0, Enter: at === 2 ? 1 : at + 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    rest(step);
  });
  addEventListener("resize", () => rest(at));
  handle.hidden = false;
  rest(1);

  return {
    // what of the map the sheet covers, so that a view can be fitted into the rest
    covered: () => (wide.matches ? 0 : snaps()[at]),
    lower: () => at === 2 && rest(1),
    low: () => rest(0),
    raise: () => at === 0 && rest(1),
  };
}
