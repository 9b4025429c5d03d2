// Runs before the first paint: the stored theme, if any, wins over the system's.
(function () {
  "use strict";
  var stored = null;
  try {
    stored = localStorage.getItem("theme");
  } catch (error) {
    stored = null; // storage may be forbidden; the system's theme then holds
  }
  var root = document.documentElement;
  root.classList.add("js");
  if (stored === "dark" || stored === "light") {
    document.getElementById("dark").media = stored === "dark" ? "all" : "not all";
    root.dataset.theme = stored;
  }
})();
