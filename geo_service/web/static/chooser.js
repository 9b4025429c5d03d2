// Which map app? Asked once; afterwards the button goes straight there until it is changed.

import { worksHere } from "./platform.js";

const KEY = "map-app";

const read = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden: then the question is asked each time
  }
};

const write = (app) => {
  try {
    if (app) localStorage.setItem(KEY, app);
    else localStorage.removeItem(KEY);
  } catch {
    return;
  }
};

export function makeChooser() {
  const dialog = document.getElementById("chooser");
  const list = dialog.querySelector(".links");
  const remembered = document.getElementById("remembered");

  function recall() {
    const app = read();
    const link = app && document.querySelector(`.cards .link[data-app="${CSS.escape(app)}"]`);
    remembered.hidden = !link;
    if (link) {
      remembered.firstElementChild.textContent = remembered.dataset.words.replace("◆", link.dataset.label);
    }
  }

  function ask(card) {
    dialog.querySelector("h2").textContent = card.querySelector(".name").textContent;
    const items = [...card.querySelectorAll(".links li")].filter(worksHere);
    list.replaceChildren(...items.map((item) => item.cloneNode(true)));
    dialog.showModal();
  }

  document.querySelector(".cards").addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (!summary) return;
    event.preventDefault();
    const card = summary.closest(".card");
    const app = read();
    const known = app && card.querySelector(`.link[data-app="${CSS.escape(app)}"]`);
    if (known) location.href = known.href;
    else ask(card);
  });
  list.addEventListener("click", (event) => {
    const link = event.target.closest(".link");
    if (!link) return;
    write(link.dataset.app);
    dialog.close();
    recall();
  });
  // a tap beside the dialog closes it
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  remembered.querySelector("button").addEventListener("click", () => {
    write(null);
    recall();
  });
  recall();
}
