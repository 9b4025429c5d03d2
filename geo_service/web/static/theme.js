// Runs before the first paint: light or dark. The rider's choice wins; else dark follows the phone and the sun.
(function () {
  "use strict";
  var root = document.documentElement;
  var sheet = document.getElementById("dark");
  var centre = (document.currentScript.dataset.centre || "").split(",").map(Number);
  var system = matchMedia("(prefers-color-scheme: dark)");
  var choice = "auto";
  try {
    choice = localStorage.getItem("theme") || "auto";
  } catch (error) {
    choice = "auto"; // storage may be forbidden: then the choice lasts for this page
  }

  // Height of the sun's upper edge over the horizon below 0: night. Jean Meeus, Astronomical Algorithms, chapter 25 (low accuracy).
  function isNight(now) {
    if (centre.length !== 2) return false;
    var rad = Math.PI / 180;
    var d = now / 86400000 - 10957.5;
    var mean = (357.529 + 0.98560028 * d) * rad;
    var lon = (280.459 + 0.98564736 * d + 1.915 * Math.sin(mean) + 0.02 * Math.sin(2 * mean)) * rad;
    var tilt = 23.439 * rad;
    var rise = Math.atan2(Math.cos(tilt) * Math.sin(lon), Math.cos(lon));
    var fall = Math.asin(Math.sin(tilt) * Math.sin(lon));
    var turn = (280.46062 + 360.98564737 * d + centre[0]) * rad - rise;
    var height = Math.asin(Math.sin(centre[1] * rad) * Math.sin(fall) + Math.cos(centre[1] * rad) * Math.cos(fall) * Math.cos(turn));
    return height < -0.833 * rad;
  }

  function isDark() {
    return choice === "auto" ? system.matches || isNight(Date.now()) : choice === "dark";
  }

  function paint() {
    var theme = isDark() ? "dark" : "light";
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    sheet.media = theme === "dark" ? "all" : "not all";
    dispatchEvent(new Event("themechange"));
  }

  window.theme = {
    choice: function () {
      return choice;
    },
    isNight: isNight,
    // from automatic to the other one, then to the one it was, then automatic again
    next: function () {
      var auto = system.matches || isNight(Date.now()) ? "dark" : "light";
      var other = auto === "dark" ? "light" : "dark";
      choice = choice === "auto" ? other : choice === other ? auto : "auto";
      root.dataset.choice = choice;
      try {
        if (choice === "auto") localStorage.removeItem("theme");
        else localStorage.setItem("theme", choice);
      } catch (error) {
        return; // kept for this page
      } finally {
        paint();
      }
    },
  };
  root.classList.add("js");
  root.dataset.choice = choice;
  paint();
  system.addEventListener("change", paint);
  setInterval(paint, 60000);
})();
