// What the scripts say: the page's data block, and how gaps are filled. Numbers and times read as the server's do.

export const words = JSON.parse(document.getElementById("words").textContent);
export const english = document.documentElement.lang === "en";

export function fill(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (whole, gap) => gaps[gap] ?? whole);
}
