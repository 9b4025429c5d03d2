// Below each box of opening hours: what the text means for the coming week, said by the server while one types.

const PAUSE_MS = 250;

export function makeHours(form, { desk, lang }) {
  const asked = new Map();
  form.addEventListener("input", ({ target }) => {
    if (!("hours" in target.dataset)) return;
    clearTimeout(asked.get(target));
    asked.set(target, setTimeout(() => show(target), PAUSE_MS));
  });

  async function show(input) {
    const box = input.closest(".hours");
    const text = input.value;
    const query = new URLSearchParams({ text, lang, ...(box.dataset.row ? { row: "yes" } : {}) });
    const response = await fetch(`${desk}hours-preview?${query}`);
    // whoever typed on has asked again
    if (!response.ok || response.redirected || input.value !== text) return;
    const { html, fault, state_words: state } = await response.json();
    const means = box.querySelector(".means");
    const wasOpen = means.querySelector("details")?.open ?? !box.dataset.row;
    means.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    const week = means.querySelector("details");
    if (week) week.open = wasOpen;
    // the whole week would be read out at every pause: the one line that matters is said on its own
    box.querySelector("[aria-live]").textContent = state || means.querySelector(".state").textContent.trim();
    if (fault) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}
