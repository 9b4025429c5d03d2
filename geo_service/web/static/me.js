// Where am I? Asked of the phone when the button is pressed, shown on the map, sent nowhere.

export function makeLocator(map, { say, bbox, padding }) {
  const button = document.getElementById("locate");
  if (!("geolocation" in navigator)) return;
  let dot = null;

  function show({ coords }) {
    const here = [coords.latitude, coords.longitude];
    const [west, south, east, north] = bbox;
    if (here[1] < west || here[1] > east || here[0] < south || here[0] > north) {
      say(button.dataset.outside);
      return;
    }
    say("");
    dot ??= L.marker(here, {
      icon: L.divIcon({ html: "", className: "me", iconSize: [24, 24] }),
      alt: button.dataset.me,
      title: button.dataset.me,
      interactive: false,
      keyboard: false,
    }).addTo(map);
    dot.setLatLng(here);
    map.fitBounds(L.latLngBounds([here, here]), { ...padding(), maxZoom: Math.max(map.getZoom(), 17) });
  }

  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(show, () => say(button.dataset.refused), {
      enableHighAccuracy: true,
      maximumAge: 30_000,
      timeout: 10_000,
    });
  });
  button.hidden = false;
}
