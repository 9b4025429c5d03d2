// What this browser is, as far as opening map apps goes. When unsure, more is offered: a dead button is better than
// a missing one. The user agents this was held to are in tests/user_agents.py.

const PHONES = ["android", "ios", "harmonyos"];

// Apps that show pages in a browser of their own and keep links from opening other apps.
const IN_APP = [
  ["wechat", /MicroMessenger/i],
  ["qq", /\bQQ\/\d|V1_(?:AND|IPH)_SQ_/i],
  ["other", /AlipayClient|DingTalk|Weibo|aweme|BytedanceWebview|NewsArticle|baiduboxapp|TitansX|MeituanWaimai|; wv\)/i],
];

// Browsers known to take `intent:` with its way out; the others get the app's plain address.
const INTENTS = /(?:Chrome|Firefox)\/\d/;
const NO_INTENTS = /UCBrowser|Quark|MQQBrowser|baidubrowser|MiuiBrowser|HuaweiBrowser|HeyTapBrowser|VivoBrowser|SogouMobile|SamsungBrowser|OPR\/|Version\/4\.0/i;

function system(agent, touches) {
  // HarmonyOS 5 and later; before that it runs Android's apps and says so
  if (/OpenHarmony|ArkWeb/i.test(agent)) return "harmonyos";
  if (/Android/i.test(agent)) return "android";
  if (/iPhone|iPad|iPod/i.test(agent)) return "ios";
  if (/HarmonyOS/i.test(agent)) return "harmonyos";
  // a tablet that calls itself a Mac has fingers
  if (/Macintosh/i.test(agent) && touches > 1) return "ios";
  return touches > 0 ? "unsure" : "desktop";
}

export function readAgent(agent = navigator.userAgent, touches = navigator.maxTouchPoints) {
  const os = system(agent, touches);
  const inApp = IN_APP.find(([, mark]) => mark.test(agent))?.[0] ?? null;
  return {
    os,
    inApp,
    platforms: os === "unsure" ? PHONES : os === "desktop" ? [] : [os],
    takesIntents: os === "android" && !inApp && INTENTS.test(agent) && !NO_INTENTS.test(agent),
    // inside WeChat and QQ an app's own scheme does nothing at all
    opensApps: inApp !== "wechat" && inApp !== "qq",
  };
}

// `platform` as the registry has it: "android, ios", "ios >= 18.4", "web", "any".
export function worksOn(platform, here = readAgent()) {
  const made = platform.toLowerCase();
  const phones = PHONES.filter((name) => made.includes(name));
  return phones.length === 0 || phones.some((name) => here.platforms.includes(name));
}

export const isWeb = (url) => url.startsWith("https:");

// The address to open: on Android wrapped so that the browser has a way out where the app is missing.
export function launchUrl({ url, package: name }, fallback, here = readAgent()) {
  if (isWeb(url) || !here.takesIntents || !name || !fallback) return url;
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/.exec(url);
  const way = `S.browser_fallback_url=${encodeURIComponent(fallback)}`;
  return `intent://${rest}#Intent;scheme=${scheme};package=${name};${way};end`;
}
