// Rows of services, ways in and vendor listings: add one, take one away. Without this file there are two blank ones.

export function makeRows(form) {
  for (const list of form.querySelectorAll("[data-records]")) {
    const add = list.querySelector(".add");
    if (!add) continue;
    const template = list.querySelector("template");
    let next = list.querySelectorAll(":scope > .record").length;
    for (const record of list.querySelectorAll(":scope > .record")) makeRemovable(record, list);
    add.addEventListener("click", () => {
      const record = template.content.firstElementChild.cloneNode(true);
      for (const one of record.querySelectorAll("[name], [id]")) {
        if (one.name) one.name = one.name.replace("[#]", `[${next}]`);
        if (one.id) one.id = one.id.replace("[#]", `[${next}]`);
      }
      next += 1;
      add.before(record);
      makeRemovable(record, list);
      record.querySelector("select, input").focus();
    });
    add.hidden = false;
  }
}

// The box that marks a row for removal becomes a button that takes it away.
function makeRemovable(record, list) {
  const label = record.querySelector(".take");
  const words = label.textContent.trim();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain take";
  button.textContent = words;
  button.addEventListener("click", () => {
    const after = record.nextElementSibling;
    record.remove();
    list.dispatchEvent(new Event("change", { bubbles: true }));
    (after?.querySelector("summary") ?? list.querySelector(".add")).focus();
  });
  label.replaceWith(button);
}
