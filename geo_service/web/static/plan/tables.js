// The tables beside the map. Rows are kept and only what differs is written, so that focus stays where it is.

const PERCENT = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const percent = (share) => (share === null || share === undefined ? "–" : `${PERCENT.format(share * 100)}%`);
export const whole = (value) => WHOLE.format(value);
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

const write = (cell, text) => {
  if (cell.textContent !== text) cell.textContent = text;
};

function make(name, text, className) {
  const one = document.createElement(name);
  if (text !== undefined) one.textContent = text;
  if (className) one.className = className;
  return one;
}

function row(head, cells) {
  const one = document.createElement("tr");
  const first = make("th", head);
  first.scope = "row";
  one.append(first, ...cells.map(([text, isNumber]) => make("td", text, isNumber ? "number" : "")));
  return one;
}

// Numbers from a column on; as many rows as there are.
function rewrite(body, rows, from) {
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  rows.forEach((cells, i) => {
    if (!body.rows[i]) body.append(row("", cells.slice(1).map((_, at) => ["", at + 1 >= from])));
    cells.forEach((text, at) => write(body.rows[i].cells[at], text));
  });
}

const VALUES = {
  covered: (answer) => answer.covered_share,
  at_2: (answer) => answer.at["02:00"],
  at_14: (answer) => answer.at["14:00"],
  always: (answer) => answer.always_covered_share,
  worst: (answer) => answer.worst?.covered_share ?? null,
  gini: (answer) => answer.gini,
  cost: (answer) => answer.cost_yuan,
};

const SAID = {
  share: percent,
  number: (value) => (value === null ? "–" : value.toFixed(3)),
  yuan: whole,
};

export function difference(now, then, unit, words) {
  if (now === null || then === null || now === undefined || then === undefined) return "–";
  const change = then - now;
  const sign = change > 0 ? "+" : change < 0 ? "−" : "±";
  const size = Math.abs(change);
  if (unit === "share") return fill(words.points, { n: `${sign}${PERCENT.format(size * 100)}` });
  return sign + (unit === "yuan" ? whole(size) : size.toFixed(3));
}

export function writeSummary(table, before, after, words) {
  for (const line of table.tBodies[0].rows) {
    const [now, then] = [before, after].map(VALUES[line.dataset.key]);
    const { unit } = line.dataset;
    write(line.cells[1], SAID[unit](now));
    write(line.cells[2], SAID[unit](then));
    write(line.cells[3], difference(now, then, unit, words));
  }
}

export function writeLeft(table, { left_out: rows }, words) {
  const cells = rows.map(([name, kind, size, riders, points]) => [
    name || words.nameless, words.kinds[kind], whole(size), riders.toFixed(2), String(points),
  ]);
  rewrite(table.tBodies[0], cells, 2);
}

export function writeCommunities(table, rows) {
  if (rows.length) rewrite(table.tBodies[0], rows.map((one) => [one.name, percent(one.covered_share)]), 1);
}

// A place's buttons are made once; what they do is asked of the page when they are pressed.
export function placeTable(table, words, { onClose, onHours, onRestore, onRemove }) {
  const body = table.tBodies[0];
  const rows = new Map([...body.rows].map((one) => [one.dataset.id, one]));

  function button(text, label, act) {
    const one = make("button", text, "plain");
    one.type = "button";
    one.setAttribute("aria-label", label);
    one.addEventListener("click", act);
    return one;
  }

  function hours(one) {
    const input = document.createElement("input");
    input.value = one.hours;
    input.setAttribute("aria-label", fill(words.hours_of, { name: one.name }));
    input.addEventListener("change", () => input.value.trim() && onHours(one.id, input.value.trim()));
    return input;
  }

  function dress(line, one) {
    const cell = line.cells[4];
    if (cell.dataset.change === one.change && cell.childElementCount) return;
    cell.dataset.change = one.change;
    const held = document.activeElement?.closest("td") === cell;
    const { name, id } = one;
    const all = button(words.longer, fill(words.open_all_day, { name }), () => onHours(id, "24/7"));
    if (one.change === "site") cell.replaceChildren(hours(one), button(words.remove, fill(words.remove_it, { name }), () => onRemove(id)));
    else if (one.change) cell.replaceChildren(button(words.reopen, fill(words.restore_it, { name }), () => onRestore(id)));
    else cell.replaceChildren(all, button(words.close, fill(words.close_it, { name }), () => onClose(id)), hours(one));
    if (held) cell.querySelector("button")?.focus();
  }

  return (places) => {
    const seen = new Set(places.map((one) => one.id));
    for (const [id, line] of rows) {
      if (seen.has(id)) continue;
      line.remove();
      rows.delete(id);
    }
    for (const one of places) {
      let line = rows.get(one.id);
      if (!line) {
        line = row("", [[""], [""], ["", true], [""]]);
        line.dataset.id = one.id;
        rows.set(one.id, line);
        body.prepend(line);
      }
      const look = { site: "added", hours: "changed", close: "removed" }[one.change] ?? "";
      if (line.className !== look) line.className = look;
      write(line.cells[0], one.change ? `${one.name} · ${words[`is_${one.change}`]}` : one.name);
      write(line.cells[1], one.hours || "–");
      write(line.cells[2], one.is_open ? words.yes : words.no);
      write(line.cells[3], whole(one.reach));
      dress(line, one);
    }
  };
}
