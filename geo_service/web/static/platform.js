// Which links can work here. When unsure, all are offered: a dead button is better than a missing one.

const PHONES = ["android", "ios", "harmonyos"];

function here() {
  const agent = navigator.userAgent;
  if (/OpenHarmony|HarmonyOS|ArkWeb/i.test(agent)) return ["harmonyos"];
  if (/Android/i.test(agent)) return ["android"];
  if (/iPhone|iPad|iPod/i.test(agent)) return ["ios"];
  // a tablet that calls itself a desktop has fingers
  return navigator.maxTouchPoints > 0 ? PHONES : [];
}

export function worksHere(item) {
  const made = item.dataset.platform.toLowerCase();
  const phones = PHONES.filter((name) => made.includes(name));
  return phones.length === 0 || phones.some((name) => here().includes(name));
}
