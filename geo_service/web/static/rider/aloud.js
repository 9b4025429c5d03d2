// The sentence and the first card, read aloud by the phone; a second tap stops it.

const button = document.getElementById("aloud");

function textOf(list) {
  const card = list.querySelector(".card");
  const parts = [document.getElementById("heading"), card?.querySelector(".name"), ...(card?.querySelectorAll(".facts") ?? [])];
  const spoken = parts.filter(Boolean).map((part) => {
    const copy = part.cloneNode(true);
    for (const mute of copy.querySelectorAll("[aria-hidden]")) mute.replaceWith(mute.matches(".badge") ? "" : "，");
    return copy.textContent.replace(/[·\s]+/g, " ").trim();
  });
  return spoken.join("。");
}

/** Read, or stop reading. */
export function readAloud(list) {
  if (speechSynthesis.speaking) {
    speechSynthesis.cancel();
    return;
  }
  const lang = document.documentElement.lang;
  const said = new SpeechSynthesisUtterance(textOf(list));
  said.lang = lang;
  const voice = speechSynthesis.getVoices().find((one) => one.lang.replace("_", "-").startsWith(lang.slice(0, 2)));
  if (voice) said.voice = voice;
  const press = (is) => () => button.setAttribute("aria-pressed", String(is));
  said.addEventListener("start", press(true));
  said.addEventListener("end", press(false));
  said.addEventListener("error", press(false));
  speechSynthesis.speak(said);
}
